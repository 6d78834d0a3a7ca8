"""Reviewing: the queue, one claim with everything about it, and every decision."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from liqpass.domain.claim_state import LEGACY_NAMES, ClaimState
from liqpass.entrypoints.answers import claim_answer
from liqpass.entrypoints.oversight_answers import claim_detail_answer, queue_answer
from liqpass.entrypoints.shapes.claims import ClaimAnswer, MessageAnswer, ReviewAnswer
from liqpass.entrypoints.shapes.oversight import ClaimDetailAnswer, QueueAnswer
from liqpass.entrypoints.web.api.forms import (
    ADMIN_PROBLEMS,
    ApproveForm,
    AttachForm,
    ReasonForm,
    RedirectForm,
    RejectForm,
    Wallet,
    problems,
)
from liqpass.entrypoints.web.api.own import ClaimId
from liqpass.entrypoints.web.identity import Admin, Reviewer, ServiceOf
from liqpass.entrypoints.web.rate import COSTLY
from liqpass.entrypoints.web.routes import ApiRoute
from liqpass.entrypoints.web.service import Service
from liqpass.records import Claim

router = APIRouter(prefix="/admin/claims", tags=["reviewing"], route_class=ApiRoute)
_READ = problems(401, 403, 404, 422)
_OLDER = {name: state for state, name in LEGACY_NAMES.items()}
Status = Literal[
    "VERIFYING",
    "PENDING",
    "APPROVED",
    "BATCHED",
    "PAID",
    "HELD",
    "REJECTED",
    "FAILED",
    "VERIFIED_PENDING_REVIEW",
    "APPROVED_PENDING_MULTISIG",
]


def _with_reviews(service: Service, claim: Claim) -> ClaimAnswer:
    return claim_answer(claim, service.use_cases.reviewing.show(claim.id)[1])


@router.get("", responses=_READ)
def queue(  # noqa: PLR0917 - a query has that many parts
    service: ServiceOf,
    admin: Admin,  # noqa: ARG001
    status: Annotated[Status | None, Query(description="a claim's state, or its older name")] = None,
    verdict: Literal["ELIGIBLE", "NEEDS_REVIEW", "NOT_ELIGIBLE"] | None = None,
    search: Annotated[str, Query(max_length=66, description="policy number, claim id or buyer")] = "",
    cursor: Annotated[str, Query(max_length=80, description="`next` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> QueueAnswer:
    """Claims, oldest first, a page at a time, and how many there are of each state."""
    state = None if status is None else _OLDER.get(status) or ClaimState(status)
    page = service.use_cases.overseeing.queue(
        state=state, verdict=verdict, search=search, cursor=cursor, limit=limit
    )
    return queue_answer(page)


@router.get("/{claim_id}", responses=_READ)
def show(service: ServiceOf, admin: Admin, claim_id: ClaimId) -> ClaimDetailAnswer:  # noqa: ARG001
    """One claim: evidence, recommendation with reasons, raw responses, reviews, history."""
    view = service.use_cases.overseeing.claim(claim_id)
    return claim_detail_answer(view, service.clock.now_ms())


@router.post("/{claim_id}/approve", responses=ADMIN_PROBLEMS)
def approve(
    service: ServiceOf, reviewer: Reviewer, claim_id: ClaimId, form: ApproveForm | None = None
) -> ReviewAnswer:
    """Approve. NEEDS_REVIEW takes a reason and a second reviewer; NOT_ELIGIBLE cannot be approved (409)."""
    form = form or ApproveForm.model_validate({})
    result = service.use_cases.reviewing.approve(
        claim_id, reviewer=reviewer.address, reason=form.reason, seen_hash=form.evidence_hash
    )
    return {"claim": _with_reviews(service, result.claim), "needsSecondReviewer": result.needs_second}


@router.post("/{claim_id}/reject", responses=ADMIN_PROBLEMS)
def reject(service: ServiceOf, reviewer: Reviewer, claim_id: ClaimId, form: RejectForm) -> ClaimAnswer:
    """Reject; with `final` the policy is over, otherwise its cover goes on."""
    claim = service.use_cases.reviewing.reject(
        claim_id,
        reviewer=reviewer.address,
        reason=form.reason,
        final=form.final,
        seen_hash=form.evidence_hash,
    )
    return _with_reviews(service, claim)


@router.post("/{claim_id}/reopen", responses=ADMIN_PROBLEMS)
def reopen(service: ServiceOf, reviewer: Reviewer, claim_id: ClaimId, form: ReasonForm) -> ClaimAnswer:
    """Take an approval back that is in no batch yet."""
    claim = service.use_cases.reviewing.reopen(claim_id, reviewer=reviewer.address, reason=form.reason)
    return _with_reviews(service, claim)


@router.post("/{claim_id}/refetch", responses=ADMIN_PROBLEMS, dependencies=[COSTLY])
def refetch(service: ServiceOf, reviewer: Reviewer, claim_id: ClaimId) -> ClaimAnswer:
    """Fetch OKX's records again; earlier reviews of the claim count no more."""
    return _with_reviews(service, service.use_cases.claiming.refetch(claim_id, actor=reviewer.address))


@router.post("/{claim_id}/mark-paid", responses=ADMIN_PROBLEMS)
def mark_paid(service: ServiceOf, reviewer: Reviewer, claim_id: ClaimId, form: AttachForm) -> ClaimAnswer:
    """Attach the transaction that paid: only this vault's PayoutExecuted counts."""
    claim = service.use_cases.attaching.attach(claim_id, form.multisig_tx_hash, actor=reviewer.address)
    return _with_reviews(service, claim)


@router.post("/{claim_id}/release", responses=ADMIN_PROBLEMS)
def release(service: ServiceOf, reviewer: Reviewer, claim_id: ClaimId, form: ReasonForm) -> ClaimAnswer:
    """Try a held payout again at the same address."""
    claim = service.use_cases.releasing.release(claim_id, actor=reviewer.address, reason=form.reason)
    return _with_reviews(service, claim)


@router.get("/{claim_id}/redirect-message", responses=_READ)
def redirect_message(
    service: ServiceOf,
    admin: Admin,  # noqa: ARG001
    claim_id: ClaimId,
    recipient: Annotated[Wallet, Query()],
) -> MessageAnswer:
    """What the buyer signs (EIP-191) so that a held payout may go to another address."""
    return {"message": service.use_cases.releasing.message(claim_id, recipient)}


@router.post("/{claim_id}/redirect", responses=ADMIN_PROBLEMS)
def redirect(service: ServiceOf, reviewer: Reviewer, claim_id: ClaimId, form: RedirectForm) -> ClaimAnswer:
    """Pay a held payout to the address that the buyer signed for."""
    claim = service.use_cases.releasing.redirect(
        claim_id, actor=reviewer.address, recipient=form.recipient, signature=form.signature
    )
    return _with_reviews(service, claim)
