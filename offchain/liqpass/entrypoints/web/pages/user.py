"""The buyers' pages: the product and its price, my policies, one policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from liqpass.records import Order
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
    key, unfinished = None, []
    if session is not None:
        key = service.use_cases.keys.show(session.address)
        orders = [order for order in _orders_of(service, session.address) if order.state in _UNPAID]
        unfinished = [each for each in _policies(service, orders) if each.is_worth_going_on]
    return page(
        request,
        "home.html",
        offer=offer,
        closed=closed,
        parameters=service.parameters,
        disclaimers=disclaimers(service.parameters),
        key=key,
        unfinished=unfinished,
    )


@router.get("/policies")
def policies(request: Request, service: ServiceOf) -> Response:
    """Every order and policy of the wallet that is signed in."""
    session = session_of(request, Realm.PUBLIC)
    if session is None:
        return _sign_in_first(request)
    found = _policies(service, _orders_of(service, session.address))
    return page(request, "policies.html", policies=found)


@router.get("/policies/{order_id}")
def policy(request: Request, service: ServiceOf, order_id: str) -> Response:
    """One policy; another's is not there."""
    session = session_of(request, Realm.PUBLIC)
    if session is None:
        return _sign_in_first(request)
    (found,) = _policies(service, [own_order(service, session, order_id)])
    found = _in_full(service, found)
    return page(
        request,
        "policy.html",
        policy=found,
        key=service.use_cases.keys.show(session.address),
        authorized=service.use_cases.authorizing.is_authorized(found.order.id),
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


def _policies(service: Service, orders: Sequence[Order]) -> list[PolicyPage]:
    """The orders with their claims and rules."""
    rules: dict[str, Parameters] = {}
    for order in orders:
        if order.params_version not in rules:
            rules[order.params_version] = service.use_cases.selling.rules(order)
    now_ms = service.clock.now_ms()
    return [
        PolicyPage(
            order=order,
            parameters=rules[order.params_version],
            claims=[] if order.policy_no is None else service.use_cases.reviewing.listed(order_uuid=order.id),
            reviews=[],
            proof=None,
            now_ms=now_ms,
        )
        for order in orders
    ]


def _in_full(service: Service, policy: PolicyPage) -> PolicyPage:
    """With the reviews of the last claim and, where it was paid, by what."""
    claim = policy.claim
    if claim is None:
        return policy
    reviews = service.use_cases.reviewing.show(claim.id)[1]
    proof = service.use_cases.publishing.proof(claim.proof_token) if claim.state in _PROVEN else None
    return replace(policy, reviews=reviews, proof=proof)
