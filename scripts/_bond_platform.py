"""`ape run bond collect` and `pause`: what the platform does at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI
from liqpass.domain.money import Usdc, format_usdc

from scripts._bond import Bonds
from scripts._operator import Operator, OperatorCommand, RefusedError, Site, operator_options, refuse
from scripts._sending import Step, calldata, perform, tell_transaction


@click.command(cls=OperatorCommand)
@operator_options
def collect(provider: ProviderAPI, deployments: Path, **options: Any) -> None:
    """Send the penalties, and the bonds of liquidated providers, to the treasury. Anyone.

    \b
    ape run bond collect --account anyone --network base:mainnet
    """
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, **options)
    amount, treasury = Usdc(bonds.ask("penalties")), bonds.ask("treasury")
    refuse(list(bonds.receiver_refusals(treasury)) if amount else ["there is nothing to collect"])
    step = Step(
        "bond/collect",
        bonds.contract.address,
        calldata(bonds.contract, "collect"),
        f"collect {format_usdc(amount)} USDC for treasury {treasury}",
        lambda block: bonds.ask("penalties", at=block) == 0,
        again=True,
    )
    for outcome in perform(operator, "LiqPass collection", [step]):
        click.echo(f"sent {format_usdc(amount)} USDC to treasury {treasury}")
        tell_transaction(outcome)


@click.command(cls=OperatorCommand)
@click.option("--lift", is_flag=True, help="End the pause instead. UNPAUSER.")
@operator_options
def pause(provider: ProviderAPI, *, lift: bool, deployments: Path, **options: Any) -> None:
    """Stop deposits and new locks at once. GUARDIAN. Confirming, claiming, refunding and withdrawing go on.

    \b
    ape run bond pause --account guardian --network base:mainnet
    ape run bond pause --lift --safe lift.json --safe-address 0x… --network base:mainnet
    """
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, **options)
    function, role = ("unpause", "UNPAUSER") if lift else ("pause", "GUARDIAN")
    if not site.may_call(operator.address, bonds.contract, function):
        raise RefusedError(
            f"{operator.address} may not {function}: it does not hold {role}; nothing was sent"
        )
    if bool(bonds.ask("paused")) is not lift:
        refuse(["it is not paused" if lift else "it is paused already"])
    step = Step(
        f"bond/{function}",
        bonds.contract.address,
        calldata(bonds.contract, function),
        f"{function} X402InsuranceV2",
        lambda block: bool(bonds.ask("paused", at=block)) is not lift,
        again=True,
    )
    for outcome in perform(operator, f"LiqPass {function}", [step]):
        click.echo(f"X402InsuranceV2 is {'open' if lift else 'paused'}")
        tell_transaction(outcome)
