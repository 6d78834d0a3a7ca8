"""`ape run policy accept`, `reject`, `refund`, `withdraw`, `pay-credit`: each one's own money in and out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from ape.api import AccountAPI, ProviderAPI
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import IdentifierError, format_bytes32, parse_bytes32
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.parametric.life import Action, ShareStatus
from liqpass.domain.parametric.policy import Policy

from scripts._operator import Address, Operator, OperatorCommand, RefusedError, Site, operator_options, refuse
from scripts._policy import POLICY, Policies, send, share_of
from scripts._policy_leader import agreed_hash
from scripts._policy_view import shares_table, terms_table
from scripts._sending import Step, calldata, perform, tell_transaction
from scripts._tables import wide_console
from scripts._typed_data import sign_typed
from scripts._usdc_refusals import payer_refusals, receiver_refusals

_SIGNED_FOR_S = 900


@click.command(cls=OperatorCommand)
@POLICY
@click.option("--permit", is_flag=True, help="Sign an EIP-2612 permit: one transaction.")
@click.option("--terms-hash", "agreed", help="The terms that were agreed to, 0x…: refuse any others.")
@click.option(
    "--terms",
    "file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="The same as the leader's YAML file.",
)
@operator_options
def accept(  # noqa: PLR0917 - click passes options by name
    provider: ProviderAPI,
    number: int,
    permit: bool,
    agreed: str | None,
    file: Path | None,
    account: AccountAPI | None,
    deployments: Path,
    **options: Any,
) -> None:
    """Accept the share of --account in POLICY and escrow its part of the payout. Until the deadline.

    Shows the terms first. What is accepted is what was shown: should the policy become another one meanwhile,
    the contract refuses. Accepting means to trust its feed, beneficiary and policy operator. Without
    --permit: allows exactly the escrow, then accepts (two transactions).

    \b
    ape run policy accept 0x…/1 --terms ke081.yaml --account insurer --network base:mainnet
    ape run policy accept 0x…/1 --permit --terms-hash 0x… --account insurer --network base:mainnet
    """
    if agreed is not None and file is not None:
        raise click.UsageError("give either --terms-hash or --terms")
    if permit and account is None:
        raise click.UsageError("--permit needs an --account that signs")
    expected = agreed_hash(file) if file is not None else _hash(agreed)
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, account=account, **options)
    policy, owner = policies.policy(number), operator.address
    index = share_of(policy, owner)
    escrow = policy.shares[index].escrow
    wide_console().print(terms_table(policies, policy), shares_table(policy, marked=index))
    click.echo(f"terms hash {format_bytes32(policy.terms_hash)}")
    refuse(
        [
            *policies.refusals(policy, Action.ACCEPT, owner, index),
            *_other_terms(policy, expected),
            *payer_refusals(policies.site, owner, escrow),
        ]
    )
    steps = _acceptance(policies, policy, index, account if permit else None, owner)
    if send(policies, operator, policy, steps):
        click.echo(f"share {index} is accepted: {format_usdc(escrow)} USDC in escrow")


@click.command(cls=OperatorCommand)
@POLICY
@operator_options
def reject(provider: ProviderAPI, number: int, deployments: Path, **options: Any) -> None:
    """Decline the share of --account in POLICY; the leader may then assign it to another.

    \b
    ape run policy reject 0x…/1 --account insurer --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    policy = policies.policy(number)
    index = share_of(policy, operator.address)
    refuse(list(policies.refusals(policy, Action.REJECT, operator.address, index)))
    step = Step(
        policies.key(policy, "reject", index),
        policies.contract.address,
        calldata(policies.contract, "rejectShare", number, index),
        f"decline share {index} of {policy.name}",
        _share_is(policies, number, index, ShareStatus.REJECTED),
        again=True,
    )
    send(policies, operator, policy, [step])


@click.command(cls=OperatorCommand)
@POLICY
@click.option("--to", "receiver", type=Address(), help="Who receives it.  [default: --account]")
@operator_options
def refund(
    provider: ProviderAPI, number: int, receiver: str | None, deployments: Path, **options: Any
) -> None:
    """Take the escrow of --account back, after POLICY has expired or its underwriting has failed.

    \b
    ape run policy refund 0x…/1 --account insurer --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    policy = policies.policy(number)
    index, to = share_of(policy, operator.address), receiver or operator.address
    insured = policy.shares[index]
    if insured.status is ShareStatus.REFUNDED:
        raise RefusedError(f"share {index} of {policy.name} was refunded already; nothing was sent")
    found = list(policies.refusals(policy, Action.REFUND, operator.address, index))
    refuse([*found, *_recipient_refusals(policies, to)])
    amount = format_usdc(insured.escrow)
    step = Step(
        policies.key(policy, "refund", index, to),
        policies.contract.address,
        calldata(policies.contract, "refund", number, index, to),
        f"refund {amount} USDC of share {index} to {to}",
        _share_is(policies, number, index, ShareStatus.REFUNDED),
    )
    if send(policies, operator, policy, [step]):
        click.echo(f"share {index} is refunded: {amount} USDC to {to}")


@click.command(cls=OperatorCommand)
@click.option("--to", "receiver", type=Address(), help="Who receives it.  [default: --account]")
@operator_options
def withdraw(provider: ProviderAPI, receiver: str | None, deployments: Path, **options: Any) -> None:
    """Take the payouts that USDC would not deliver to --account when they were settled.

    \b
    ape run policy withdraw --to 0x… --account beneficiary --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    owner, to = operator.address, receiver or operator.address
    credit = policies.reader.credit(owner, policies.head.number)
    refuse(list(_recipient_refusals(policies, to)) if credit else [f"{owner} has no credit"])
    step = Step(
        f"policy/{policies.contract.address}/withdraw/{to}",
        policies.contract.address,
        calldata(policies.contract, "withdraw", to),
        f"withdraw a credit of {format_usdc(credit)} USDC to {to}",
        lambda block: policies.reader.credit(owner, block) == 0,
        again=True,
    )
    for outcome in perform(operator, "Open Parametric credit", [step]):
        if outcome.already_done:
            raise click.ClickException(
                f"there is no credit left, and {to} was not sent it: anyone may pay it to {owner}"
            )
        click.echo(f"sent {format_usdc(credit)} USDC to {to}")
        tell_transaction(outcome)


