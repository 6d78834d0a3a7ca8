"""A parametric policy for people and as JSON: terms, shares, feed, and what can be done by whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.money import format_usdc
from liqpass.domain.parametric.life import PolicyState, ShareStatus, Step, steps
from liqpass.domain.parametric.policy import Policy
from liqpass.domain.parametric.reading import Reading, delayed_since, reading_in_words
from liqpass.ports import ChainError
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from scripts._moments import hours, moment
from scripts._policy import Policies, unread, who


def terms_table(policies: Policies, policy: Policy) -> Table:
    """What was agreed to."""
    life = policy.life
    late_s = delayed_since(life.departure_s, life.threshold_minutes)
    rows = {
        "flight": f"{policy.flight} {policy.route}, departure {moment(life.departure_s)}",
        "payout": (
            f"{format_usdc(policy.payout)} USDC from {life.threshold_minutes} minutes of delay on, "
            "or if cancelled"
        ),
        "beneficiary": checksum_address(policy.beneficiary),
        "leader": checksum_address(policy.leader),
        "policy operator": checksum_address(policy.operator) if policy.operator else "nobody",
        "feed": checksum_address(policy.feed),
        "feed's description": policies.feed_in_words(policy),
        "underwriting until": moment(life.underwriting_deadline_s),
        "cover": f"{moment(life.active_from_s)} to {moment(life.active_to_s)}",
        "readings count from": moment(late_s),
        "claims until": (
            f"{moment(life.claim_deadline_s)}, or {hours(policy.claim_grace_s)} after a rejection, "
            "if that is later"
        ),
        "approval window": f"{hours(life.approval_window_s)} after a claim, then anyone may approve",
    }
    table = Table(
        box=SIMPLE, show_header=False, title=f"policy {policy.name}: {life.state}", title_justify="left"
    )
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, Text(value))  # names and descriptions are anybody's: no markup
    return table


def shares_table(policy: Policy, *, marked: int | None = None) -> Table:
    """Who insures what; `marked` is the reader's own share."""
    table = Table(box=SIMPLE, title="shares", title_justify="left")
    for heading in ("share", "insurer", "bps", "escrow, USDC", "status", ""):
        table.add_column(heading, overflow="fold")
    for index, insured in enumerate(policy.shares):
        table.add_row(
            str(index),
            checksum_address(insured.share.insurer),
            str(insured.share.bps),
            format_usdc(insured.escrow),
            str(insured.status),
            _owed(policy, insured.status),
            style="bold" if index == marked else None,
        )
    return table


def actions_table(policies: Policies, policy: Policy) -> Table:
    """Everything that the state allows, open now, later or no more."""
    now_s = policies.head.time_s
    table = Table(box=SIMPLE, title=f"what can be done, {moment(now_s)}", title_justify="left")
    for heading in ("", "action", "by", "from", "until"):
        table.add_column(heading, overflow="fold")
    for step in steps(policy.life):
        table.add_row(
            f"[bold green]{when(step, now_s)}[/]" if step.is_open(now_s) else when(step, now_s),
            _action(step),
            who(policy, step),
            "" if step.from_s is None else moment(step.from_s),
            "" if step.until_s is None else moment(step.until_s),
        )
    return table


def notes(policies: Policies, policy: Policy) -> Iterator[str]:
    """The claim, the feed, the policyholders, in words."""
    life = policy.life
    if policy.claim is not None:
        approved = policy.claim.approved_by
        by = f", approved by {checksum_address(approved)}" if approved else ""
        sent_back = ", rejected" if life.state is PolicyState.ACTIVE else ""
        delay = reading_in_words(Reading(policy.claim.delay_minutes))
        made = moment(life.verified_at_s)
        yield f"claim of round {policy.claim.round_id}: {delay}, made {made}{by}{sent_back}"
    if life.state is PolicyState.CLAIMABLE:
        yield f"approval window until {moment(life.window_ends_s)}"
    if life.state in (PolicyState.FUNDED, PolicyState.ACTIVE):
        yield f"feed: {_verdict(policies, policy)}"
    if life.policyholders:
        yield f"{life.policyholders} policyholders, {format_usdc(policy.coverage)} USDC of the payout theirs"


def as_json(policies: Policies, policy: Policy) -> dict[str, Any]:
    """Amounts as decimal strings, times in unix seconds, null for none."""
    life, now_s = policy.life, policies.head.time_s
    claim = policy.claim
    return {
        "policy": policy.name,
        "number": str(policy.number),
        "block": policies.head.number,
        "time": now_s,
        "state": str(life.state),
        "termsHash": format_bytes32(policy.terms_hash),
        "flight": policy.flight,
        "route": policy.route,
        "payoutUsdc": format_usdc(policy.payout),
        "thresholdMinutes": life.threshold_minutes,
        "leader": checksum_address(policy.leader),
        "operator": checksum_address(policy.operator) if policy.operator else None,
        "beneficiary": checksum_address(policy.beneficiary),
        "feed": checksum_address(policy.feed),
        "feedDescription": policies.feed_in_words(policy),
        "departure": life.departure_s,
        "underwritingDeadline": life.underwriting_deadline_s,
        "activeFrom": life.active_from_s,
        "activeTo": life.active_to_s,
        "claimDeadline": life.claim_deadline_s,
        "approvalWindowEnds": life.window_ends_s if life.state is PolicyState.CLAIMABLE else None,
        "policyholders": life.policyholders,
        "coverageUsdc": format_usdc(policy.coverage),
        "claim": None
        if claim is None
        else {
            "round": claim.round_id,
            "delayMinutes": claim.delay_minutes,
            "verifiedAt": life.verified_at_s,
            "approvedBy": checksum_address(claim.approved_by) if claim.approved_by else None,
        },
        "shares": [
            {
                "insurer": checksum_address(insured.share.insurer),
                "bps": insured.share.bps,
                "escrowUsdc": format_usdc(insured.escrow),
                "status": str(insured.status),
            }
            for insured in policy.shares
        ],
        "actions": [
            {
                "action": str(step.action),
                "by": who(policy, step),
                "share": step.share,
                "from": step.from_s,
                "until": step.until_s,
                "now": step.is_open(now_s),
            }
            for step in steps(policy.life)
        ],
        "notes": list(notes(policies, policy)),
    }


def when(step: Step, now_s: int) -> str:
    if step.is_open(now_s):
        return "now"
    return "over" if step.until_s is not None and now_s > step.until_s else "later"


def _verdict(policies: Policies, policy: Policy) -> str:
    try:
        rule, answer = policies.feed(policy)
    except ChainError as error:
        return unread(error)
    fault = rule.fault(answer, policies.head.time_s)
    if fault is not None or answer is None:
        return f"{fault}"
    makes = "makes a claim" if answer.answer >= rule.threshold_minutes else "makes no claim"
    return f"round {answer.round_id}, {reading_in_words(Reading(answer.answer))}: {makes}"


def _action(step: Step) -> str:
    return str(step.action) if step.share is None else f"{step.action}, share {step.share}"


def _owed(policy: Policy, status: ShareStatus) -> str:
    """What is still to be paid, or to be had back, for a share."""
    state = policy.life.state
    if state in (PolicyState.DRAFT, PolicyState.OPEN) and status is ShareStatus.PENDING:
        return "owes its escrow"
    if state in (PolicyState.EXPIRED, PolicyState.FAILED) and status is ShareStatus.ACCEPTED:
        return "may be refunded"
    return ""
