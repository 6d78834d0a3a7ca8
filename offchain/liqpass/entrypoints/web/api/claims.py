"""Claims as their buyer sees them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from liqpass.entrypoints.answers import claim_answer
from liqpass.entrypoints.web.api.forms import (
    BUYER_PROBLEMS,
    READ_PROBLEMS,
    ClaimAnswer,
    ClaimForm,
    MessageAnswer,
    problems,
)
from liqpass.entrypoints.web.api.own import ClaimId, OrderId, own_claim, own_order
from liqpass.entrypoints.web.identity import Buyer, ServiceOf
from liqpass.entrypoints.web.rate import COSTLY
from liqpass.entrypoints.web.routes import ApiRoute
from liqpass.entrypoints.web.service import Service
from liqpass.records import Session

router = APIRouter(tags=["claims"], route_class=ApiRoute)


def _submit(service: Service, buyer: Session, order_id: str) -> dict[str, Any]:
    own_order(service, buyer, order_id)
    claim = service.use_cases.claiming.submit(order_id, actor=buyer.address)
    return buyers_claim(claim_answer(claim, service.use_cases.reviewing.show(claim.id)[1]))


def buyers_claim(answer: dict[str, Any]) -> dict[str, Any]:
    """Without who reviewed and what reviewers told each other; with why it was rejected."""
    words = answer.pop("reviews")
    rejections = [word["reason"] for word in words if word["decision"] == "REJECT"]
    return {
        **answer,
        "rejectionReason": rejections[-1] if rejections and answer["state"] == "REJECTED" else None,
    }


@router.post(
    "/api/purchase-orders/{order_id}/claim",
    response_model=ClaimAnswer,
    responses=BUYER_PROBLEMS,
    dependencies=[COSTLY],
)
def claim(service: ServiceOf, buyer: Buyer, order_id: OrderId) -> dict[str, Any]:
    """Claim: fetch OKX's records, judge them, and leave the rest to a person. Again: the same claim."""
    return _submit(service, buyer, order_id)


@router.post("/claim", response_model=ClaimAnswer, responses=BUYER_PROBLEMS, dependencies=[COSTLY])
def claim_by_body(service: ServiceOf, buyer: Buyer, form: ClaimForm) -> dict[str, Any]:
    """The same, the order named in the body."""
    return _submit(service, buyer, form.order_id)


@router.get("/api/claims/{claim_id}", response_model=ClaimAnswer, responses=READ_PROBLEMS)
def show(service: ServiceOf, buyer: Buyer, claim_id: ClaimId) -> dict[str, Any]:
    """One claim."""
    return buyers_claim(claim_answer(*own_claim(service, buyer, claim_id)))


@router.get(
    "/api/claims/{claim_id}/evidence",
    response_class=Response,
    responses={
        200: {
            "description": "the bundle, canonical JSON (schema liqpass.evidence/1)",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        **READ_PROBLEMS,
        **problems(409),
    },
)
def evidence(service: ServiceOf, buyer: Buyer, claim_id: ClaimId) -> Response:
    """The evidence, byte for byte as it was hashed."""
    own_claim(service, buyer, claim_id)
    bundle = service.use_cases.replaying.bundle(claim_id)
    name = f'attachment; filename="evidence-{claim_id}.json"'
    return Response(bundle, media_type="application/json", headers={"Content-Disposition": name})


@router.get(
    "/api/claims/{claim_id}/redirect-message",
    response_model=MessageAnswer,
    responses={**READ_PROBLEMS},
)
def redirect_message(service: ServiceOf, buyer: Buyer, claim_id: ClaimId, recipient: str) -> dict[str, str]:
    """What the buyer signs (EIP-191) so that a held payout may go to another address."""
    own_claim(service, buyer, claim_id)
    return {"message": service.use_cases.releasing.message(claim_id, recipient)}
