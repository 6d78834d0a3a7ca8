"""The options of every script that sends transactions: one signer has one journal, whatever sends."""

from __future__ import annotations

from pathlib import Path

import click

journal_option = click.option(
    "--journal",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path.home() / ".liqpass" / "journal",
    envvar="LIQPASS_JOURNAL_FOLDER",
    show_envvar=True,
    help="Folder of the journals of sent transactions.  [default: ~/.liqpass/journal]",
)
max_fee_option = click.option(
    "--max-fee-gwei",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Most to offer per gas on a live network.",
)
