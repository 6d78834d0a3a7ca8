"""Paying without gas: the buyer signs the premium, the service keeps it, a relayer sends it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from liqpass.domain.policy_state import PolicyAction, PolicyState, advance
from liqpass.domain.reasons import Reason
from liqpass.lookups import existing_order
from liqpass.policies.payments import PAYABLE, require_payable
from liqpass.policies.selling import require_open
from liqpass.ports import Clock, Premiums, PreparedPremium, SignatureCheck, Store, UnitOfWork
from liqpass.records import Act, Order, PaymentAuthorization, Site
from liqpass.refusals import ConflictError, InvalidInputError, RefusedError

_SIGNATURE = re.compile(r"0x(?:[0-9a-f]{2}){1,2048}", re.ASCII)  # a wallet contract's may be long


@dataclass(frozen=True, slots=True)
class Relayable:
    """Everything that `Checkout.payWithAuthorization` needs. `amount` in base units, times in seconds."""

    order_id: str
    order_hash: str
    amount: int
    quote_hash: str
    payer: str
    valid_after_s: int
    valid_before_s: int
    signature: str


class Authorizing:
    """Prepare a premium, take the signature under it, hand it to relayers. No key that could send is here."""

    def __init__(
        self, store: Store, clock: Clock, premiums: Premiums, signatures: SignatureCheck, site: Site
    ) -> None:
        self._store = store
        self._clock = clock
        self._premiums = premiums
        self._signatures = signatures
        self._site = site

    def prepared(self, order_uuid: str) -> PreparedPremium:
        """Both ways to pay the order now.

        Raises NotFoundError, ConflictError (not payable), PausedError, RefusedError (QUOTE_EXPIRED),
        ChainError.
        """
        with self._store.read() as unit:
            order = self._payable(unit, order_uuid)
        return self._premiums.prepare(order)

    def submit(
        self, order_uuid: str, *, valid_before_s: int, signature: str, actor: str
    ) -> PaymentAuthorization:
        """Keep the buyer's signature until the order is paid or over; the same one again: the same answer.

        `valid_before_s` must be the second after the quote's last one. Raises as `prepared`, and
        InvalidInputError, RefusedError (AUTHORIZATION_WRONG_TIMES, AUTHORIZATION_WRONG_SIGNATURE).
        """
        wanted = signature.lower()
        if _SIGNATURE.fullmatch(wanted) is None:
            raise InvalidInputError("a signature is 0x and pairs of hexadecimal digits, 2048 at most")
        with self._store.read() as unit:
            order = self._payable(unit, order_uuid)
            known = unit.orders.authorization(order.id)
        if known is not None and (known.signature, known.valid_before_s) == (wanted, valid_before_s):
            return known
        premium = self._premiums.prepare(order)
        if valid_before_s != premium.valid_before_s:
            raise RefusedError(
                f"validBefore must be {premium.valid_before_s}, the second after the quote's last, "
                f"it is {valid_before_s}",
                Reason.AUTHORIZATION_WRONG_TIMES,
            )
        if not self._signatures.authorized_by(order.buyer, premium.digest, wanted):
            raise RefusedError(
                f"this is not the signature of {order.buyer} under the premium of order {order.id}",
                Reason.AUTHORIZATION_WRONG_SIGNATURE,
            )
        now_ms = self._clock.now_ms()
        authorization = PaymentAuthorization(
            order.id, premium.valid_after_s, premium.valid_before_s, wanted, now_ms
        )
        act = Act(actor, "PAYMENT_AUTHORIZED", now_ms, {"validBefore": str(valid_before_s)})
        with self._store.write() as unit:
            order = self._payable(unit, order_uuid)
            raced = unit.orders.authorization(order.id)
            if raced is not None and raced.signature == wanted:
                return raced
            unit.orders.drop_expired_authorizations(now_ms // 1000)
            unit.orders.authorize(authorization)
            if order.state == PolicyState.BOUND:
                to = advance(PolicyState.BOUND, PolicyAction.AWAIT_PAYMENT)
                unit.orders.advance(order, to, act)
            else:
                unit.controls.note(f"order/{order.id}", act)
        return authorization

    def is_authorized(self, order_uuid: str) -> bool:
        """Whether the buyer's signature is kept and still holds: the premium is on its way."""
        now_s = self._clock.now_ms() // 1000
        with self._store.read() as unit:
            found = unit.orders.authorization(order_uuid)
        return found is not None and found.valid_before_s > now_s

    def pending(self) -> list[Relayable]:
        """Signed premiums that are unpaid and still hold, oldest first; none while selling is paused."""
        now_s = self._clock.now_ms() // 1000
        with self._store.read() as unit:
            if unit.controls.paused() is not None:
                return []
            found = unit.orders.authorized(states=PAYABLE, now_s=now_s)
        return [
            Relayable(
                order_id=order.id,
                order_hash=order.order_hash,
                amount=order.premium,
                quote_hash=order.quote_hash or "",
                payer=order.buyer,
                valid_after_s=authorization.valid_after_s,
                valid_before_s=authorization.valid_before_s,
                signature=authorization.signature,
            )
            for order, authorization in found
        ]

    def _payable(self, unit: UnitOfWork, order_uuid: str) -> Order:
        order = existing_order(unit, order_uuid)
        require_payable(order)
        require_open(unit)
        if (order.chain_id, order.checkout) != (self._site.chain_id, self._site.checkout):
            raise ConflictError(
                f"order {order.id} is for Checkout {order.checkout} on chain {order.chain_id}, "
                "this service is of another one",
                Reason.PAYMENT_WRONG_CONTRACT,
            )
        # At the quote's last second the next block is too late already.
        if self._clock.now_ms() // 1000 >= order.valid_until_s:
            raise RefusedError("the quote has expired: create a new order", Reason.QUOTE_EXPIRED)
        return order
