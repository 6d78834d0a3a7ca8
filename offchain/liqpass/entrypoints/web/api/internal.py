"""/internal: for the operator's own machines, with `x-internal-key`."""

from __future__ import annotations

from fastapi import APIRouter

from liqpass.entrypoints.answers import authorization_answer, claim_answer
from liqpass.entrypoints.shapes.claims import ClaimAnswer
from liqpass.entrypoints.shapes.orders import AuthorizationsAnswer, OrderAnswer
from liqpass.entrypoints.web.api.forms import MarkPaidForm, TriggerForm, problems
from liqpass.entrypoints.web.api.orders import shown
from liqpass.entrypoints.web.api.own import OrderId
from liqpass.entrypoints.web.identity import Internal, ServiceOf
from liqpass.entrypoints.web.rate import COSTLY
from liqpass.entrypoints.web.routes import ApiRoute

router = APIRouter(prefix="/internal", tags=["internal"], route_class=ApiRoute)
_PROBLEMS = problems(401, 404, 408, 409, 413, 415, 422)


@router.post("/purchase-orders/{order_id}/mark-paid", responses=_PROBLEMS)
def mark_paid(service: ServiceOf, actor: Internal, order_id: OrderId, form: MarkPaidForm) -> OrderAnswer:
    """Cover an order from now on although no payment is on chain; flagged for ever, signers must allow it."""
    order = service.use_cases.paying.mark_paid(order_id, actor=actor, reason=form.reason)
    return shown(service, order)


@router.post("/claims/onchain-trigger", responses=_PROBLEMS, dependencies=[COSTLY])
def trigger(service: ServiceOf, actor: Internal, form: TriggerForm) -> ClaimAnswer:
    """Submit the claim of an order, as its buyer would."""
    claim = service.use_cases.claiming.submit(form.purchase_order_id, actor=actor)
    return claim_answer(claim, service.use_cases.reviewing.show(claim.id)[1])


@router.get("/payment-authorizations", responses=problems(401), tags=["internal"])
def authorizations(service: ServiceOf, actor: Internal) -> AuthorizationsAnswer:  # noqa: ARG001
    """Signed premiums that nobody has sent yet, for `ape run checkout relay`."""
    pending = service.use_cases.authorizing.pending()
    return {"authorizations": [authorization_answer(each) for each in pending]}
