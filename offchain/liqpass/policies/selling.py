"""Quotes and orders: what a cover costs now, and the draft that a buyer starts from."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from liqpass.domain import policy_state
from liqpass.domain.identifiers import IdentifierError, format_bytes32, parse_address
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.parameters import Parameters
from liqpass.domain.policy_state import PolicyAction, PolicyState
from liqpass.domain.pricing import Price, price
from liqpass.domain.quote import order_id
from liqpass.domain.reasons import Reason
from liqpass.domain.recipient import ZERO_ADDRESS, refused_recipient
from liqpass.domain.underwriting import quoting_closed
from liqpass.free_text import free_text
from liqpass.lookups import existing_order, parameters_of
from liqpass.ports import Clock, Store, UnitOfWork
from liqpass.records import Act, Order, Site
from liqpass.refusals import ConflictError, InvalidInputError, PausedError, RefusedError

# A claim waits for people, a payout for its batch: neither is owed less because time has passed.
OWED = (PolicyState.CLAIM_REQUESTED, PolicyState.APPROVED)
UNPAID = (PolicyState.BOUND, PolicyState.AWAITING_PAYMENT)


@dataclass(frozen=True, slots=True)
class Offer:
    """A price that holds until `valid_until_s`; nothing is reserved by it."""

    price: Price
    valid_until_s: int


def parse_buyer(text: str) -> str:
    """A wallet address in lower case. Raises InvalidInputError."""
    try:
        return parse_address(text)
    except IdentifierError as error:
        raise InvalidInputError(str(error)) from None


def require_open(unit: UnitOfWork) -> None:
    """Raise PausedError while selling is stopped."""
    reason = unit.controls.paused()
    if reason is not None:
        raise PausedError(f"selling is paused: {reason}", Reason.SALES_PAUSED)


def open_exposure(unit: UnitOfWork, parameters: Parameters, now_ms: int) -> Usdc:
    """Sum of the payouts that may still fall due, base units."""
    return Usdc(
        unit.orders.exposure(
            owed=OWED,
            covered=PolicyState.COVERED,
            unpaid=UNPAID,
            cover_ends_after_ms=now_ms - parameters.claim_grace_s * 1000,
            quote_valid_after_s=now_ms // 1000,
        )
    )


def unpaid_for_good(unit: UnitOfWork, order: Order) -> bool:
    """Whether every block in which the order could be paid was read, as deep as `sync` reads, without it."""
    if order.quote_hash is None:  # a draft: nothing was frozen that a payment could be for
        return True
    read_until_s = unit.payments.read_until_s(order.chain_id, order.checkout)
    return read_until_s is not None and read_until_s > order.valid_until_s


class Selling:
    """Quote, create, show, cancel."""

    def __init__(self, store: Store, clock: Clock, site: Site, parameters: Parameters) -> None:
        self._store = store
        self._clock = clock
        self._site = site
        self._parameters = parameters

    def quote(self) -> Offer:
        """Premium and payout ("up to") now. Raises PausedError, or RefusedError when the book is full."""
        now_ms = self._clock.now_ms()
        with self._store.read() as unit:
            self._check_open(unit, now_ms)
        return Offer(price(self._parameters), now_ms // 1000 + self._parameters.quote_valid_s)

    def create_order(
        self, buyer: str, *, actor: str, premium: Usdc | None = None, payout: Usdc | None = None
    ) -> Order:
        """A DRAFT for this wallet. `premium` and `payout`, where the client states them, must be ours.

        Raises InvalidInputError, PausedError, RefusedError (RECIPIENT_REFUSED, MONEY_DIFFERS_FROM_QUOTE,
        PERSON_BLOCKED, EXPOSURE_EXHAUSTED).
        """
        wallet = parse_buyer(buyer)
        site = self._site
        # The payout goes to the buyer: to one of our contracts it would be refused only after the premium.
        refused = refused_recipient(
            wallet, vault=site.vault, checkout=site.checkout, usdc=site.usdc or ZERO_ADDRESS
        )
        if refused is not None:
            raise RefusedError(
                f"{wallet} is a contract of ours or the zero address: no buyer's wallet", refused
            )
        now_ms = self._clock.now_ms()
        offer = price(self._parameters)
        for stated, ours, name in (
            (premium, offer.premium, "premium"),
            (payout, offer.payout_up_to, "payout"),
        ):
            if stated is not None and stated != ours:
                raise RefusedError(
                    f"{name} {format_usdc(stated)} USDC differs from ours, {format_usdc(ours)} USDC",
                    Reason.MONEY_DIFFERS_FROM_QUOTE,
                )
        order_uuid = str(uuid.uuid4())
        order = Order(
            id=order_uuid,
            order_hash=format_bytes32(order_id(order_uuid)),
            state=PolicyState.DRAFT,
            buyer=wallet,
            chain_id=self._site.chain_id,
            checkout=self._site.checkout,
            premium=offer.premium,
            payout=offer.payout_up_to,
            params_version=offer.params_version,
            valid_until_s=now_ms // 1000 + self._parameters.quote_valid_s,
            created_at_ms=now_ms,
        )
        with self._store.write() as unit:
            self._check_open(unit, now_ms)
            if unit.controls.is_blocked("wallet", wallet):
                raise RefusedError("this wallet may not buy", Reason.PERSON_BLOCKED)
            unit.controls.keep_parameters(
                offer.params_version, json.dumps(self._parameters.as_json(), sort_keys=True), now_ms
            )
            unit.orders.add(order, Act(actor, "ORDER_CREATED", now_ms, {"buyer": wallet}))
        return order

    def cancel(self, order_uuid: str, *, actor: str, reason: str) -> Order:
        """Give up an order that nobody has paid.

        Raises NotFoundError, IllegalTransition, ConflictError (PAYMENT_STILL_POSSIBLE) until `sync` has read
        every block in which it could be paid: else the buyer would wait out the cover and then cancel it.
        """
        details = {"reason": free_text(reason, "the reason")}
        act = Act(actor, "ORDER_CANCELLED", self._clock.now_ms(), details)
        with self._store.write() as unit:
            order = existing_order(unit, order_uuid)
            to = policy_state.advance(PolicyState(order.state), PolicyAction.CANCEL)
            if not unpaid_for_good(unit, order):
                raise ConflictError(
                    f"order {order.id} may have been paid: it can be cancelled once `liqpass sync` has read "
                    "every block until the end of its quote",
                    Reason.PAYMENT_STILL_POSSIBLE,
                )
            cancelled = unit.orders.advance(order, to, act)
            unit.controls.drop_credential(order.id)
            return cancelled

    def show(self, order_uuid: str) -> Order:
        """One order. Raises NotFoundError."""
        with self._store.read() as unit:
            return existing_order(unit, order_uuid)

    def rules(self, order: Order) -> Parameters:
        """The parameters that the order was made under: later changes touch no policy."""
        with self._store.read() as unit:
            return parameters_of(unit, order)

    def listed(self, *, state: PolicyState | None = None, buyer: str | None = None) -> list[Order]:
        """Orders, newest first."""
        wallet = None if buyer is None else parse_buyer(buyer)
        with self._store.read() as unit:
            return unit.orders.listed(state=state, buyer=wallet)

    def _check_open(self, unit: UnitOfWork, now_ms: int) -> None:
        require_open(unit)
        if quoting_closed(open_exposure(unit, self._parameters, now_ms), self._parameters):
            raise RefusedError("no more cover is sold now: the book is full", Reason.EXPOSURE_EXHAUSTED)
