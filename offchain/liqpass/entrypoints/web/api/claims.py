"""Claims as their buyer sees them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from liqpass.entrypoints.answers import buyers_claim_answer
from liqpass.entrypoints.shapes.claims import BuyersClaimAnswer, MessageAnswer
from liqpass.entrypoints.web.api.forms import BUYER_PROBLEMS, READ_PROBLEMS, ClaimForm, problems
from liqpass.entrypoints.web.api.own import ClaimId, OrderId, own_claim, own_order
from liqpass.entrypoints.web.identity import Buyer, ServiceOf
from liqpass.entrypoints.web.rate import COSTLY
from liqpass.entrypoints.web.routes import ApiRoute
from liqpass.entrypoints.web.service import Service
from liqpass.records import Session

router = APIRouter(tags=["claims"], route_class=ApiRoute)


def _submit(service: Service, buyer: Session, order_id: str) -> BuyersClaimAnswer:
    own_order(service, buyer, order_id)
    claim = service.use_cases.claiming.submit(order_id, actor=buyer.address)
    return buyers_claim_answer(claim, service.use_cases.reviewing.show(claim.id)[1])


@router.post("/api/purchase-orders/{order_id}/claim", responses=BUYER_PROBLEMS, dependencies=[COSTLY])
def claim(service: ServiceOf, buyer: Buyer, order_id: OrderId) -> BuyersClaimAnswer:
    """Claim: fetch OKX's records, judge them, and leave the rest to a person. Again: the same claim."""
    return _submit(service, buyer, order_id)


@router.post("/claim", responses=BUYER_PROBLEMS, dependencies=[COSTLY])
def claim_by_body(service: ServiceOf, buyer: Buyer, form: ClaimForm) -> BuyersClaimAnswer:
    """The same, the order named in the body."""
    return _submit(service, buyer, form.order_id)


@router.get("/api/claims/{claim_id}", responses=READ_PROBLEMS)
def show(service: ServiceOf, buyer: Buyer, claim_id: ClaimId) -> BuyersClaimAnswer:
    """One claim."""
    return buyers_claim_answer(*own_claim(service, buyer, claim_id))


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


@router.get("/api/claims/{claim_id}/redirect-message", responses=READ_PROBLEMS)
def redirect_message(service: ServiceOf, buyer: Buyer, claim_id: ClaimId, recipient: str) -> MessageAnswer:
    """What the buyer signs (EIP-191) so that a held payout may go to another address."""
    own_claim(service, buyer, claim_id)
    return {"message": service.use_cases.releasing.message(claim_id, recipient)}
