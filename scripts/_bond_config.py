"""`ape run bond set-min`, `set-penalty`, `set-timeout`, `announce-liquidation`, `call-off-liquidation`,
`liquidate`, `return-stray`: what CONFIG does, 48 hours after it said so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.bond import MAX_PENALTY_BPS, MAX_TIMEOUT_MINUTES

from scripts._announced import DelayedCall, announce_or_execute
from scripts._bond import Bonds, Notice, Standing
from scripts._moments import moment
from scripts._operator import Address, Operator, OperatorCommand, Site, UsdcAmount, operator_options

_MOST = Usdc(2**64 - 1)  # the contract keeps a minimum in 64 bits
PROVIDER = click.argument("insurer", metavar="PROVIDER", type=Address())


@click.command("set-min", cls=OperatorCommand)
@PROVIDER
@click.argument("amount", type=UsdcAmount(zero=True))
@operator_options
def set_min(provider: ProviderAPI, insurer: str, amount: Usdc, deployments: Path, **options: Any) -> None:
    """Set what PROVIDER must have available for new locks. CONFIG: announces, later executes.

    A raised minimum holds seven days after it is executed, a lowered one at once.

    \b
    ape run bond set-min 0x… 10.00 --safe minimum.json --safe-address 0x… --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    found = []
    if amount > _MOST:
        found.append(f"a minimum can be {format_usdc(_MOST)} USDC at most")
    if bonds.account(insurer).next_minimum == amount:
        found.append(f"the minimum of {insurer} is {format_usdc(amount)} USDC already, or will be")
    words = f"set the minimum bond of {insurer} to {format_usdc(amount)} USDC"
    announce_or_execute(
        operator,
        DelayedCall(bonds.contract, "setMinProviderBond", (insurer, min(amount, _MOST)), words, found),
    )


@click.command("set-penalty", cls=OperatorCommand)
@click.argument("bps", type=click.IntRange(0, MAX_PENALTY_BPS))
@operator_options
def set_penalty(provider: ProviderAPI, bps: int, deployments: Path, **options: Any) -> None:
    """Set the penalty of new locks to BPS basis points of the payment, 0 to 1000. CONFIG: announces, later
    executes.

    \b
    ape run bond set-penalty 200 --safe penalty.json --safe-address 0x… --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    found = [f"it is {bps} already"] if bonds.ask("platformPenaltyRate") == bps else []
    words = f"set the penalty of new locks to {bps} basis points"
    announce_or_execute(operator, DelayedCall(bonds.contract, "setPlatformPenaltyRate", (bps,), words, found))


@click.command("set-timeout", cls=OperatorCommand)
@click.argument("minutes", type=click.IntRange(1, MAX_TIMEOUT_MINUTES))
@operator_options
def set_timeout(provider: ProviderAPI, minutes: int, deployments: Path, **options: Any) -> None:
    """Set the time-out of new locks that name none to MINUTES, 1 to 10080. CONFIG: announces, later executes.

    \b
    ape run bond set-timeout 5 --safe timeout.json --safe-address 0x… --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    found = [f"it is {minutes} already"] if bonds.ask("defaultTimeout") == minutes else []
    words = f"set the time-out of new locks that name none to {minutes} minutes"
    announce_or_execute(operator, DelayedCall(bonds.contract, "setDefaultTimeout", (minutes,), words, found))


