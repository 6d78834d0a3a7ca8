"""`ape run policy register`: a policyholder of a policy, on chain as a salted hash only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.money import MAX_USDC, Usdc, format_usdc
from liqpass.domain.parametric.life import MAX_POLICYHOLDERS, Action
from liqpass.domain.parametric.policy import Policy

from scripts._operator import Operator, OperatorCommand, Site, UsdcAmount, operator_options, refuse
from scripts._policy import POLICY, Policies, send
from scripts._policyholders import Holder, PolicyholderBook
from scripts._sending import Step, calldata


@click.command(cls=OperatorCommand)
@POLICY
@click.option("--reference", required=True, help="The leader's own name of the policyholder; never sent.")
@click.option(
    "--premium", type=UsdcAmount(zero=True), required=True, help="What was paid elsewhere, in USDC."
)
@click.option("--coverage", type=UsdcAmount(), required=True, help="Its part of the payout, in USDC.")
@click.option(
    "--book",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The leader's file of references and salts, mode 0600.  "
    "[default: ~/.liqpass/policyholders/<chain id>-<contract>.jsonl]",
)
@operator_options
def register(  # noqa: PLR0917 - click passes options by name
    provider: ProviderAPI,
    number: int,
    reference: str,
    premium: Usdc,
    coverage: Usdc,
    book: Path | None,
    deployments: Path,
    **options: Any,
) -> None:
    """Register a policyholder of POLICY, each reference once. Leader, before the departure.

    On chain is the hash of a new salt and the reference, with premium and coverage. The salt is written to
    the book before anything is sent: without it nobody can prove what the hash stands for, so keep the book.

    \b
    ape run policy register 0x…/1 --reference A-1001 --premium 8.00 --coverage 250.00 --account leader
    """
    if not reference.strip() or not reference.isprintable():
        raise click.UsageError("--reference is empty, or has characters that cannot be printed")
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    policy = policies.policy(number)
    file = book or _default_book(policies)
    kept = PolicyholderBook(file)
    known = kept.find(policy.name, reference)
    holder = known or Holder.new(policy.name, reference, premium, coverage)
    if (holder.premium, holder.coverage) != (premium, coverage):
        amounts = f"{format_usdc(holder.premium)} and {format_usdc(holder.coverage)} USDC"
        refuse([f"{file} has {reference!r} with other amounts: premium and coverage {amounts}"])
    if policies.reader.is_registered(number, holder.ref, policies.head.number):
        click.echo(f"registered already as {format_bytes32(holder.ref)}, nothing was sent")
        return
    refuse(list(_refusals(policies, policy, operator.address, coverage)))

    def done(block: BlockId) -> bool:
        last = block if isinstance(block, int) else policies.reader.head().number
        return policies.reader.is_registered(number, holder.ref, last)

    step = Step(
        policies.key(policy, "register", holder.ref.hex()),
        policies.contract.address,
        calldata(policies.contract, "registerPolicyholder", number, holder.ref, premium, coverage),
        f"register a policyholder of {policy.name} with {format_usdc(coverage)} USDC of the payout",
        done,
    )

    def keep() -> None:
        if known is None:
            kept.add(holder)
            click.echo(f"salt of {reference!r} kept in {file}")

    if send(policies, operator, policy, [step], keep):
        click.echo(f"registered as {format_bytes32(holder.ref)}")


def _default_book(policies: Policies) -> Path:
    name = f"{policies.site.connection.chain_id}-{policies.contract.address}.jsonl"
    return Path.home() / ".liqpass" / "policyholders" / name


def _refusals(policies: Policies, policy: Policy, account: str, coverage: Usdc) -> Iterator[str]:
    life = policy.life
    if life.policyholders >= MAX_POLICYHOLDERS:
        yield f"{policy.name} has {MAX_POLICYHOLDERS} policyholders: that is the most"
    elif coverage > life.uncovered:
        yield (
            f"of the payout {format_usdc(min(life.uncovered, MAX_USDC))} USDC is not covered yet, not "
            f"{format_usdc(coverage)}"
        )
    else:
        yield from policies.refusals(policy, Action.REGISTER, account)
