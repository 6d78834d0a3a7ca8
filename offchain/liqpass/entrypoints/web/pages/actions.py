"""What a reviewer may do with a claim now, and why not where something is not allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liqpass.claims.review import APPROVE
from liqpass.domain.claim_state import TRANSITIONS, ClaimAction, ClaimState
from liqpass.domain.eligibility import Verdict
from liqpass.records import Claim, Review


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is the last part of the API's path; `words` introduce the form, `effect` is what is confirmed;
    `why_not` is empty where the action is allowed."""

    name: str
    label: str
    words: str
    effect: str
    why_not: str = ""
    tone: str = ""
    needs_reason: bool = True
    open: bool = False


def is_own(claim: Claim, buyer: str, reviewer: str) -> bool:
    """Whether the reviewer would decide about money of their own."""
    return reviewer in (buyer, claim.recipient)


def approvers(claim: Claim, reviews: Sequence[Review]) -> list[str]:
    """Who has approved this very evidence."""
    return [word.reviewer for word in claim.counting(reviews) if word.decision == APPROVE]


def second_reviewer_hint(claim: Claim, reviews: Sequence[Review], reviewer: str) -> str:
    """What is to be known about the two reviewers of a doubtful claim."""
    if claim.state != ClaimState.PENDING or claim.verdict != Verdict.NEEDS_REVIEW:
        return ""
    said = approvers(claim, reviews)
    if not said:
        return "This claim needs two reviewers. Your approval is the first of two."
    if reviewer in said:
        return "You have approved it. A second, different reviewer has to approve it too."
    return f"{said[0]} has approved it. Your approval would be the second and makes it count."


def actions(claim: Claim, reviews: Sequence[Review], reviewer: str) -> list[Action]:
    """Every action, allowed or not."""
    doubtful = claim.verdict == Verdict.NEEDS_REVIEW
    return [
        Action(
            "approve",
            "Approve",
            "Say why it is right to pay." if doubtful else "Check the evidence, then approve.",
            "It counts once two reviewers have approved it." if doubtful else "It goes into the next batch.",
            _why_not_approve(claim, reviews, reviewer),
            needs_reason=doubtful,
            open=True,
        ),
        Action(
            "reject",
            "Reject",
            "The buyer sees your reason.",
            "The claim ends here. A later claim on the same policy would be a new one.",
            _not_in(claim, ClaimAction.REJECT, "Only a claim that waits, failed or is approved."),
            "danger",
        ),
        Action(
            "refetch",
            "Fetch again",
            "Asks OKX again and judges anew.",
            "Reviews that were said before count no more.",
            _not_in(claim, ClaimAction.REFETCH, "Only a claim that waits or failed."),
            "second",
            needs_reason=False,
        ),
        Action(
            "reopen",
            "Take the approval back",
            "The claim waits for review again.",
            "Reviews that were said before count no more.",
            _not_in(claim, ClaimAction.REOPEN, "Only an approved claim that is in no batch."),
            "second",
        ),
        Action(
            "mark-paid",
            "Attach a payout transaction",
            "Only a payout of this policy from our vault counts.",
            "The claim is marked as paid if the vault confirms it at a final block.",
            "" if claim.state in (ClaimState.BATCHED, ClaimState.PAID) else "Only a claim in a batch.",
            "second",
        ),
    ]


def _why_not_approve(claim: Claim, reviews: Sequence[Review], reviewer: str) -> str:
    if (ClaimState(claim.state), ClaimAction.APPROVE) not in TRANSITIONS:
        return "Only a claim that waits for review can be approved."
    if claim.verdict == Verdict.NOT_ELIGIBLE or not claim.payout:
        return "By the rules it pays nothing, so it cannot be approved. Reject it, or fetch again."
    # Also where the approval counts no more: the same evidence is left to fresh eyes.
    same = (
        word for word in reviews if (word.evidence_hash, word.decision) == (claim.evidence_hash, "APPROVE")
    )
    if any(word.reviewer.casefold() == reviewer for word in same):
        return "You have approved it already. Somebody else has to approve it too."
    return ""


def _not_in(claim: Claim, action: ClaimAction, words: str) -> str:
    return "" if (ClaimState(claim.state), action) in TRANSITIONS else words
