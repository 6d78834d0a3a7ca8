"""The options of every command that sends transactions."""

from __future__ import annotations

from pathlib import Path

import click

journal_option = click.option(
    "--journal",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the journals.  [default: LIQPASS_JOURNAL_FOLDER, else ~/.liqpass/journal]",
)
max_fee_option = click.option(
    "--max-fee-gwei",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Most to offer per gas on a live network.",
)
