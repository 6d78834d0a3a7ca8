"""`liqpass sync`, `reconcile`, `report`: between the chain and the book."""

from __future__ import annotations

from pathlib import Path

import click

from liqpass.entrypoints.cli.session import (
    Session,
    actor_option,
    json_option,
    pass_session,
    show_fields,
    show_json,
    writable,
)


@click.command()
@json_option
@pass_session
def sync(session: Session, as_json: bool) -> None:
    """Read new PremiumPaid logs and cover their orders. Safe to run at any time, as often as you like."""

    def progress(block: int, last: int) -> None:
        click.echo(f"read up to block {block} of {last}", err=True)

    result = session.app.use_cases.syncing.sync(progress)
    answer = {
        "firstBlock": result.first,
        "lastBlock": result.last,
        "headBlock": result.head,
        "covered": list(result.covered),
        "unmatched": result.unmatched,
        "vanished": list(result.vanished),
    }
    show_json(answer) if as_json else show_fields(answer)
    if result.vanished:
        raise click.ClickException(
            "payments vanished in a deep reorganisation; look at `liqpass order unmatched`: "
            + ", ".join(result.vanished)
        )


@click.command()
@json_option
@pass_session
def reconcile(session: Session, as_json: bool) -> None:
    """Take payouts, holds, revocations and expiries from the chain at a final block into the book."""
    result = session.app.use_cases.reconciling.reconcile()
    answer = {
        "finalBlock": result.block.number,
        "paidPolicyNos": result.paid,
        "heldPolicyNos": result.held,
        "returnedPolicyNos": result.returned,
        "batches": [{"batchId": batch, "state": state} for batch, state in result.batches],
        "alarms": result.alarms,
    }
    show_json(answer) if as_json else show_fields(answer)
    if result.alarms:
        raise click.ClickException("chain and book contradict each other: " + "; ".join(result.alarms))


@click.command()
@click.argument("batch_id", type=int)
@click.option(
    "--format", "kind", type=click.Choice(["csv", "json"]), default="csv", show_default=True, help="Form."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File; default: standard output."
)
@actor_option
@pass_session
def report(session: Session, batch_id: int, kind: str, out: Path | None, actor: str) -> None:
    """The report of a batch (UTC date YYYYMMDD), amounts in USDC, with the audit log's count and head."""

    def made() -> bytes:
        report = session.app.use_cases.reporting.report(batch_id, actor=actor)
        return report.as_csv().encode() if kind == "csv" else report.as_json() + b"\n"

    if out is None:
        click.echo(made(), nl=False)
        return
    with writable(out):
        out.write_bytes(made())
    click.echo(f"wrote {out}")
