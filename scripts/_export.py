"""Exporting a batch on the service's machine: the same use case as `liqpass batch export`."""

from __future__ import annotations

from pathlib import Path

import click
from liqpass.bootstrap import Application
from liqpass.entrypoints.cli.session import EXPECTED
from liqpass.settings import read_settings


def export_batch(batch_id: int, out: Path, actor: str) -> None:
    """Write the file and show the audit log's anchor. Raises ClickException for expected faults."""
    try:
        app = Application(read_settings())
        data = app.use_cases.exporting.batch_file(batch_id, actor=actor)
        anchor, _ = app.controlling.verify_audit(None)
        out.write_bytes(data)
    except EXPECTED as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or out}: {error.strerror}") from None
    click.echo(f"wrote {out} ({len(data)} bytes)")
    click.echo(f"audit anchor {anchor.count}:{anchor.head}")
