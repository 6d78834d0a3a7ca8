"""`ape run pause`: stop Checkout, PayoutVault, X402InsuranceV2 or all; with --lift let them go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI
from liqpass.adapters.chain.rpc import BlockId
from web3.contract import Contract

from scripts._handover import selector_of
from scripts._operator import Operator, OperatorCommand, RefusedError, Site, operator_options
from scripts._roles import Role
from scripts._sending import Step, calldata, perform, tell_transaction


@click.command(cls=OperatorCommand)
@click.option("--all", "everything", is_flag=True, help="All that are deployed, in one transaction.")
@click.option("--checkout", is_flag=True, help="Checkout: no premium can be paid.")
@click.option("--vault", is_flag=True, help="PayoutVault: no approving, funding or paying.")
@click.option("--x402", is_flag=True, help="X402InsuranceV2: no deposits and no new locks.")
@click.option("--lift", is_flag=True, help="End the pause instead. UNPAUSER.")
@operator_options
def cli(
    provider: ProviderAPI,
    *,
    everything: bool,
    checkout: bool,
    vault: bool,
    x402: bool,
    lift: bool,
    deployments: Path,
    **options: Any,
) -> None:
    """Stop payments at once. GUARDIAN. What is stopped already is left alone.

    Revoking, sweeping, confirming, claiming, refunding and withdrawing go on.

    \b
    ape run pause --all --account guardian --network base:mainnet
    ape run pause --all --lift --safe lift.json --safe-address 0x… --network base:mainnet
    """
    chosen = {
        "Checkout": everything or checkout,
        "PayoutVault": everything or vault,
        "X402InsuranceV2": everything or x402,
    }
    if not any(chosen.values()):
        raise click.UsageError("say what to pause: --all, --checkout, --vault or --x402")
    site = Site.of(provider, deployments)
    operator = Operator.of(site, **options)
    contracts = {"Checkout": site.checkout, "PayoutVault": site.vault}
    if x402 or "X402InsuranceV2" in site.record.contracts:
        contracts["X402InsuranceV2"] = site.insurance
        # Deployed after the handover it waits for its roles: that must not keep the others going.
        if everything and not x402 and not _has_roles(site, site.insurance):
            click.echo("X402InsuranceV2 has no roles yet, only ADMIN may stop it: it is left out")
            chosen["X402InsuranceV2"] = False
    _show(contracts, "")
    function, role = ("unpause", "UNPAUSER") if lift else ("pause", "GUARDIAN")
    targets = [
        contract
        for name, contract in contracts.items()
        if chosen[name] and bool(contract.functions.paused().call()) is lift
    ]
    if not targets:
        click.echo(f"{'not paused' if lift else 'paused already'}: nothing was sent")
        return
    if not all(site.may_call(operator.address, target, function) for target in targets):
        raise RefusedError(
            f"{operator.address} may not {function}: it does not hold {role}; nothing was sent"
        )
    names = [name for name, contract in contracts.items() if contract in targets]
    step = _step(site, targets, function, f"{function} {', '.join(names)}", paused=not lift)
    for outcome in perform(operator, f"LiqPass {function}", [step]):
        _show(contracts, "now ")
        tell_transaction(outcome)


def _has_roles(site: Site, contract: Contract) -> bool:
    selector = selector_of(list(contract.abi), "pause")  # type: ignore[arg-type]
    role = site.manager.functions.getTargetFunctionRole(contract.address, selector).call()
    return int(role) != Role.ADMIN  # the manager's default


def _step(site: Site, targets: list[Contract], function: str, words: str, *, paused: bool) -> Step:
    def done(block: BlockId) -> bool:
        return all(bool(each.functions.paused().call(block_identifier=block)) is paused for each in targets)

    key = "/".join(["governance", function, *(target.address for target in targets)])
    if len(targets) == 1:
        return Step(key, targets[0].address, calldata(targets[0], function), words, done, again=True)
    # One transaction stops everything or nothing: two could be separated by a stuck first one.
    calls = [
        calldata(site.manager, "execute", target.address, calldata(target, function)) for target in targets
    ]
    return Step(
        key, site.manager.address, calldata(site.manager, "multicall", calls), words, done, again=True
    )


def _show(contracts: dict[str, Contract], when: str) -> None:
    for name, contract in contracts.items():
        state = "paused" if contract.functions.paused().call() else "open"
        click.echo(f"{name:<15} {contract.address} is {when}{state}")
