"""`ape run sweep`: all USDC of the vault to the treasury."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.money import Usdc, format_usdc

from scripts._operator import Operator, OperatorCommand, RefusedError, Site, operator_options
from scripts._sending import Step, calldata, perform, tell_transaction


@click.command(cls=OperatorCommand)
@operator_options
def cli(provider: ProviderAPI, deployments: Path, **options: Any) -> None:
    """Send everything that the vault holds to the treasury, also during a pause. PAYER or GUARDIAN.

    \b
    ape run sweep --account payer --network base:mainnet
    """
    site = Site.of(provider, deployments)
    operator = Operator.of(site, **options)
    treasury = site.vault.functions.treasury().call()

    def held(account: str, block: BlockId = "latest") -> Usdc:
        return Usdc(int(site.usdc.functions.balanceOf(account).call(block_identifier=block)))

    before, there = held(site.vault.address), held(treasury)
    click.echo(f"vault    {site.vault.address} holds {format_usdc(before)} USDC")
    click.echo(f"treasury {treasury} holds {format_usdc(there)} USDC")
    if before == 0:
        click.echo("there is nothing to sweep: nothing was sent")
        return
    if not site.may_call(operator.address, site.vault, "sweep", "executeBatch"):
        raise RefusedError(
            f"{operator.address} may not sweep: it holds neither PAYER nor GUARDIAN; nothing was sent"
        )
    step = Step(
        "vault/sweep",
        site.vault.address,
        calldata(site.vault, "sweep"),
        f"sweep {format_usdc(before)} USDC to {treasury}",
        done=lambda block: held(site.vault.address, block) == 0,
        again=True,
    )
    for outcome in perform(operator, "LiqPass sweep", [step]):
        click.echo(f"vault    now holds {format_usdc(held(site.vault.address))} USDC")
        click.echo(f"treasury now holds {format_usdc(held(treasury))} USDC")
        tell_transaction(outcome)
