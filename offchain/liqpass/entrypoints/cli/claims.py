"""`liqpass claims`: submit, review, replay."""

from __future__ import annotations

import click

from liqpass.domain.claim_state import ClaimState
from liqpass.domain.money import format_usdc
from liqpass.entrypoints.answers import claim_answer
from liqpass.entrypoints.cli.session import (
    Session,
    actor_option,
    json_option,
    pass_session,
    show_fields,
    show_json,
    show_table,
)
from liqpass.records import Claim

REVIEWER = click.option("--reviewer", required=True, help="Who decides.")


@click.group()
def claims() -> None:
    """Claims: evidence from OKX, a verdict by the rules, a decision by people. Amounts are USDC."""


@claims.command()
@click.argument("order_id")
@actor_option
@json_option
@pass_session
def submit(session: Session, order_id: str, actor: str, as_json: bool) -> None:
    """Submit a claim for an order, or show the one that it has.

    A FAILED one is fetched again, and so is a PENDING one that is NOT_ELIGIBLE: what happened since counts.
    """
    _show(session, session.app.use_cases.claiming.submit(order_id, actor=actor), as_json)


@claims.command()
@click.argument("claim_id")
@actor_option
@json_option
@pass_session
def refetch(session: Session, claim_id: str, actor: str, as_json: bool) -> None:
    """Fetch the evidence of a FAILED or PENDING claim again; earlier reviews of it count no more.

    Where OKX cannot be read, a PENDING claim keeps the evidence that it has.
    """
    _show(session, session.app.use_cases.claiming.refetch(claim_id, actor=actor), as_json)


@claims.command("list")
@click.option("--status", type=click.Choice([str(state) for state in ClaimState]), help="Only these.")
@click.option("--order", "order_id", help="Only of this order.")
@json_option
@pass_session
def list_claims(session: Session, status: str | None, order_id: str | None, as_json: bool) -> None:
    """List claims, oldest first."""
    state = None if status is None else ClaimState(status)
    found = session.app.use_cases.reviewing.listed(state=state, order_uuid=order_id)
    rows = [claim_answer(claim) for claim in found]
    columns = ("claimId", "policyNo", "state", "verdict", "reasons", "realisedLossUsdc", "payoutUsdc")
    show_json(rows) if as_json else show_table(rows, columns)


@claims.command()
@click.argument("claim_id")
@json_option
@pass_session
def show(session: Session, claim_id: str, as_json: bool) -> None:
    """Show one claim with its reviews."""
    claim, reviews = session.app.use_cases.reviewing.show(claim_id)
    answer = claim_answer(claim, reviews)
    show_json(answer) if as_json else show_fields(answer)


@claims.command()
@click.argument("claim_id")
@REVIEWER
@click.option("--reason", default="", help="Needed where the verdict is NEEDS_REVIEW.")
@json_option
@pass_session
def approve(session: Session, claim_id: str, reviewer: str, reason: str, as_json: bool) -> None:
    """Approve a claim. NEEDS_REVIEW takes two different reviewers, each with a reason."""
    result = session.app.use_cases.reviewing.approve(claim_id, reviewer=reviewer, reason=reason)
    if result.needs_second:
        click.echo("a second, different reviewer must approve it too", err=True)
    _show(session, result.claim, as_json)


@claims.command()
@click.argument("claim_id")
@REVIEWER
@click.option("--reason", required=True, help="Why.")
@click.option("--final", is_flag=True, help="End the policy too; otherwise its cover goes on.")
@json_option
@pass_session
def reject(
    session: Session, *, claim_id: str, reviewer: str, reason: str, final: bool, as_json: bool
) -> None:
    """Reject a claim: PENDING, FAILED, or APPROVED and in no batch yet."""
    claim = session.app.use_cases.reviewing.reject(claim_id, reviewer=reviewer, reason=reason, final=final)
    _show(session, claim, as_json)


@claims.command()
@click.argument("claim_id")
@REVIEWER
@click.option("--reason", required=True, help="Why.")
@json_option
@pass_session
def reopen(session: Session, claim_id: str, reviewer: str, reason: str, as_json: bool) -> None:
    """Take the approval of a claim back that is in no batch: PENDING again, its reviews count no more.

    Whoever approved this evidence leaves it to another reviewer, or has it fetched again (`claims refetch`).
    """
    claim = session.app.use_cases.reviewing.reopen(claim_id, reviewer=reviewer, reason=reason)
    _show(session, claim, as_json)


@claims.command()
@click.argument("claim_id")
@json_option
@pass_session
def replay(session: Session, claim_id: str, as_json: bool) -> None:
    """Run the rules again over the stored bytes; exit code 1 if anything differs from what is stored."""
    result = session.app.use_cases.replaying.replay(claim_id)
    answer = {
        "claimId": claim_id,
        "verdict": str(result.decision.verdict),
        "reasons": [str(reason) for reason in result.decision.reasons],
        "payoutUsdc": format_usdc(result.decision.payout),
        "rulesVersion": result.decision.rules_version,
        "differences": list(result.differences),
    }
    show_json(answer) if as_json else show_fields(answer)
    if result.differences:
        raise click.ClickException(f"the stored claim differs in: {', '.join(result.differences)}")
    click.echo("the same decision from the stored bytes", err=True)


def _show(session: Session, claim: Claim, as_json: bool) -> None:
    _, reviews = session.app.use_cases.reviewing.show(claim.id)
    answer = claim_answer(claim, reviews)
    show_json(answer) if as_json else show_fields(answer)
