"""`liqpass audit`: the hash-chained log of every decision."""

from __future__ import annotations

import re

import click

from liqpass.domain.audit import Anchor
from liqpass.entrypoints.answers import iso
from liqpass.entrypoints.cli.session import Session, json_option, pass_session, show_json, show_table

_ANCHOR = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})", re.ASCII)


class AnchorType(click.ParamType):
    """COUNT:HEAD, as a report or export prints it."""

    name = "count:head"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Anchor:
        """The anchor."""
        match = _ANCHOR.fullmatch(str(value))
        if match is None:
            self.fail("an anchor is COUNT:HEAD, a number and 64 hexadecimal digits", param, ctx)
        return Anchor(int(match[1]), match[2])


@click.group()
def audit() -> None:
    """The append-only audit log."""


@audit.command()
@click.option("--anchor", type=AnchorType(), help="COUNT:HEAD of a report: finds a cut or rewritten log too.")
@json_option
@pass_session
def verify(session: Session, anchor: Anchor | None, as_json: bool) -> None:
    """Check every entry against the one before it; exit code 1 at the first fault."""
    found, fault = session.app.controlling.verify_audit(anchor)
    if as_json:
        shown = None if fault is None else {"entry": fault.seq, "fault": fault.message}
        show_json({"count": found.count, "head": found.head, "fault": shown})
    elif fault is None:
        click.echo(f"{found.count} entries, unbroken; anchor {found.count}:{found.head}")
    if fault is not None:
        raise click.ClickException(f"audit log, entry {fault.seq}: {fault.message}")


@audit.command()
@click.option("-n", "lines", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Entries.")
@click.option("--subject", help="Only of one subject, for example order/<id> or claim/<id>.")
@json_option
@pass_session
def tail(session: Session, lines: int, subject: str | None, as_json: bool) -> None:
    """Show the last entries."""
    entries = session.app.controlling.audit_entries(subject=subject)[-lines:]
    rows = [
        {
            "seq": entry.seq,
            "at": iso(entry.at_ms),
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "details": dict(entry.details),
        }
        for entry in entries
    ]
    show_json(rows) if as_json else show_table(rows, ("seq", "at", "actor", "action", "subject", "details"))
