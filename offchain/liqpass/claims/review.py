"""A person decides every claim: approve, or reject for good or not."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.domain import claim_state, policy_state
from liqpass.domain.claim_state import ClaimAction, ClaimState
from liqpass.domain.eligibility import Verdict
from liqpass.domain.policy_state import PolicyAction, PolicyState
from liqpass.domain.reasons import Reason
from liqpass.free_text import free_text, required_text
from liqpass.lookups import existing_claim, existing_order
from liqpass.own_claim import refuse_own_claim
from liqpass.ports import Clock, Store, UnitOfWork
from liqpass.records import Act, Claim, Review
from liqpass.refusals import ConflictError, InvalidInputError

APPROVE = "APPROVE"
REJECT = "REJECT"
MAX_NAME = 128  # characters


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """The claim after the review; `needs_second`: another reviewer has to approve it too."""

    claim: Claim
    needs_second: bool


class Reviewing:
    """Reviewers' decisions. ELIGIBLE takes one reviewer, NEEDS_REVIEW a reason and two different ones.

    Nobody decides about their own claim: a reviewer named by the wallet of its buyer or recipient is refused.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def listed(self, *, state: ClaimState | None = None, order_uuid: str | None = None) -> list[Claim]:
        """Claims, oldest first."""
        with self._store.read() as unit:
            return unit.claims.listed(state=state, order_id=order_uuid)

    def show(self, claim_id: str) -> tuple[Claim, list[Review]]:
        """A claim and every word on it. Raises NotFoundError."""
        with self._store.read() as unit:
            return existing_claim(unit, claim_id), unit.claims.reviews_of(claim_id)

    def approve(
        self, claim_id: str, *, reviewer: str, reason: str = "", seen_hash: str | None = None
    ) -> ReviewResult:
        """Approve, or be the first of two to approve; `seen_hash` is of the evidence that was looked at.

        Raises NotFoundError, IllegalTransition, ConflictError (OWN_CLAIM, NOT_ELIGIBLE,
        POLICY_ALREADY_PAID, EVIDENCE_CHANGED, SECOND_REVIEWER_MISSING), InvalidInputError
        (REVIEW_REASON_MISSING, REVIEWER_MISSING).
        """
        who = _named(reviewer)
        why = free_text(reason, "the reason")
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            claim = existing_claim(unit, claim_id)
            order = existing_order(unit, claim.order_id)
            refuse_own_claim(who, order, claim)
            to = claim_state.advance(ClaimState(claim.state), ClaimAction.APPROVE)
            order_to = policy_state.advance(PolicyState(order.state), PolicyAction.APPROVE)
            self._require_payable(unit, claim)
            _require_seen(claim, seen_hash)
            needs_second = self._take_review(unit, claim, who, why, now_ms)
            if needs_second:
                return ReviewResult(claim, needs_second=True)
            act = Act(who, "CLAIM_APPROVED", now_ms, {"reason": why, "recipient": order.buyer})
            unit.orders.advance(order, order_to, act)
            approved = unit.claims.advance(claim, to, act, approved_at_ms=now_ms, recipient=order.buyer)
            return ReviewResult(approved, needs_second=False)

    def reopen(self, claim_id: str, *, reviewer: str, reason: str) -> Claim:
        """Take an approval back: PENDING again, every review of it void.

        Raises NotFoundError, IllegalTransition, ConflictError (OWN_CLAIM), InvalidInputError
        (REVIEW_REASON_MISSING, REVIEWER_MISSING).
        """
        who = _named(reviewer)
        why = required_text(reason, "the reason for reopening the claim", Reason.REVIEW_REASON_MISSING)
        act = Act(who, "CLAIM_REOPENED", self._clock.now_ms(), {"reason": why})
        with self._store.write() as unit:
            claim = existing_claim(unit, claim_id)
            order = existing_order(unit, claim.order_id)
            refuse_own_claim(who, order, claim)
            to = claim_state.advance(ClaimState(claim.state), ClaimAction.REOPEN)
            order_to = policy_state.advance(PolicyState(order.state), PolicyAction.REOPEN_CLAIM)
            unit.orders.advance(order, order_to, act)
            return unit.claims.advance(
                claim,
                to,
                act,
                approved_at_ms=None,
                recipient=None,
                redirect_signature=None,
                void_reviews=len(unit.claims.reviews_of(claim.id)),
            )

    def reject(
        self, claim_id: str, *, reviewer: str, reason: str, final: bool, seen_hash: str | None = None
    ) -> Claim:
        """Reject the claim, approved or not; `final` ends the policy, otherwise its cover goes on.

        `seen_hash` is of the evidence that was looked at. Raises NotFoundError, IllegalTransition,
        ConflictError (OWN_CLAIM, EVIDENCE_CHANGED), InvalidInputError (REVIEW_REASON_MISSING,
        REVIEWER_MISSING).
        """
        who = _named(reviewer)
        why = required_text(reason, "the reason for the rejection", Reason.REVIEW_REASON_MISSING)
        now_ms = self._clock.now_ms()
        act = Act(who, "CLAIM_REJECTED", now_ms, {"reason": why, "final": "yes" if final else "no"})
        with self._store.write() as unit:
            claim = existing_claim(unit, claim_id)
            order = existing_order(unit, claim.order_id)
            refuse_own_claim(who, order, claim)
            _require_seen(claim, seen_hash)
            to = claim_state.advance(ClaimState(claim.state), ClaimAction.REJECT)
            action = PolicyAction.REJECT if final else PolicyAction.RELEASE_CLAIM
            unit.orders.advance(order, policy_state.advance(PolicyState(order.state), action), act)
            unit.claims.add_review(
                Review(claim.id, claim.evidence_hash or "", who, REJECT, why, now_ms),
                Act(who, "CLAIM_REVIEWED", now_ms, {"decision": REJECT, "reason": why}),
            )
            if final:
                unit.controls.drop_credential(order.id)
            return unit.claims.advance(claim, to, act, closed_at_ms=now_ms, rejection_final=final)

    @staticmethod
    def _require_payable(unit: UnitOfWork, claim: Claim) -> None:
        if unit.batches.payout_of(claim.policy_no) is not None:
            raise ConflictError(f"policy {claim.policy_no} is paid", Reason.POLICY_ALREADY_PAID)
        if claim.verdict == Verdict.NOT_ELIGIBLE or not claim.payout:
            raise ConflictError(f"claim {claim.id} cannot be approved", Reason.NOT_ELIGIBLE)

    @staticmethod
    def _take_review(unit: UnitOfWork, claim: Claim, reviewer: str, reason: str, now_ms: int) -> bool:
        """Keep the review; whether another one is needed."""
        evidence = claim.evidence_hash or ""
        words = unit.claims.reviews_of(claim.id)
        earlier = [word for word in claim.counting(words) if word.decision == APPROVE]
        # Whoever approved this evidence and saw it reopened leaves it to fresh eyes.
        same = [word for word in words if (word.evidence_hash, word.decision) == (evidence, APPROVE)]
        alone = claim.verdict == Verdict.ELIGIBLE
        if not alone and not reason:
            raise InvalidInputError(
                "approving a claim that needs review needs a reason", Reason.REVIEW_REASON_MISSING
            )
        if any(word.reviewer.casefold() == reviewer.casefold() for word in same):
            raise ConflictError(
                f"{reviewer} has approved this evidence already; another reviewer must",
                Reason.SECOND_REVIEWER_MISSING,
            )
        unit.claims.add_review(
            Review(claim.id, evidence, reviewer, APPROVE, reason, now_ms),
            Act(reviewer, "CLAIM_REVIEWED", now_ms, {"decision": APPROVE, "reason": reason}),
        )
        return not alone and not earlier


def _require_seen(claim: Claim, seen_hash: str | None) -> None:
    if seen_hash is not None and seen_hash != claim.evidence_hash:
        raise ConflictError(
            f"the evidence of claim {claim.id} is not the one that was looked at any more",
            Reason.EVIDENCE_CHANGED,
        )


def _named(reviewer: str) -> str:
    name = free_text(reviewer, "the reviewer's name", limit=MAX_NAME)
    if not name:
        raise InvalidInputError("the reviewer's name is missing", Reason.REVIEWER_MISSING)
    return name
