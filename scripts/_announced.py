"""Calls that must be announced: a first run schedules, a later one executes, none does either twice.

The AccessManager itself says how it stands. An announced call belongs to its caller, target and calldata: the
same command with the same values finds it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click
from liqpass.adapters.chain.asking import LOG_RANGE, logs_of
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import format_bytes32
from web3.contract import Contract

from scripts._moments import moment
from scripts._operator import Operator, RefusedError, refuse
from scripts._sending import Step, calldata, perform, tell_transaction


@dataclass(frozen=True, slots=True)
class DelayedCall:
    """A call of CONFIG's to one of our contracts.

    `refusals` speak against it at all, `not_yet` only against executing it now.
    """

    contract: Contract
    function: str
    arguments: tuple[object, ...]
    words: str
    refusals: Sequence[str] = ()
    not_yet: Sequence[str] = ()

    @property
    def data(self) -> bytes:
        return calldata(self.contract, self.function, *self.arguments)


def announce_or_execute(operator: Operator, call: DelayedCall) -> None:
    """Take the next step of this call. Raises RefusedError without CONFIG, too early, or for its reasons."""
    manager, data = operator.site.manager, call.data
    target = call.contract.address
    delay_s = int(manager.functions.canCall(operator.address, target, data[:4]).call()[1])
    if delay_s == 0:
        raise RefusedError(
            f"{operator.address} may not {call.words}: it does not hold CONFIG; nothing was sent"
        )
    refuse(call.refusals)
    operation = bytes(manager.functions.hashOperation(operator.address, target, data).call())
    ready_at_s = int(manager.functions.getSchedule(operation).call())  # 0: never, over, or lapsed
    if ready_at_s == 0:
        _announce(operator, call, operation)
        return
    if operator.site.reader.head().time_s < ready_at_s:
        raise RefusedError(
            f"announced already: {call.words}; run this again from {moment(ready_at_s)} on to execute it; "
            "nothing was sent"
        )
    refuse(call.not_yet)
    _execute(operator, call, operation, ready_at_s)


def _announce(operator: Operator, call: DelayedCall, operation: bytes) -> None:
    manager = operator.site.manager
    number = int(manager.functions.getNonce(operation).call())
    step = Step(
        f"governance/announce/{operation.hex()}/{number}",
        manager.address,
        calldata(manager, "schedule", call.contract.address, call.data, 0),
        f"announce: {call.words}",
        lambda block: int(manager.functions.getNonce(operation).call(block_identifier=block)) > number,
    )
    for outcome in perform(operator, f"LiqPass announcement: {call.words}", [step]):
        ready_at_s = int(manager.functions.getSchedule(operation).call())
        until_s = ready_at_s + int(manager.functions.expiration().call())
        click.echo(f"announced: {call.words}")
        click.echo(
            f"run this again from {moment(ready_at_s)} until {moment(until_s)} to execute it; GUARDIAN can "
            "cancel it"
        )
        tell_transaction(outcome)


def _execute(operator: Operator, call: DelayedCall, operation: bytes, ready_at_s: int) -> None:
    site, manager = operator.site, operator.site.manager
    number = int(manager.functions.getNonce(operation).call())
    # Not "the schedule is gone": it lapses, too, and GUARDIAN cancels it.
    topics = [
        manager.events.OperationExecuted().topic,
        format_bytes32(operation),
        format_bytes32(number.to_bytes(32, "big")),
    ]
    first = site.reader.first_block_at(ready_at_s)

    def done(block: BlockId) -> bool:
        last = block if isinstance(block, int) else site.reader.head().number
        web3 = site.connection.web3
        return bool(logs_of(web3, manager.address, topics, first, last, log_range=LOG_RANGE))

    step = Step(
        f"governance/execute/{operation.hex()}/{number}",
        manager.address,
        calldata(manager, "execute", call.contract.address, call.data),
        call.words,
        done,
    )
    for outcome in perform(operator, f"LiqPass: {call.words}", [step]):
        click.echo(f"done: {call.words}")
        tell_transaction(outcome)
