"""`ape run bond deposit` and `withdraw`: a provider's own money in and out of its bond."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click
from ape.api import AccountAPI, ProviderAPI
from ape.cli import account_option
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.money import Usdc, format_usdc

from scripts._autosign import sign_without_asking
from scripts._bond import Bonds, Notice, Standing
from scripts._operator import Operator, OperatorCommand, Site, UsdcAmount, operator_options, refuse
from scripts._sending import Step, calldata, perform, tell_transaction
from scripts._typed_data import sign_typed

_SIGNED_FOR_S = 900
_MOST = Usdc(2**64 - 1)  # the contract keeps a bond in 64 bits


@click.command(cls=OperatorCommand)
@click.argument("amount", type=UsdcAmount())
@click.option("--permit", is_flag=True, help="Sign an EIP-2612 permit: one transaction.")
@click.option(
    "--authorization", is_flag=True, help="Sign an EIP-3009 authorization: one transaction, of anybody."
)
@account_option("--relayer", prompt=None)
@operator_options
def deposit(  # noqa: PLR0917 - click passes options by name
    provider: ProviderAPI,
    amount: Usdc,
    permit: bool,
    authorization: bool,
    account: AccountAPI | None,
    relayer: AccountAPI | None,
    deployments: Path,
    **options: Any,
) -> None:
    """Add AMOUNT USDC of --account to its bond.

    Without --permit or --authorization: allows exactly AMOUNT, then deposits (two transactions). With
    --authorization a --relayer may send and pay the gas; the bond is the signer's all the same.

    \b
    ape run bond deposit 1000.00 --account provider --network base:mainnet
    ape run bond deposit 1000.00 --authorization --account provider --relayer other --network base:mainnet
    """
    if permit and authorization:
        raise click.UsageError("give either --permit or --authorization")
    if relayer is not None and not authorization:
        raise click.UsageError("--relayer needs --authorization")
    if (permit or authorization) and account is None:
        raise click.UsageError("--permit and --authorization need an --account that signs")
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, account=relayer or account, **options)
    owner = operator.address if relayer is None or account is None else str(account.address)
    before = bonds.account(owner)
    found = [*bonds.paused(), *bonds.payer_refusals(owner, amount)]
    if before.standing is Standing.LIQUIDATED:
        found.append(f"{owner} is liquidated: it can have no bond any more")
    if before.notice is Notice.IDLE and before.bond.total > 0:
        found.append(
            f"the liquidation of {owner} is announced (idle) and would take the deposit too: withdraw all, "
            "then deposit anew"
        )
    if before.bond.total + amount > _MOST:
        found.append(f"a bond can hold {format_usdc(_MOST)} USDC at most")
    refuse(found)
    if relayer is not None and account is not None and options["autosign"]:
        sign_without_asking(account)
    contract, key = bonds.contract, f"bond/deposit/{owner}/{amount}"
    words = f"deposit {format_usdc(amount)} USDC"
    if permit and account is not None:
        data = _permit_call(bonds, owner, amount, account)
        steps = [Step(key, contract.address, data, f"{words} by permit", again=True)]
    elif authorization and account is not None:
        data = _authorization_call(bonds, owner, amount, account)
        steps = [Step(key, contract.address, data, f"{words} by authorization", again=True)]
    else:
        data = calldata(contract, "depositBond", amount)
        steps = [
            _allowance(bonds, owner, amount),
            Step(key, contract.address, data, words, follows=True, again=True),
        ]
    outcomes = perform(operator, f"LiqPass bond of {owner}", steps)
    if outcomes:
        _show_change(bonds, owner, before.bond.total)
        tell_transaction(outcomes[-1])


@click.command(cls=OperatorCommand)
@click.argument("amount", type=UsdcAmount(), required=False)
@click.option("--all", "everything", is_flag=True, help="All that may be withdrawn now.")
@operator_options
def withdraw(
    provider: ProviderAPI, amount: Usdc | None, *, everything: bool, deployments: Path, **options: Any
) -> None:
    """Take AMOUNT USDC, or --all that is free, out of the bond of --account, also during a pause.

    What is locked stays, and the minimum too, unless a liquidation is announced or an exit is through.

    \b
    ape run bond withdraw 250.00 --account provider --network base:mainnet
    ape run bond withdraw --all --account provider --network base:mainnet
    """
    if (amount is None) is not everything:
        raise click.UsageError("give either AMOUNT or --all")
    site = Site.of(provider, deployments)
    bonds = Bonds.of(site)
    operator = Operator.of(site, **options)
    owner = operator.address
    before = bonds.account(owner)
    wanted = before.withdrawable if amount is None else amount
    found = list(bonds.receiver_refusals(owner))
    if before.bond.total == 0:
        found.append(f"{owner} has no bond")
    elif before.withdrawable == 0 or wanted > before.withdrawable:
        found.append(
            f"{owner} may withdraw {format_usdc(before.withdrawable)} USDC now: of its bond of "
            f"{format_usdc(before.bond.total)}, {format_usdc(before.bond.locked)} is locked and the minimum "
            f"is {format_usdc(before.bond.minimum)}"
        )
    refuse(found)
    step = Step(
        f"bond/withdraw/{wanted}",
        bonds.contract.address,
        calldata(bonds.contract, "withdrawBond", wanted),
        f"withdraw {format_usdc(wanted)} USDC",
        again=True,
    )
    for outcome in perform(operator, f"LiqPass bond of {owner}", [step]):
        _show_change(bonds, owner, before.bond.total)
        tell_transaction(outcome)


def _show_change(bonds: Bonds, owner: str, before: Usdc) -> None:
    now = bonds.account(owner, "latest").bond
    click.echo(
        f"the bond of {owner} was {format_usdc(before)} USDC and is {format_usdc(now.total)}, "
        f"{format_usdc(now.available)} of it available"
    )


def _allowance(bonds: Bonds, owner: str, amount: Usdc) -> Step:
    usdc, contract = bonds.site.usdc, bonds.contract

    def allowed(block: BlockId) -> bool:
        allowance = usdc.functions.allowance(owner, contract.address)
        return int(allowance.call(block_identifier=block)) >= amount

    return Step(
        f"bond/allow/{amount}",
        usdc.address,
        calldata(usdc, "approve", contract.address, amount),
        f"allow X402InsuranceV2 {format_usdc(amount)} USDC",
        allowed,
        again=True,
    )


def _permit_call(bonds: Bonds, owner: str, amount: Usdc, signer: AccountAPI) -> bytes:
    site, deadline = bonds.site, bonds.head.time_s + _SIGNED_FOR_S
    message = {
        "owner": owner,
        "spender": bonds.contract.address,
        "value": amount,
        "nonce": site.usdc.functions.nonces(owner).call(),
        "deadline": deadline,
    }
    signature = sign_typed(signer, site.usdc, site.connection.chain_id, "Permit", message)
    return calldata(bonds.contract, "depositBondWithPermit", amount, deadline, signature)


def _authorization_call(bonds: Bonds, owner: str, amount: Usdc, signer: AccountAPI) -> bytes:
    site, before = bonds.site, bonds.head.time_s + _SIGNED_FOR_S
    nonce = secrets.token_bytes(32)
    message = {
        "from": owner,
        "to": bonds.contract.address,
        "value": amount,
        "validAfter": 0,
        "validBefore": before,
        "nonce": nonce,
    }
    signature = sign_typed(signer, site.usdc, site.connection.chain_id, "ReceiveWithAuthorization", message)
    return calldata(
        bonds.contract, "depositBondWithAuthorization", owner, amount, 0, before, nonce, signature
    )
