"""Quote, order, bind, pay: what a buyer does until the cover begins."""

from __future__ import annotations

from fastapi import APIRouter

from liqpass.domain.money import Usdc, parse_usdc
from liqpass.domain.reasons import Reason
from liqpass.entrypoints.answers import iso, money, order_answer, prepared_answer
from liqpass.entrypoints.shapes.orders import OrderAnswer, OrdersAnswer, PreparedAnswer, QuoteAnswer
from liqpass.entrypoints.web.api.forms import (
    BUYER_PROBLEMS,
    READ_PROBLEMS,
    AuthorizationForm,
    BindForm,
    OptionalReasonForm,
    OrderForm,
    PaymentForm,
    PolicyParams,
    QuoteForm,
    problems,
)
from liqpass.entrypoints.web.api.keys import credentials_of
from liqpass.entrypoints.web.api.own import OrderId, own_order
from liqpass.entrypoints.web.identity import Buyer, ServiceOf
from liqpass.entrypoints.web.rate import COSTLY
from liqpass.entrypoints.web.routes import ApiRoute
from liqpass.entrypoints.web.service import Service
from liqpass.policies import ByOrder, ByPosition
from liqpass.records import Order
from liqpass.refusals import InvalidInputError, RefusedError

router = APIRouter(tags=["policies"], route_class=ApiRoute)


def shown(service: Service, order: Order) -> OrderAnswer:
    """An order as its buyer sees it; `purchaseOrderId` is its older name."""
    return {"purchaseOrderId": order.id, **order_answer(order, service.clock.now_ms())}


@router.post("/api/quote", responses=problems(408, 409, 413, 415, 422))
@router.post("/quote", responses=problems(408, 409, 413, 415, 422))
def quote(service: ServiceOf, form: QuoteForm | None = None) -> QuoteAnswer:  # noqa: ARG001
    """Premium and payout ("up to") now. Nothing is reserved by it."""
    offer = service.use_cases.selling.quote()
    return {
        "premiumUsdc": money(offer.price.premium),
        "payoutUpToUsdc": money(offer.price.payout_up_to),
        "validUntil": iso(offer.valid_until_s * 1000),
        "paramsVersion": offer.price.params_version,
    }


@router.post("/api/purchase-orders", responses=BUYER_PROBLEMS)
@router.post("/purchase", responses=BUYER_PROBLEMS)
def create(service: ServiceOf, buyer: Buyer, form: OrderForm | None = None) -> OrderAnswer:
    """A new order for the wallet that is signed in. Money in it must be ours; times are the server's."""
    form = form or OrderForm.model_validate({})
    if form.chain_id is not None and form.chain_id != service.site.chain_id:
        raise RefusedError(f"this service sells on chain {service.site.chain_id}", Reason.PAYMENT_WRONG_CHAIN)
    order = service.use_cases.selling.create_order(
        buyer.address,
        actor=buyer.address,
        premium=None if form.premium_amount_usdc is None else parse_usdc(form.premium_amount_usdc),
        payout=None if form.policy_params is None else _stated_payout(form.policy_params),
    )
    return shown(service, order)


def _stated_payout(params: PolicyParams) -> Usdc | None:
    stated = {
        parse_usdc(text) for text in (params.payout_fixed_usdc, params.payout_cap_usdc) if text is not None
    }
    if len(stated) > 1:
        raise RefusedError("payout_fixed_usdc and payout_cap_usdc differ", Reason.MONEY_DIFFERS_FROM_QUOTE)
    return next(iter(stated), None)


@router.get("/api/me/policies", responses=READ_PROBLEMS)
def mine(service: ServiceOf, buyer: Buyer) -> OrdersAnswer:
    """The orders and policies of the wallet that is signed in, newest first."""
    orders = service.use_cases.selling.listed(buyer=buyer.address)
    return {"policies": [shown(service, order) for order in orders]}


@router.get("/api/purchase-orders/{order_id}", responses=READ_PROBLEMS)
def show(service: ServiceOf, buyer: Buyer, order_id: OrderId) -> OrderAnswer:
    """One order."""
    return shown(service, own_order(service, buyer, order_id))


@router.post(
    "/api/purchase-orders/{order_id}/bind-okx",
    responses={**BUYER_PROBLEMS, **problems(502)},
    dependencies=[COSTLY],
)
def bind(service: ServiceOf, buyer: Buyer, order_id: OrderId, form: BindForm) -> OrderAnswer:
    """Bind an open position with the stored key, or one given here, and freeze the quote. Before paying."""
    own_order(service, buyer, order_id)
    if (form.ord_id is None) == (form.pos_id is None):
        raise InvalidInputError("give either ordId or posId")
    wanted = (
        ByOrder(form.inst_id, form.ord_id)
        if form.ord_id is not None
        else ByPosition(form.inst_id, form.pos_id or "")
    )
    keys, stored_at_ms = service.use_cases.keys, None
    if form.key is not None:
        credentials = credentials_of(form.key)
    else:
        key = keys.show(buyer.address)
        credentials = keys.credentials(buyer.address)
        stored_at_ms = None if key is None else key.stored_at_ms
    order = service.use_cases.binding.bind(
        order_id, credentials, wanted, actor=buyer.address, stored_at_ms=stored_at_ms
    )
    return shown(service, order)


@router.get(
    "/api/purchase-orders/{order_id}/payment",
    responses={**READ_PROBLEMS, **problems(409)},
)
def payment(service: ServiceOf, buyer: Buyer, order_id: OrderId) -> PreparedAnswer:
    """Ready to be signed: approve and pay as two transactions, or one signature without gas."""
    own_order(service, buyer, order_id)
    return prepared_answer(service.use_cases.authorizing.prepared(order_id))


@router.post(
    "/api/purchase-orders/{order_id}/authorize-payment",
    responses=BUYER_PROBLEMS,
    dependencies=[COSTLY],
)
def authorize(service: ServiceOf, buyer: Buyer, order_id: OrderId, form: AuthorizationForm) -> OrderAnswer:
    """Leave the signature under the premium: a relayer sends it and pays the gas."""
    own_order(service, buyer, order_id)
    service.use_cases.authorizing.submit(
        order_id, valid_before_s=form.valid_before, signature=form.signature, actor=buyer.address
    )
    return shown(service, own_order(service, buyer, order_id))


@router.post("/api/purchase-orders/{order_id}/submit-payment", responses=BUYER_PROBLEMS)
def submit_payment(service: ServiceOf, buyer: Buyer, order_id: OrderId, form: PaymentForm) -> OrderAnswer:
    """Name the transaction that paid. PAYMENT_TOO_SHALLOW (422): it needs more confirmations, ask again."""
    own_order(service, buyer, order_id)
    order = service.use_cases.paying.pay_by_transaction(order_id, form.transaction_hash, actor=buyer.address)
    return shown(service, order)


@router.post("/api/purchase-orders/{order_id}/cancel", responses=BUYER_PROBLEMS)
def cancel(
    service: ServiceOf, buyer: Buyer, order_id: OrderId, form: OptionalReasonForm | None = None
) -> OrderAnswer:
    """Give up an order that is not paid, once it can be paid no more."""
    own_order(service, buyer, order_id)
    reason = form.reason if form is not None else ""
    order = service.use_cases.selling.cancel(order_id, actor=buyer.address, reason=reason or "by its buyer")
    return shown(service, order)
