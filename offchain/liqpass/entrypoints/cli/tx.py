"""`liqpass tx`: what the transaction journals on this machine say. It reads, and never sends."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from liqpass.adapters.chain.errors import JournalError
from liqpass.adapters.chain.journal import Journal
from liqpass.adapters.chain.records import Attempt, Intent, IntentState

_ENDED = (IntentState.FINAL, IntentState.ABANDONED)


@click.group("tx")
@click.option(
    "--journals",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path.home() / ".liqpass" / "journal",
    show_default=True,
    help="Folder of the journals, one file a chain and signer.",
)
@click.pass_context
def tx(context: click.Context, journals: Path) -> None:
    """Transactions that this machine signed: what was meant, what was sent, how it ended."""
    context.obj = journals


@tx.command("list")
@click.pass_obj
def list_(journals: Path) -> None:
    """All intents, oldest first."""
    for journal in _open_all(journals):
        with journal:
            click.echo(f"chain {journal.chain_id}, signer {journal.signer}")
            for intent in journal.intents():
                click.echo(
                    f"  {_when(intent)}  {intent.state:<9}  {intent.key}  {intent.tx_hash or ''}".rstrip()
                )


@tx.command()
@click.argument("key")
@click.pass_obj
def show(journals: Path, key: str) -> None:
    """One intent with every set of bytes that was signed for it."""
    found = False
    for journal in _open_all(journals):
        with journal:
            intent = journal.intent(key)
            if intent is not None:
                found = True
                _show(journal, intent)
    if not found:
        raise click.ClickException(f"no journal in {journals} knows {key}")


@tx.command("resume-hints")
@click.pass_obj
def resume_hints(journals: Path) -> None:
    """What has no end yet, and what to do about it."""
    waiting = 0
    for journal in _open_all(journals):
        with journal:
            for intent in journal.intents():
                if intent.state in _ENDED:
                    continue
                waiting += 1
                click.echo(f"{intent.key} ({intent.describe}), chain {journal.chain_id}, {journal.signer}")
                click.echo(f"  {_hint(intent, journal.live(intent))}")
    if not waiting:
        click.echo("nothing is waiting")


def _open_all(folder: Path) -> list[Journal]:
    try:
        return [Journal.inspect(path) for path in sorted(folder.glob("*.sqlite3"))]
    except JournalError as error:
        raise click.ClickException(str(error)) from error


def _when(intent: Intent) -> str:
    return datetime.fromtimestamp(intent.changed_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _show(journal: Journal, intent: Intent) -> None:
    click.echo(f"{intent.key}: {intent.state}, {_when(intent)}")
    click.echo(f"  {intent.describe}")
    click.echo(f"  chain {journal.chain_id}, from {journal.signer} to {intent.to or 'a new contract'}")
    click.echo(f"  value {intent.value} wei, calldata of {len(intent.data)} bytes, {intent.calldata_hash}")
    if intent.block_number is not None:
        click.echo(f"  ended in block {intent.block_number} {intent.block_hash}")
    if intent.note:
        click.echo(f"  {intent.note}")
    for attempt in journal.attempts(intent):
        click.echo(
            f"  nonce {attempt.nonce}, gas {attempt.gas}, up to {attempt.fees.max_fee} wei per gas: "
            f"{attempt.state} {attempt.tx_hash or '(not signed)'}"
        )


def _hint(intent: Intent, live: list[Attempt]) -> str:
    if intent.state == IntentState.FAILED:
        return "it reverted on chain: look why, then run its command again to try anew"
    if live:
        return f"signed with nonce {live[-1].nonce}: run its command again, the same bytes are sent"
    return "nothing is signed: run its command again, or leave it"
