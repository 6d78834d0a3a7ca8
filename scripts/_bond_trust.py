"""Whom a provider trusts: `ape run bond approve-coverage`, `set-settler`, `set-delivery-key`; where its money
goes: `set-payout`; its end: `exit`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.bond import MAX_TIMEOUT_MINUTES

from scripts._bond import Bonds, Standing
from scripts._operator import (
    Address,
    Operator,
    OperatorCommand,
    Site,
    UsdcAmount,
    operator_options,
    refuse,
)
from scripts._sending import Step, calldata, perform, tell_transaction

_ZERO = "0x" + "0" * 40


@click.command("approve-coverage", cls=OperatorCommand)
@click.argument("client", type=Address())
@click.argument("amount", type=UsdcAmount(zero=True))
@click.option(
    "--max-timeout",
    "minutes",
    type=click.IntRange(1, MAX_TIMEOUT_MINUTES),
    required=True,
    metavar="MINUTES",
    help="The longest time-out that the client may choose, 1 to 10080 minutes.",
)
@operator_options
def approve_coverage(
    provider: ProviderAPI, client: str, amount: Usdc, minutes: int, deployments: Path, **options: Any
) -> None:
    """Let CLIENT lock the bond of --account for AMOUNT USDC of payments in all. 0 ends it.

    No payment is seen on chain there: approve only clients that you know. Replaces what was approved before.

    \b
    ape run bond approve-coverage 0x… 50.00 --max-timeout 10 --account provider --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    owner = operator.address
    before = Usdc(bonds.ask("coverage", owner, client)[0])
    click.echo(f"{client} could lock {format_usdc(before)} USDC more of the bond of {owner}")
    _set(
        operator,
        bonds,
        "approveCoverage",
        (client, amount, minutes),
        f"let {client} lock {format_usdc(amount)} USDC, each payment for {minutes} minutes at most",
        done=lambda block: bonds.ask("coverage", owner, client, at=block) == [amount, minutes],
    )


@click.command("set-settler", cls=OperatorCommand)
@click.argument("settler", type=Address())
@click.option("--remove", is_flag=True, help="End it instead. What is locked stays locked.")
@operator_options
def set_settler(
    provider: ProviderAPI, settler: str, *, remove: bool, deployments: Path, **options: Any
) -> None:
    """Let SETTLER, a facilitator, settle and insure payments to --account, and refund them.

    \b
    ape run bond set-settler 0x… --account provider --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    owner = operator.address
    _set(
        operator,
        bonds,
        "setSettler",
        (settler, not remove),
        f"{'no longer let' if remove else 'let'} {settler} settle payments to {owner}",
        done=lambda block: bonds.ask("isSettler", owner, settler, at=block) is not remove,
    )


@click.command("set-delivery-key", cls=OperatorCommand)
@click.argument("key", type=Address(), required=False)
@click.option("--remove", is_flag=True, help="Nobody but the provider itself.")
@operator_options
def set_delivery_key(
    provider: ProviderAPI, key: str | None, *, remove: bool, deployments: Path, **options: Any
) -> None:
    """Let KEY sign and send confirmations for --account, in place of the last one.

    \b
    ape run bond set-delivery-key 0x… --account provider --network base:mainnet
    """
    if (key is None) is not remove:
        raise click.UsageError("give either KEY or --remove")
    bonds, operator = _open(provider, deployments, options)
    owner = operator.address
    _set(
        operator,
        bonds,
        "setDeliveryKey",
        (key or _ZERO,),
        f"let {key or 'nobody else'} confirm for {owner}",
        done=lambda block: bonds.ask("deliveryKey", owner, at=block) == (key or _ZERO),
    )


@click.command("set-payout", cls=OperatorCommand)
@click.argument("receiver", type=Address(), required=False)
@click.option("--reset", is_flag=True, help="To the provider itself.")
@operator_options
def set_payout(
    provider: ProviderAPI, receiver: str | None, *, reset: bool, deployments: Path, **options: Any
) -> None:
    """Let settled payments to --account go to RECEIVER.

    \b
    ape run bond set-payout 0x… --account provider --network base:mainnet
    """
    if (receiver is None) is not reset:
        raise click.UsageError("give either RECEIVER or --reset")
    bonds, operator = _open(provider, deployments, options)
    owner = operator.address
    own = (bonds.site.usdc.address, bonds.contract.address, bonds.ask("paymentAddress", owner))
    if receiver in own:
        refuse([f"{receiver} is USDC, X402InsuranceV2 or the payment address: a payout would be lost there"])
    _set(
        operator,
        bonds,
        "setPayoutAddress",
        (receiver or _ZERO,),
        f"pay settled payments out to {receiver or owner}",
        done=lambda block: bonds.ask("payoutAddress", owner, at=block) == (receiver or owner),
    )


@click.command("exit", cls=OperatorCommand)
@click.option("--cancel", is_flag=True, help="Take it back: payments can be locked again.")
@operator_options
def leave(provider: ProviderAPI, *, cancel: bool, deployments: Path, **options: Any) -> None:
    """Stop new locks of the bond of --account; when nothing is locked any more, withdraw all of it.

    \b
    ape run bond exit --account provider --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    owner = operator.address
    account = bonds.account(owner)
    if account.standing is Standing.LIQUIDATED:
        refuse([f"{owner} is liquidated"])
    if account.bond.total == 0 and not cancel:
        refuse([f"{owner} has no bond to leave with"])
    wanted = Standing.ACTIVE if cancel else Standing.EXITING
    _set(
        operator,
        bonds,
        "cancelExit" if cancel else "announceExit",
        (),
        f"{'take back' if cancel else 'announce'} the exit of {owner}",
        done=lambda block: bonds.account(owner, block).standing is wanted,
    )
    if not cancel and account.bond.locked:
        click.echo(f"{format_usdc(account.bond.locked)} USDC is locked: `bond status` shows until when")


def _open(provider: ProviderAPI, deployments: Path, options: dict[str, Any]) -> tuple[Bonds, Operator]:
    site = Site.of(provider, deployments)
    return Bonds.of(site), Operator.of(site, **options)


def _set(
    operator: Operator,
    bonds: Bonds,
    function: str,
    arguments: tuple[object, ...],
    words: str,
    *,
    done: Callable[[BlockId], bool],
) -> None:
    """Send one setting. Raises RefusedError where it is so already."""
    if done(bonds.head.number):
        refuse([f"it is so already: {words}"])
    data = calldata(bonds.contract, function, *arguments)
    key = f"bond/{function}/{data[4:].hex()}"
    step = Step(key, bonds.contract.address, data, words, done, again=True)
    for outcome in perform(operator, f"LiqPass bond: {words}", [step]):
        click.echo(f"done: {words}")
        tell_transaction(outcome)
