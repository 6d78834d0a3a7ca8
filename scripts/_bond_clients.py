"""`ape run bond cover`, `claims`, `withdraw-credit`, `pay-credit`: what a client does, or anyone for it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from ape.api import AccountAPI, ProviderAPI
from ape.cli import account_option
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.money import Usdc, format_usdc, usdc
from liqpass.domain.x402.bond import MAX_TIMEOUT_MINUTES, protection_cost
from liqpass.domain.x402.commitments import calculate_commitment, request_commitment
from rich.box import SIMPLE
from rich.table import Table

from scripts._bond import Bonds, Commitment, people
from scripts._moments import moment
from scripts._operator import (
    Address,
    Operator,
    OperatorCommand,
    Site,
    UsdcAmount,
    deployments_option,
    operator_options,
    refuse,
)
from scripts._sending import Step, calldata, perform, tell_transaction
from scripts._tables import wide_console


@click.command(cls=OperatorCommand)
@click.argument("insurer", metavar="PROVIDER", type=Address())
@click.argument("amount", type=UsdcAmount())
@click.option(
    "--timeout",
    "minutes",
    type=click.IntRange(1, MAX_TIMEOUT_MINUTES),
    required=True,
    metavar="MINUTES",
    help="How long the provider has to confirm, 1 to 10080 minutes.",
)
@click.option(
    "--commitment",
    type=Commitment(),
    help="Go on with this one, instead of a new one, after an interruption.",
)
@operator_options
def cover(  # noqa: PLR0917 - click passes options by name
    provider: ProviderAPI,
    insurer: str,
    amount: Usdc,
    minutes: int,
    commitment: bytes | None,
    deployments: Path,
    **options: Any,
) -> None:
    """Lock PROVIDER's bond for a payment of AMOUNT USDC by --account, within what the provider approved.

    Lock first, pay second: when this has ended well, pay the provider and send it the nonce along with the
    request, so that it finds the same commitment.

    \b
    ape run bond cover 0x… 0.10 --timeout 5 --account client --network base:mainnet
    """
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, **options)
    client = operator.address
    refuse(list(_cover_refusals(bonds, client, insurer, amount, minutes)))
    if commitment is None:
        nonce = secrets.token_bytes(32)
        chosen = calculate_commitment(bonds.insurance, provider=insurer, client=client, nonce=nonce)
        click.echo(f"nonce      {format_bytes32(nonce)}")
    else:
        chosen = request_commitment(commitment)
        known = bonds.reader.payment(chosen, bonds.head)
        if known is not None:
            state = f"{known.status.name.lower()}, of client {people(known.client)}"
            refuse([f"{format_bytes32(chosen)} is taken already: {state}"])
    name = format_bytes32(chosen)
    click.echo(f"commitment {name} (interrupted, go on with --commitment)")

    def done(block: BlockId) -> bool:
        locked = bonds.ask("policies", chosen, at=block)
        return bool((locked[0], locked[4], locked[5]) == (insurer, client, amount))

    step = Step(
        f"bond/cover/{name}/{insurer}/{amount}/{minutes}",
        bonds.contract.address,
        calldata(bonds.contract, "purchaseInsurance", chosen, insurer, amount, minutes),
        f"lock the bond of {insurer} for {format_usdc(amount)} USDC",
        done,
    )
    for outcome in perform(operator, f"LiqPass cover {name}", [step]):
        deadline_s = bonds.ask("policies", chosen, at="latest")[2]
        click.echo(f"locked until {moment(deadline_s)}: pay {insurer} now; claim after that if it is silent")
        tell_transaction(outcome)


@click.command(cls=OperatorCommand)
@click.argument("client", type=Address(), required=False)
@account_option(prompt=None)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@deployments_option
def claims(
    provider: ProviderAPI,
    client: str | None,
    account: AccountAPI | None,
    as_json: bool,
    deployments: Path,
) -> None:
    """Show the insured payments of CLIENT, or of --account: state, deadline, what can be claimed; its credit.

    \b
    ape run bond claims 0x… --network base:mainnet
    """
    if (client is None) is (account is None):
        raise click.UsageError("give either CLIENT or --account")
    who = client or str(account.address if account is not None else "")
    bonds = Bonds.of(Site.of(provider, deployments))
    payments = bonds.reader.payments_of(bonds.head, client=who)
    now_s = bonds.head.time_s
    credit = usdc(bonds.ask("credit", who))
    if as_json:
        shown = [
            {
                "commitment": format_bytes32(payment.commitment),
                "provider": people(payment.provider),
                "amountUsdc": format_usdc(payment.amount),
                "status": payment.status.name.lower(),
                "deadline": payment.deadline_s,
                "claimable": payment.is_overdue(now_s),
            }
            for payment in payments
        ]
        click.echo(
            json.dumps({"client": who, "creditUsdc": format_usdc(credit), "payments": shown}, indent=1)
        )
        return
    table = Table(box=SIMPLE, title=f"insured payments of {who}", title_justify="left")
    for heading in ("commitment", "provider", "USDC", "state", "deadline"):
        table.add_column(heading, overflow="fold")
    for payment in payments:
        state = "[bold red]to be claimed[/]" if payment.is_overdue(now_s) else payment.status.name.lower()
        table.add_row(
            format_bytes32(payment.commitment),
            people(payment.provider),
            format_usdc(payment.amount),
            state,
            moment(payment.deadline_s),
        )
    console = wide_console()
    console.print(table)
    due = sum(payment.is_overdue(now_s) for payment in payments)
    console.print(f"payments {len(payments)}, to be claimed {due}, credit {format_usdc(credit)} USDC")


@click.command("withdraw-credit", cls=OperatorCommand)
@click.option("--to", "receiver", type=Address(), help="Who receives it.  [default: --account]")
@operator_options
def withdraw_credit(provider: ProviderAPI, receiver: str | None, deployments: Path, **options: Any) -> None:
    """Take what USDC would not send to --account when it was paid back.

    \b
    ape run bond withdraw-credit --to 0x… --account client --network base:mainnet
    """
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, **options)
    to = receiver or operator.address
    credit = usdc(bonds.ask("credit", operator.address))
    found = list(bonds.receiver_refusals(to))
    if credit == 0:
        found = [f"{operator.address} has no credit"]
    refuse(found)
    step = Step(
        f"bond/withdraw-credit/{to}",
        bonds.contract.address,
        calldata(bonds.contract, "withdrawCredit", to),
        f"withdraw a credit of {format_usdc(credit)} USDC to {to}",
        lambda block: bonds.ask("credit", operator.address, at=block) == 0,
        again=True,
    )
    for outcome in perform(operator, "LiqPass credit", [step]):
        if outcome.already_done:
            raise click.ClickException(
                f"there is no credit left, and {to} was not sent it: anyone may pay it to {operator.address}"
            )
        click.echo(f"sent {format_usdc(credit)} USDC to {to}")
        tell_transaction(outcome)


@click.command("pay-credit", cls=OperatorCommand)
@click.argument("client", type=Address())
@operator_options
def pay_credit(provider: ProviderAPI, client: str, deployments: Path, **options: Any) -> None:
    """Send CLIENT what USDC would not send to it when it was paid back. Anyone, to CLIENT only.

    For a client without ether, once USDC takes it again: its denial or the pause is over.

    \b
    ape run bond pay-credit 0x… --account anyone --network base:mainnet
    """
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, **options)
    credit = usdc(bonds.ask("credit", client))
    refuse(list(bonds.receiver_refusals(client)) if credit else [f"{client} has no credit"])
    step = Step(
        f"bond/pay-credit/{client}",
        bonds.contract.address,
        calldata(bonds.contract, "payCredit", client),
        f"pay a credit of {format_usdc(credit)} USDC to its client {client}",
        lambda block: bonds.ask("credit", client, at=block) == 0,
        again=True,
    )
    for outcome in perform(operator, "LiqPass credit", [step]):
        click.echo(f"the credit of {client} is paid")
        tell_transaction(outcome)


def _cover_refusals(bonds: Bonds, client: str, insurer: str, amount: Usdc, minutes: int) -> Iterator[str]:
    yield from bonds.paused()
    account = bonds.account(insurer)
    if account.bond.total == 0:
        yield f"{insurer} has no bond"
        return
    yield from account.leaving(insurer)
    remaining, most = bonds.ask("coverage", insurer, client)
    if amount > remaining:
        left = format_usdc(Usdc(remaining))
        yield f"{insurer} lets {client} lock {left} USDC more, not {format_usdc(amount)}"
    elif minutes > most:
        yield f"{insurer} lets {client} lock for {most} minutes at most, not {minutes}"
    if not account.bond.is_healthy:
        yield (
            f"{insurer} is unhealthy: {format_usdc(account.bond.available)} USDC available, the minimum is "
            f"{format_usdc(account.bond.minimum)}"
        )
    lock = protection_cost(amount, bonds.ask("platformPenaltyRate")).total_lock
    if lock > account.bond.available:
        yield (
            f"the bond has {format_usdc(account.bond.available)} USDC available, the payment would lock "
            f"{format_usdc(lock)}"
        )
