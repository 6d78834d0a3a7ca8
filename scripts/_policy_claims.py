"""`ape run policy activate`, `check`, `approve`, `reject-claim`, `settle`, `expire`: cover and its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import format_usdc
from liqpass.domain.parametric.life import Action, PolicyState
from liqpass.domain.parametric.reading import Reading, reading_in_words

from scripts._moments import moment
from scripts._operator import Operator, OperatorCommand, Site, operator_options, refuse
from scripts._policy import POLICY, Policies, change_state, left, send
from scripts._sending import Step, calldata
from scripts._usdc_refusals import receiver_refusals


@click.command(cls=OperatorCommand)
@POLICY
@operator_options
def activate(provider: ProviderAPI, number: int, deployments: Path, **options: Any) -> None:
    """Start the cover of POLICY, which all insurers have funded. Anyone, from its start to its end.

    \b
    ape run policy activate 0x…/1 --account anyone --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    change_state(policies, operator, policies.policy(number), Action.ACTIVATE, "activatePolicy")


@click.command(cls=OperatorCommand)
@POLICY
@operator_options
def check(provider: ProviderAPI, number: int, deployments: Path, **options: Any) -> None:
    """Read the feed of POLICY: a delay that reaches the threshold makes a claim. Anyone, until the deadline.

    A reading that counts and is too small only leaves an event. A funded policy is activated on the way.

    \b
    ape run policy check 0x…/1 --account anyone --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    policy = policies.policy(number)
    rule, answer = policies.feed(policy)
    found = list(policies.refusals(policy, Action.CHECK, operator.address))
    fault = rule.fault(answer, policies.head.time_s)
    if not found and fault is not None:
        found = [f"the reading of feed {checksum_address(policy.feed)} does not count: {fault}"]
    refuse(found)
    assert answer is not None  # noqa: S101 - that would be a fault
    threshold = policy.life.threshold_minutes
    verdict = "reaches" if answer.answer >= threshold else "is below"
    click.echo(
        f"round {answer.round_id}: {reading_in_words(Reading(answer.answer))}, of "
        f"{moment(answer.updated_at_s)}, {verdict} the threshold of {threshold} minutes"
    )
    step = Step(
        policies.key(policy, "check", answer.round_id),
        policies.contract.address,
        calldata(policies.contract, "checkOracle", number),
        f"check the feed of {policy.name}",
        left(policies, number, PolicyState.FUNDED, PolicyState.ACTIVE),
        again=True,
    )
    send(policies, operator, policy, [step])


@click.command(cls=OperatorCommand)
@POLICY
@operator_options
def approve(provider: ProviderAPI, number: int, deployments: Path, **options: Any) -> None:
    """Approve the claim of POLICY. Leader or policy operator; after the approval window anyone.

    \b
    ape run policy approve 0x…/1 --account leader --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    policy = policies.policy(number)
    round_id = 0 if policy.claim is None else policy.claim.round_id
    change_state(policies, operator, policy, Action.APPROVE, "approveClaim", round_id)


@click.command("reject-claim", cls=OperatorCommand)
@POLICY
@operator_options
def reject_claim(provider: ProviderAPI, number: int, deployments: Path, **options: Any) -> None:
    """Send the claim of POLICY back to its feed: a newer round can make it again. Once a policy.

    Leader or policy operator, in the approval window. At least the claim grace remains for a new claim.

    \b
    ape run policy reject-claim 0x…/1 --account operator --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    policy = policies.policy(number)
    if policy.life.rejection_spent and policy.life.state is PolicyState.CLAIMABLE:
        refuse([f"a claim of {policy.name} was rejected before: it can be done once"])
    change_state(policies, operator, policy, Action.REJECT_CLAIM, "rejectClaim")


@click.command(cls=OperatorCommand)
@POLICY
@operator_options
def settle(provider: ProviderAPI, number: int, deployments: Path, **options: Any) -> None:
    """Pay the approved claim of POLICY to its beneficiary. Anyone.

    \b
    ape run policy settle 0x…/1 --account anyone --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    policy = policies.policy(number)
    beneficiary = checksum_address(policy.beneficiary)
    if policy.life.state is PolicyState.APPROVED:
        click.echo(f"{format_usdc(policy.payout)} USDC to beneficiary {beneficiary}")
        for reason in receiver_refusals(policies.site, beneficiary):
            click.echo(f"  {reason}: it will wait as a credit, for `ape run policy withdraw` or `pay-credit`")
    change_state(policies, operator, policy, Action.SETTLE, "settleClaim")


@click.command(cls=OperatorCommand)
@POLICY
@operator_options
def expire(provider: ProviderAPI, number: int, deployments: Path, **options: Any) -> None:
    """End POLICY without payout, so that escrows can be refunded. Anyone, after the claim deadline.

    A policy that was never activated can be ended after its cover.

    \b
    ape run policy expire 0x…/1 --account anyone --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    operator = Operator.of(policies.site, **options)
    change_state(policies, operator, policies.policy(number), Action.EXPIRE, "expirePolicy")