@click.command("announce-liquidation", cls=OperatorCommand)
@PROVIDER
@operator_options
def announce_liquidation(provider: ProviderAPI, insurer: str, deployments: Path, **options: Any) -> None:
    """Announce that PROVIDER, unhealthy or without a lock for 180 days, may be liquidated seven days later.
    CONFIG: announces this announcement, later executes it.

    From then on nothing is locked any more, and all that is free may be withdrawn.

    \b
    ape run bond announce-liquidation 0x… --safe notice.json --safe-address 0x… --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    account = bonds.account(insurer)
    idle_at_s = account.last_lock_at_s + bonds.ask("IDLE_PERIOD")
    found = []
    if account.standing is Standing.LIQUIDATED:
        found.append(f"{insurer} is liquidated already")
    elif account.notice is not Notice.NONE:
        found.append(f"it is announced already, for {moment(account.liquidatable_at_s)}")
    elif account.bond.is_healthy and account.bond.total == 0:
        found.append(f"{insurer} has no bond")
    elif account.bond.is_healthy and bonds.head.time_s <= idle_at_s:
        found.append(f"{insurer} is healthy, and not idle before {moment(idle_at_s)}")
    words = f"announce the liquidation of {insurer}"
    announce_or_execute(
        operator, DelayedCall(bonds.contract, "announceLiquidation", (insurer,), words, found)
    )


@click.command("call-off-liquidation", cls=OperatorCommand)
@PROVIDER
@operator_options
def call_off_liquidation(provider: ProviderAPI, insurer: str, deployments: Path, **options: Any) -> None:
    """Take the announced liquidation of PROVIDER back. CONFIG: announces, later executes.

    \b
    ape run bond call-off-liquidation 0x… --safe peace.json --safe-address 0x… --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    found = _unannounced(bonds, insurer)
    words = f"call off the liquidation of {insurer}"
    announce_or_execute(operator, DelayedCall(bonds.contract, "callOffLiquidation", (insurer,), words, found))


@click.command(cls=OperatorCommand)
@PROVIDER
@operator_options
def liquidate(provider: ProviderAPI, insurer: str, deployments: Path, **options: Any) -> None:
    """End PROVIDER, seven days after the announcement and with nothing locked: what is left of its bond goes
    to the platform. CONFIG: announces, which may be done during the seven days, later executes.

    \b
    ape run bond liquidate 0x… --safe end.json --safe-address 0x… --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    account = bonds.account(insurer)
    not_yet = []
    if bonds.head.time_s < account.liquidatable_at_s:
        not_yet.append(f"{insurer} can be liquidated from {moment(account.liquidatable_at_s)} on")
    if account.bond.locked:
        not_yet.append(f"{format_usdc(account.bond.locked)} USDC of its bond is locked")
    words = f"liquidate {insurer}"
    found = _unannounced(bonds, insurer)
    announce_or_execute(
        operator, DelayedCall(bonds.contract, "liquidateProvider", (insurer,), words, found, not_yet)
    )


@click.command("return-stray", cls=OperatorCommand)
@PROVIDER
@click.argument("client", type=Address())
@click.argument("amount", type=UsdcAmount())
@operator_options
def return_stray(
    provider: ProviderAPI, insurer: str, client: str, amount: Usdc, deployments: Path, **options: Any
) -> None:
    """Send AMOUNT USDC, paid to PROVIDER's payment address without a lock, back to the CLIENT who paid it.
    CONFIG: announces, later executes.

    The chain cannot tell who paid it: see the transfer's log first.

    \b
    ape run bond return-stray 0x… 0x… 0.10 --safe stray.json --safe-address 0x… --network base:mainnet
    """
    bonds, operator = _open(provider, deployments, options)
    found = []
    if client in (insurer, bonds.ask("payoutAddress", insurer)):
        found.append(f"{client} is the provider or its payout address: it has paid nothing")
    address = bonds.ask("paymentAddress", insurer)
    held = Usdc(bonds.site.usdc.functions.balanceOf(address).call())
    if held < amount:
        found.append(f"payment address {address} holds {format_usdc(held)} USDC, not {format_usdc(amount)}")
    not_yet = list(bonds.receiver_refusals(client))
    words = f"return {format_usdc(amount)} USDC from payment address {address} to {client}"
    announce_or_execute(
        operator, DelayedCall(bonds.contract, "returnStray", (insurer, client, amount), words, found, not_yet)
    )


def _open(provider: ProviderAPI, deployments: Path, options: dict[str, Any]) -> tuple[Bonds, Operator]:
    site = Site.of(provider, deployments)
    return Bonds.of(site), Operator.of(site, **options)


def _unannounced(bonds: Bonds, insurer: str) -> list[str]:
    account = bonds.account(insurer)
    if account.standing is Standing.LIQUIDATED:
        return [f"{insurer} is liquidated already"]
    return [f"no liquidation of {insurer} is announced"] if account.notice is Notice.NONE else []
