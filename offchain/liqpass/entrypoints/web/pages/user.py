"""The buyers' pages: the product and its price, my policies, one policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from liqpass.domain.claim_state import ClaimState
from liqpass.domain.parameters import Parameters
from liqpass.domain.policy_state import PolicyState
from liqpass.entrypoints.web.api.own import own_order
from liqpass.entrypoints.web.identity import ServiceOf, session_of
from liqpass.entrypoints.web.pages import wording
from liqpass.entrypoints.web.pages.failures import PageRoute
from liqpass.entrypoints.web.pages.policy_view import PolicyPage
from liqpass.entrypoints.web.pages.rendering import duration, page
from liqpass.entrypoints.web.service import Realm, Service
from liqpass.records import Claim, Order
from liqpass.refusals import PausedError, RefusedError

router = APIRouter(route_class=PageRoute)
_UNPAID = (PolicyState.DRAFT, PolicyState.BOUND, PolicyState.AWAITING_PAYMENT)
_PROVEN = (ClaimState.BATCHED, ClaimState.PAID, ClaimState.HELD)


@dataclass(frozen=True, slots=True)
class Disclaimer:
    """A sentence to agree to before paying, and what is said to whoever has not."""

    name: str
    text: str
    missing: str


@router.get("/")
def home(request: Request, service: ServiceOf) -> Response:
    """Product and price; for whoever is signed in, the way to an order."""
    session = session_of(request, Realm.PUBLIC)
    offer, closed = None, ""
    try:
        offer = service.use_cases.selling.quote().price
    except (PausedError, RefusedError) as error:
        closed = " ".join(wording.sentence(reason) for reason in error.reasons)
    context: dict[str, Any] = {"key": None, "unfinished": []}
    if session is not None:
        orders = [order for order in _orders_of(service, session.address) if order.state in _UNPAID]
        pages = [_policy(service, order, ()) for order in orders]
        context["unfinished"] = [
            each for each in pages if not each.quote_is_over or each.view == "AWAITING_PAYMENT"
        ]
        context["key"] = service.use_cases.keys.show(session.address)
    return page(
        request,
        "home.html",
        offer=offer,
        closed=closed,
        parameters=service.parameters,
        disclaimers=disclaimers(service.parameters),
        **context,
    )


@router.get("/policies")
def policies(request: Request, service: ServiceOf) -> Response:
    """Every order and policy of the wallet that is signed in."""
    session = session_of(request, Realm.PUBLIC)
    if session is None:
        return _sign_in_first(request)
    found = [
        _policy(service, order, () if order.policy_no is None else _claims_of(service, order))
        for order in _orders_of(service, session.address)
    ]
    return page(request, "policies.html", policies=found)


@router.get("/policies/{order_id}")
def policy(request: Request, service: ServiceOf, order_id: str) -> Response:
    """One policy; another's is not there."""
    session = session_of(request, Realm.PUBLIC)
    if session is None:
        return _sign_in_first(request)
    order = own_order(service, session, order_id)
    found = _policy(service, order, _claims_of(service, order), with_reviews=True)
    return page(
        request,
        "policy.html",
        policy=found,
        key=service.use_cases.keys.show(session.address),
        authorized=service.use_cases.authorizing.is_authorized(order.id),
        disclaimers=disclaimers(found.parameters),
    )


def disclaimers(parameters: Parameters) -> tuple[Disclaimer, ...]:
    """The three that a buyer agrees to, each apart."""
    grace = duration(parameters.claim_grace_s)
    return (
        Disclaimer(
            "records",
            "Only the records of OKX's API decide; nothing else shows a liquidation.",
            "Confirm that only OKX's records decide.",
        ),
        Disclaimer(
            "validity",
            f"A claim has to be submitted by its buyer, at the latest {grace} after the end of the cover.",
            "Confirm that you have to claim in time.",
        ),
        Disclaimer(
            "review",
            "A person reviews each claim, and approved claims are paid in one batch a day.",
            "Confirm that a person decides and that payouts go out once a day.",
        ),
    )


def _sign_in_first(request: Request) -> Response:
    return page(request, "sign_in.html", http_status=401, then=request.url.path)


def _orders_of(service: Service, buyer: str) -> list[Order]:
    return service.use_cases.selling.listed(buyer=buyer)


def _claims_of(service: Service, order: Order) -> list[Claim]:
    return service.use_cases.reviewing.listed(order_uuid=order.id)


def _policy(
    service: Service, order: Order, claims: Sequence[Claim], *, with_reviews: bool = False
) -> PolicyPage:
    reviews, proof = [], None
    if with_reviews and claims:
        reviews = service.use_cases.reviewing.show(claims[-1].id)[1]
        if claims[-1].state in _PROVEN:
            proof = service.use_cases.publishing.proof(claims[-1].proof_token)
    return PolicyPage(
        order=order,
        parameters=service.use_cases.selling.rules(order),
        claims=claims,
        reviews=reviews,
        proof=proof,
        now_ms=service.clock.now_ms(),
    )
