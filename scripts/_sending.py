"""Sending the operator's calls: one effect a key through the engine; or a preview; or a Safe's file."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import CallRevertedError
from liqpass.adapters.chain.events import ROUTINE, Event
from liqpass.adapters.chain.outcome import Outcome
from liqpass.adapters.chain.records import IntentState
from liqpass.adapters.chain.revert_words import our_errors, reason_of
from liqpass.adapters.chain.rpc import BlockId, Call
from liqpass.adapters.chain.safe_transaction import SafeCall, write_safe_batch
from liqpass.adapters.chain.settlement import ask_done
from liqpass.adapters.chain.signer import ApeSigner
from web3.contract import Contract

from scripts._operator import Operator, RefusedError


@dataclass(frozen=True, slots=True)
class Step:
    """One call. `key` names its effect, `done` says whether the chain shows it.

    `follows`: it would fail before the step in front of it, so it cannot be simulated before that.
    `again`: the effect may be wanted once more after it was had (funding, pausing); False: once for ever.
    """

    key: str
    to: str
    data: bytes
    describe: str
    done: Callable[[BlockId], bool] | None = None
    follows: bool = False
    again: bool = False


def calldata(contract: Contract, function: str, *arguments: object) -> bytes:
    """The encoded call of a function of our contracts."""
    return bytes.fromhex(contract.encode_abi(function, args=list(arguments))[2:])


class Sender:
    """One signer's engine with its journal open. Made by `open_sender`."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._journal = engine, engine.journal

    def send(self, step: Step) -> Outcome:
        """Bring it about, or find what an earlier run made of it. Raises what `Engine.submit` raises."""
        key, to, data = self._chosen(step)
        return self._engine.submit(key, to, data, describe=step.describe, done=step.done)

    def preview(self, step: Step) -> str:
        """One line on what `send` would do. Raises what `Engine.preview` raises."""
        key, to, data = self._chosen(step)
        seen = self._engine.preview(key, to, data, done=step.done)
        if seen.already_done:
            return f"{step.describe}: done already, nothing would be sent"
        return f"{step.describe}: would send nonce {seen.nonce}, {seen.gas} gas, to {to}"

    def has_failed(self, key: str) -> bool:
        """Whether a transaction of this step was mined and reverted."""
        return any(
            intent.state is IntentState.FAILED and (intent.key == key or intent.key.startswith(f"{key}/"))
            for intent in self._journal.intents()
        )

    def unfinished(self, prefix: str) -> tuple[str, bytes] | None:
        """Key and calldata of the transaction in flight, if its key begins so."""
        found = self._journal.in_flight()
        if found is None or not found[0].key.startswith(prefix):
            return None
        return found[0].key, found[0].data

    def resume(self, key: str, data: bytes, step: Step) -> Outcome:
        """Go on with a transaction that an earlier run left in flight."""
        return self._engine.submit(key, step.to, data, describe=step.describe, done=step.done)

    def _chosen(self, step: Step) -> tuple[str, str, bytes]:
        """The step under its key, or under the next number of it when an earlier attempt is over for good.

        Other calldata under a known key (a permit signed anew) waits for the end of the earlier one: as long
        as signed bytes may still run, they are the transaction.
        """
        for number in itertools.count():
            key = step.key if number == 0 else f"{step.key}/{number}"
            intent = self._journal.intent(key)
            if intent is None:
                return key, step.to, step.data
            if intent.state is IntentState.FINAL:
                if step.again and not (step.done is not None and ask_done(step.done, "latest")):
                    continue
                return key, intent.to or step.to, intent.data
            if intent.state is not IntentState.FAILED and self._journal.live(intent):
                return key, intent.to or step.to, intent.data
            if (intent.to, intent.data) == (step.to, step.data):
                return key, step.to, step.data
        raise AssertionError  # count() has no end


@contextmanager
def open_sender(operator: Operator) -> Iterator[Sender]:
    """The engine of the operator's own account on its own journal."""
    connection, account = operator.site.connection, operator.account
    if account is None:
        raise RefusedError("a Safe does not sign here")

    def tell(event: Event) -> None:
        if event.kind not in ROUTINE:
            click.echo(f"  {event.key}: {event.kind.value} {event.text}")

    with Engine.open(
        connection.rpc,
        ApeSigner(account),
        operator.policy,
        chain_id=connection.chain_id,
        journal_folder=operator.journal,
        on_event=tell,
        decode_revert=our_errors,
    ) as engine:
        yield Sender(engine)


def _nothing() -> None:
    """What most calls need before they leave."""


def perform(
    operator: Operator, name: str, steps: Sequence[Step], before_sending: Callable[[], None] = _nothing
) -> list[Outcome]:
    """Send all steps in order; with --dry-run show them; with --safe write them. What was sent.

    `before_sending` runs once, when all is confirmed and before anything leaves or is written.
    """
    if operator.safe_file is not None:
        write_safe(operator, name, steps, before_sending)
        return []
    with open_sender(operator) as sender:
        if operator.dry_run:
            show_previews(sender, steps)
            return []
        confirm(operator, f"{name}: {len(steps)} transactions")
        before_sending()
        return [sender.send(step) for step in steps]


def tell_transaction(outcome: Outcome) -> None:
    """The last line on an effect: the transaction that brought it about, or that another one was faster."""
    if outcome.already_done:
        click.echo("done already, by another transaction than this command's")
    else:
        click.echo(f"transaction {outcome.tx_hash}")


def show_previews(sender: Sender, steps: Sequence[Step]) -> None:
    """One line a step, and that nothing was sent."""
    open_before = False
    for step in steps:
        if step.follows and open_before:
            click.echo(f"{step.describe}: would be sent after that")
            continue
        click.echo(sender.preview(step))
        open_before = step.done is None or not ask_done(step.done, "latest")
    click.echo("dry run: nothing was sent")


def confirm(operator: Operator, what: str) -> None:
    """Ask before the first transaction on a live network."""
    connection = operator.site.connection
    if not operator.confirmed:
        click.confirm(f"{what} on {connection.chain} (chain {connection.chain_id})?", abort=True)


def write_safe(
    operator: Operator, name: str, steps: Sequence[Step], before_writing: Callable[[], None] = _nothing
) -> None:
    """Simulate each step as the Safe and write the file; with --dry-run only simulate."""
    connection = operator.site.connection
    wanted = [step for step in steps if step.done is None or not ask_done(step.done, "latest")]
    for position, step in enumerate(wanted):
        if step.follows and position > 0:
            continue
        try:
            connection.rpc.call(Call(operator.address, step.to, step.data, 0), "latest")
        except CallRevertedError as error:
            reason = reason_of(error.data, error.message)
            raise RefusedError(f"{step.describe}: would revert: {reason}; nothing was written") from None
    if not wanted:
        click.echo("the chain shows all of it already: nothing was written")
        return
    for step in wanted:
        click.echo(f"{step.describe}: to {step.to}, data 0x{step.data.hex()[:8]}… ({len(step.data)} bytes)")
    if operator.dry_run or operator.safe_file is None:
        click.echo("dry run: nothing was written")
        return
    text = write_safe_batch(
        [SafeCall(step.to, 0, step.data) for step in wanted],
        chain_id=connection.chain_id,
        safe=operator.address,
        name=name,
        description="; ".join(step.describe for step in wanted),
        created_at_ms=time.time_ns() // 1_000_000,
    )
    before_writing()
    operator.safe_file.write_text(text)
    click.echo(
        f"wrote {operator.safe_file}: {len(wanted)} transactions of Safe {operator.address}; nothing was sent"
    )
