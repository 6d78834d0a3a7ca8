"""`ape run bond confirm`, `refund` and `claim`: the ends of a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI
from eth_utils.crypto import keccak
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.insured_payment import InsuredPayment, PaymentStatus

from scripts._bond import Bonds, Commitment, people
from scripts._moments import moment
from scripts._operator import Operator, OperatorCommand, Site, operator_options, refuse
from scripts._sending import Step, calldata, perform, tell_transaction

_A_TRANSACTION = 100  # payments; about 10 million gas where each of them is claimed

COMMITMENTS = click.argument("commitments", type=Commitment(), nargs=-1, required=True)


@click.command(cls=OperatorCommand)
@COMMITMENTS
@operator_options
def confirm(provider: ProviderAPI, commitments: tuple[bytes, ...], deployments: Path, **options: Any) -> None:
    """Confirm that these services were delivered, until and including their deadlines: unlocks the bond.

    --account is the provider or its delivery key. Those that are confirmed already, or cannot be any more,
    are told and keep none of the others from being confirmed in time; for the latter it ends with 1.

    \b
    ape run bond confirm 0x… 0x… --account provider --network base:mainnet
    """
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, **options)
    payments = _known(bonds, commitments)
    refuse(list(_foreign(bonds, payments, operator.address)))
    open_ones, told = _sorted_out(
        payments,
        PaymentStatus.CONFIRMED,
        lambda payment: (
            f"its deadline was {moment(payment.deadline_s)}"
            if bonds.head.time_s > payment.deadline_s
            else None
        ),
    )

    def call(chunk: Sequence[InsuredPayment]) -> bytes:
        if len(chunk) == 1:
            return calldata(bonds.contract, "confirmService", chunk[0].commitment, b"")
        names = [payment.commitment for payment in chunk]
        return calldata(bonds.contract, "confirmServices", names, [b""] * len(names))

    steps = _steps(bonds, "confirm", open_ones, call, PaymentStatus.CONFIRMED)
    _send(operator, bonds, steps, open_ones, PaymentStatus.CONFIRMED)
    _fail_for(told)


@click.command(cls=OperatorCommand)
@click.argument("commitment", type=Commitment())
@operator_options
def refund(provider: ProviderAPI, commitment: bytes, deployments: Path, **options: Any) -> None:
    """Pay a client back out of the bond, without penalty, until and including the deadline.

    --account is the provider or one of its settlers.

    \b
    ape run bond refund 0x… --account provider --network base:mainnet
    """
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, **options)
    (payment,) = _known(bonds, [commitment])
    found = []
    owner = people(payment.provider)
    if operator.address != owner and not bonds.ask("isSettler", owner, operator.address):
        found.append(f"{operator.address} is neither the provider {owner} nor one of its settlers")
    if not payment.is_open:
        found.append(f"{format_bytes32(commitment)} is {payment.status.name.lower()} already")
    elif bonds.head.time_s > payment.deadline_s:
        found.append(f"its deadline was {moment(payment.deadline_s)}: the client's claim is due now")
    refuse(found)

    def call(chunk: Sequence[InsuredPayment]) -> bytes:
        return calldata(bonds.contract, "refundService", chunk[0].commitment)

    _show_paid(bonds, [payment])
    steps = _steps(bonds, "refund", [payment], call, PaymentStatus.REFUNDED)
    _send(operator, bonds, steps, [payment], PaymentStatus.REFUNDED)


@click.command(cls=OperatorCommand)
@COMMITMENTS
@operator_options
def claim(provider: ProviderAPI, commitments: tuple[bytes, ...], deployments: Path, **options: Any) -> None:
    """Pay these clients back out of their providers' bonds, after the deadlines. Anyone may.

    Those that are claimed already, or cannot be claimed, are told; for the latter it ends with 1.

    \b
    ape run bond claim 0x… --account client --network base:mainnet
    """
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, **options)
    due, told = _sorted_out(
        _known(bonds, commitments),
        PaymentStatus.CLAIMED,
        lambda payment: (
            None
            if payment.is_overdue(bonds.head.time_s)
            else f"it can be claimed after {moment(payment.deadline_s)}, the provider's deadline"
        ),
    )

    def call(chunk: Sequence[InsuredPayment]) -> bytes:
        if len(chunk) == 1:
            return calldata(bonds.contract, "claimInsurance", chunk[0].commitment)
        return calldata(bonds.contract, "claimMany", [payment.commitment for payment in chunk])

    _show_paid(bonds, due)
    steps = _steps(bonds, "claim", due, call, PaymentStatus.CLAIMED)
    _send(operator, bonds, steps, due, PaymentStatus.CLAIMED)
    _fail_for(told)


def _known(bonds: Bonds, commitments: Sequence[bytes]) -> list[InsuredPayment]:
    """What is locked under each, once. Raises RefusedError for one that never was."""
    found = {each: bonds.reader.payment(each, bonds.head) for each in commitments}
    refuse(
        [f"{format_bytes32(each)} was never insured here" for each, known in found.items() if known is None]
    )
    return [payment for payment in found.values() if payment is not None]


def _foreign(bonds: Bonds, payments: Sequence[InsuredPayment], account: str) -> Iterator[str]:
    for owner in {people(payment.provider): None for payment in payments}:
        if account not in (owner, bonds.ask("deliveryKey", owner)):
            yield f"{account} is neither the provider {owner} nor its delivery key"


def _sorted_out(
    payments: Sequence[InsuredPayment],
    end: PaymentStatus,
    refusal: Callable[[InsuredPayment], str | None],
) -> tuple[list[InsuredPayment], list[str]]:
    """Those to be sent, and why others cannot be. Raises RefusedError where none is left."""
    wanted, told = [], []
    for payment in payments:
        name = format_bytes32(payment.commitment)
        why = refusal(payment) if payment.is_open else f"it is {payment.status.name.lower()} already"
        if why is None:
            wanted.append(payment)
        elif payment.status is end:
            click.echo(f"{name}: {why}")
        else:
            told.append(f"{name}: {why}")
    if not wanted:
        refuse(told or [f"all of it is {end.name.lower()} already"])
    return wanted, told


def _steps(
    bonds: Bonds,
    verb: str,
    payments: Sequence[InsuredPayment],
    call: Callable[[Sequence[InsuredPayment]], bytes],
    end: PaymentStatus,
) -> list[Step]:
    def step(chunk: Sequence[InsuredPayment]) -> Step:
        def done(block: BlockId) -> bool:
            return all(_status(bonds, each.commitment, block) is end for each in chunk)

        name = keccak(b"".join(payment.commitment for payment in chunk)).hex()
        total = format_usdc(Usdc(sum(payment.amount for payment in chunk)))
        words = f"{verb} {_counted(chunk)} of {total} USDC in all"
        return Step(f"bond/{verb}/{name}", bonds.contract.address, call(chunk), words, done)

    starts = range(0, len(payments), _A_TRANSACTION)
    return [step(payments[start : start + _A_TRANSACTION]) for start in starts]


def _status(bonds: Bonds, commitment: bytes, block: BlockId) -> PaymentStatus:
    return PaymentStatus(bonds.ask("policies", commitment, at=block)[3])


def _show_paid(bonds: Bonds, payments: Sequence[InsuredPayment]) -> None:
    for payment in payments:
        client = people(payment.client)
        click.echo(f"{format_usdc(payment.amount)} USDC to client {client}")
        for reason in bonds.receiver_refusals(client):
            click.echo(
                f"  {reason}: it will wait as a credit, for `ape run bond withdraw-credit` or `pay-credit`"
            )


def _send(
    operator: Operator,
    bonds: Bonds,
    steps: Sequence[Step],
    payments: Sequence[InsuredPayment],
    end: PaymentStatus,
) -> None:
    outcomes = perform(operator, f"LiqPass x402, {_counted(payments)}", steps)
    if not outcomes:
        return
    for payment in payments:
        status = _status(bonds, payment.commitment, "latest")  # another may have been faster
        faster = "" if status is end else f", not {end.name.lower()}"
        click.echo(f"{format_bytes32(payment.commitment)} is {status.name.lower()}{faster}")
    for outcome in outcomes:
        tell_transaction(outcome)


def _fail_for(told: Sequence[str]) -> None:
    if told:
        raise click.ClickException("not sent:\n" + "\n".join(f"  {reason}" for reason in told))


def _counted(payments: Sequence[InsuredPayment]) -> str:
    return f"{len(payments)} payment{'' if len(payments) == 1 else 's'}"
