"""What the book knows of a person and a position: the figures that underwriting limits are about."""

from __future__ import annotations

from liqpass.domain import policy_state
from liqpass.domain.parameters import Parameters
from liqpass.domain.policy_state import PolicyAction, PolicyState
from liqpass.domain.position import PositionKey
from liqpass.domain.reasons import Reason
from liqpass.domain.underwriting import Book, PersonHistory
from liqpass.policies.selling import UNPAID, open_exposure, unpaid_for_good
from liqpass.ports import UnitOfWork
from liqpass.records import Act, Order

# Longer than a payment in time needs to be found: an unpaid order then stops occupying its position.
UNPAID_AFTER_S = 1_800
SOLD = (
    PolicyState.COVERED,
    PolicyState.CLAIM_REQUESTED,
    PolicyState.APPROVED,
    PolicyState.PAID,
    PolicyState.REJECTED,
)


def person_history(
    unit: UnitOfWork, *, buyer: str, main_uid_hmac: str, parameters: Parameters, now_ms: int
) -> PersonHistory:
    """Policies of a wallet and an OKX person; orders that nobody can pay any more do not count."""
    theirs = unit.orders.of_person(buyer=buyer, main_uid_hmac=main_uid_hmac)
    active = [each for each in theirs if _is_active(each, now_ms) and not _is_abandoned(unit, each, now_ms)]
    since_ms = now_ms - parameters.recent_s * 1000
    recent = [
        each
        for each in theirs
        if each in active or (each.state in SOLD and (each.paid_at_ms or 0) >= since_ms)
    ]
    blocked = unit.controls.is_blocked("wallet", buyer) or unit.controls.is_blocked(
        "main_uid_hmac", main_uid_hmac
    )
    return PersonHistory(len(active), len(recent), blocked)


def position_book(
    unit: UnitOfWork, *, uid_hmac: str, key: PositionKey, parameters: Parameters, now_ms: int
) -> Book:
    """How much is insured, and whether this position is."""
    same = unit.orders.of_position(uid_hmac=uid_hmac, pos_id=key.pos_id, c_time_ms=key.c_time_ms)
    insured = any(
        each.state in policy_state.OPEN_STATES
        and (each.end_ms is None or each.end_ms > now_ms)
        and not _is_abandoned(unit, each, now_ms)
        for each in same
    )
    return Book(open_exposure(unit, parameters, now_ms), insured)


def cancel_abandoned(unit: UnitOfWork, *, buyer: str, main_uid_hmac: str, now_ms: int) -> None:
    """Cancel a person's orders that nobody can pay any more."""
    for each in unit.orders.of_person(buyer=buyer, main_uid_hmac=main_uid_hmac):
        if _is_abandoned(unit, each, now_ms):
            to = policy_state.advance(PolicyState(each.state), PolicyAction.CANCEL)
            act = Act("service", "ORDER_CANCELLED", now_ms, {"reason": str(Reason.QUOTE_EXPIRED)})
            unit.orders.advance(each, to, act)
            unit.controls.drop_credential(each.id)


def _is_abandoned(unit: UnitOfWork, order: Order, now_ms: int) -> bool:
    expired = now_ms // 1000 > order.valid_until_s + UNPAID_AFTER_S
    return order.state in UNPAID and expired and unpaid_for_good(unit, order)


def _is_active(order: Order, now_ms: int) -> bool:
    """Paid for or awaiting payment, and not over."""
    if order.state not in policy_state.OPEN_STATES:
        return False
    return order.state != PolicyState.COVERED or order.end_ms is None or order.end_ms > now_ms
