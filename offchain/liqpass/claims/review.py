"""A person decides every claim: approve, or reject for good or not."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.domain import claim_state, policy_state
from liqpass.domain.claim_state import ClaimAction, ClaimState
from liqpass.domain.eligibility import Verdict
from liqpass.domain.policy_state import PolicyAction, PolicyState
from liqpass.domain.reasons import Reason
from liqpass.lookups import existing_claim, existing_order
from liqpass.ports import Clock, Store, UnitOfWork
from liqpass.records import Act, Claim, Review
from liqpass.refusals import ConflictError, InvalidInputError

APPROVE = "APPROVE"
REJECT = "REJECT"


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """The claim after the review; `needs_second`: another reviewer has to approve it too."""

    claim: Claim
    needs_second: bool


class Reviewing:
    """Reviewers' decisions. ELIGIBLE takes one reviewer, NEEDS_REVIEW a reason and two different ones."""

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

    def approve(self, claim_id: str, *, reviewer: str, reason: str = "") -> ReviewResult:
        """Approve, or be the first of two to approve.

        Raises NotFoundError, IllegalTransition, ConflictError (NOT_ELIGIBLE, POLICY_ALREADY_PAID,
        SECOND_REVIEWER_MISSING), InvalidInputError (REVIEW_REASON_MISSING, REVIEWER_MISSING).
        """
        who = _named(reviewer)
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            claim = existing_claim(unit, claim_id)
            to = claim_state.advance(ClaimState(claim.state), ClaimAction.APPROVE)
            order = existing_order(unit, claim.order_id)
            order_to = policy_state.advance(PolicyState(order.state), PolicyAction.APPROVE)
            self._require_payable(unit, claim)
            needs_second = self._take_review(unit, claim, who, reason.strip(), now_ms)
            if needs_second:
                return ReviewResult(claim, needs_second=True)
            act = Act(who, "CLAIM_APPROVED", now_ms, {"reason": reason, "recipient": order.buyer})
            unit.orders.advance(order, order_to, act)
            approved = unit.claims.advance(claim, to, act, approved_at_ms=now_ms, recipient=order.buyer)
            return ReviewResult(approved, needs_second=False)

    def reopen(self, claim_id: str, *, reviewer: str, reason: str) -> Claim:
        """Take an approval back: PENDING again, every review of it void.

        Raises NotFoundError, IllegalTransition, InvalidInputError (REVIEW_REASON_MISSING, REVIEWER_MISSING).
        """
        who = _named(reviewer)
        if not reason.strip():
            raise InvalidInputError("reopening a claim needs a reason", Reason.REVIEW_REASON_MISSING)
        act = Act(who, "CLAIM_REOPENED", self._clock.now_ms(), {"reason": reason.strip()})
        with self._store.write() as unit:
            claim = existing_claim(unit, claim_id)
            to = claim_state.advance(ClaimState(claim.state), ClaimAction.REOPEN)
            order = existing_order(unit, claim.order_id)
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

    def reject(self, claim_id: str, *, reviewer: str, reason: str, final: bool) -> Claim:
        """Reject the claim, approved or not; `final` ends the policy, otherwise its cover goes on.

        Raises NotFoundError, IllegalTransition, InvalidInputError (REVIEW_REASON_MISSING, REVIEWER_MISSING).
        """
        who = _named(reviewer)
        if not reason.strip():
            raise InvalidInputError("a rejection needs a reason", Reason.REVIEW_REASON_MISSING)
        now_ms = self._clock.now_ms()
        act = Act(who, "CLAIM_REJECTED", now_ms, {"reason": reason, "final": "yes" if final else "no"})
        with self._store.write() as unit:
            claim = existing_claim(unit, claim_id)
            to = claim_state.advance(ClaimState(claim.state), ClaimAction.REJECT)
            order = existing_order(unit, claim.order_id)
            action = PolicyAction.REJECT if final else PolicyAction.RELEASE_CLAIM
            unit.orders.advance(order, policy_state.advance(PolicyState(order.state), action), act)
            unit.claims.add_review(
                Review(claim.id, claim.evidence_hash or "", who, REJECT, reason.strip(), now_ms),
                Act(who, "CLAIM_REVIEWED", now_ms, {"decision": REJECT, "reason": reason}),
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


def _named(reviewer: str) -> str:
    if not reviewer.strip() or len(reviewer) > 128:
        raise InvalidInputError("a reviewer has a name of at most 128 characters", Reason.REVIEWER_MISSING)
    return reviewer.strip()