@click.command("pay-credit", cls=OperatorCommand)
@click.argument("beneficiary", type=Address())
@operator_options
def pay_credit(provider: ProviderAPI, beneficiary: str, deployments: Path, **options: Any) -> None:
    """Send BENEFICIARY the payouts that USDC would not deliver to it. Anyone, to BENEFICIARY only.

    For one without ether, once USDC takes it again: its denial or the pause is over.

    \b
    ape run policy pay-credit 0x… --account anyone --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    credit = policies.reader.credit(beneficiary, policies.head.number)
    found = list(receiver_refusals(policies.site, beneficiary))
    refuse(found if credit else [f"{beneficiary} has no credit"])
    step = Step(
        f"policy/{policies.contract.address}/pay-credit/{beneficiary}",
        policies.contract.address,
        calldata(policies.contract, "payCredit", beneficiary),
        f"pay a credit of {format_usdc(credit)} USDC to its beneficiary {beneficiary}",
        lambda block: policies.reader.credit(beneficiary, block) == 0,
        again=True,
    )
    for outcome in perform(operator, "Open Parametric credit", [step]):
        click.echo(f"the credit of {beneficiary} is paid")
        tell_transaction(outcome)


def _hash(text: str | None) -> bytes | None:
    try:
        return None if text is None else parse_bytes32(text.lower())
    except IdentifierError as error:
        raise click.UsageError(f"--terms-hash: {error}") from None


def _other_terms(policy: Policy, expected: bytes | None) -> Iterator[str]:
    if policy.shown_hash != policy.terms_hash:
        yield f"the terms shown hash to {format_bytes32(policy.shown_hash)}: the node is not to be trusted"
    if expected is not None and expected != policy.terms_hash:
        yield (
            f"{policy.name} has other terms than were agreed to: their hash is "
            f"{format_bytes32(policy.terms_hash)} instead of {format_bytes32(expected)}"
        )


def _acceptance(
    policies: Policies, policy: Policy, index: int, signer: AccountAPI | None, owner: str
) -> list[Step]:
    contract, usdc, escrow = policies.contract, policies.site.usdc, policy.shares[index].escrow
    arguments = (policy.number, index, policy.shown_hash)
    key = policies.key(policy, "accept", index, policy.shown_hash.hex())
    words = f"accept share {index} of {policy.name} with {format_usdc(escrow)} USDC"
    done = _share_is(policies, policy.number, index, ShareStatus.ACCEPTED)
    if signer is not None:
        deadline, signature = _permit(policies, owner, escrow, signer)
        data = calldata(contract, "acceptShareWithPermit", *arguments, deadline, signature)
        return [Step(key, contract.address, data, f"{words} by permit", done)]

    def allowed(block: BlockId) -> bool:
        allowance = usdc.functions.allowance(owner, contract.address)
        return int(allowance.call(block_identifier=block)) >= escrow

    return [
        Step(
            policies.key(policy, "allow", index),
            usdc.address,
            calldata(usdc, "approve", contract.address, escrow),
            f"allow OpenParametric {format_usdc(escrow)} USDC",
            allowed,
            again=True,
        ),
        Step(key, contract.address, calldata(contract, "acceptShare", *arguments), words, done, follows=True),
    ]


def _permit(policies: Policies, owner: str, escrow: Usdc, signer: AccountAPI) -> tuple[int, bytes]:
    site, deadline = policies.site, policies.head.time_s + _SIGNED_FOR_S
    message = {
        "owner": owner,
        "spender": policies.contract.address,
        "value": escrow,
        "nonce": site.usdc.functions.nonces(owner).call(),
        "deadline": deadline,
    }
    return deadline, sign_typed(signer, site.usdc, site.connection.chain_id, "Permit", message)


def _share_is(policies: Policies, number: int, index: int, status: ShareStatus) -> Any:
    return lambda block: policies.reader.share_status(number, index, block) is status


def _recipient_refusals(policies: Policies, to: str) -> Iterator[str]:
    yield from receiver_refusals(policies.site, to)
    if to in (policies.contract.address, policies.site.usdc.address):
        yield f"{to} is a contract that would keep it for ever"
