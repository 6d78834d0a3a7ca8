"""Orders and policies in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from liqpass.adapters.database.audit_log import AuditRows
from liqpass.adapters.database.tables import counters, orders, payment_authorizations
from liqpass.domain.policy_state import PolicyState
from liqpass.records import Act, Order, PaymentAuthorization, StaleStateError


class OrderRows:
    """Compare-and-set on orders, each change with its audit entry."""

    def __init__(self, connection: Connection, audit: AuditRows) -> None:
        self._connection = connection
        self._audit = audit

    def add(self, order: Order, act: Act) -> None:
        """Insert a new order."""
        self._connection.execute(insert(orders).values(**asdict(order)))
        self._audit.append(f"order/{order.id}", act)

    def get(self, order_id: str) -> Order | None:
        """The order of this id."""
        return self._one(orders.c.id == order_id)

    def by_hash(self, order_hash: str) -> Order | None:
        """The order whose on-chain id this is (0x and 64 hex digits)."""
        return self._one(orders.c.order_hash == order_hash)

    def by_policy_no(self, policy_no: int) -> Order | None:
        """The order that became this policy."""
        return self._one(orders.c.policy_no == policy_no)

    def by_quote_hash(self, quote_hash: str) -> Order | None:
        """The order that this quote hash was frozen for."""
        return self._one(orders.c.quote_hash == quote_hash)

    def listed(self, *, state: str | None = None, buyer: str | None = None, limit: int = 500) -> list[Order]:
        """Newest first."""
        query = select(orders).order_by(orders.c.created_at_ms.desc(), orders.c.id).limit(limit)
        if state is not None:
            query = query.where(orders.c.state == state)
        if buyer is not None:
            query = query.where(orders.c.buyer == buyer)
        return [Order(**row) for row in self._connection.execute(query).mappings()]

    def advance(self, order: Order, to: str, act: Act, **changes: Any) -> Order:
        """Move from the state that `order` shows to `to`; raises StaleStateError where another was faster."""
        result = self._connection.execute(
            update(orders)
            .where(orders.c.id == order.id, orders.c.state == str(order.state))
            .values(state=to, **changes)
        )
        if result.rowcount != 1:
            raise StaleStateError(f"order {order.id} is no longer {order.state}")
        if to not in (PolicyState.BOUND, PolicyState.AWAITING_PAYMENT):
            # Covered, cancelled or over: nobody may still be handed the buyer's signature.
            table = payment_authorizations
            self._connection.execute(delete(table).where(table.c.order_id == order.id))
        self._audit.append(f"order/{order.id}", act)
        moved = self.get(order.id)
        if moved is None:
            raise StaleStateError(f"order {order.id} is gone")
        return moved

    def freeze_quote(self, order: Order, quote_hash: str, act: Act) -> None:
        """Write the quote hash, once; raises StaleStateError where there is one."""
        result = self._connection.execute(
            update(orders)
            .where(orders.c.id == order.id, orders.c.quote_hash.is_(None))
            .values(quote_hash=quote_hash)
        )
        if result.rowcount != 1:
            raise StaleStateError(f"the quote of order {order.id} is frozen already")
        self._audit.append(f"order/{order.id}", act)

    def next_policy_no(self) -> int:
        """The next policy number: 1, 2, 3…; a number once taken never comes back, whatever becomes of it."""
        self._connection.execute(
            update(counters).where(counters.c.name == "policy_no").values(value=counters.c.value + 1)
        )
        return int(
            self._connection.execute(
                select(counters.c.value).where(counters.c.name == "policy_no")
            ).scalar_one()
        )

    def of_buyer(self, buyer: str, *, states: Collection[str]) -> list[Order]:
        """Every order of this wallet in one of these states, oldest first."""
        query = (
            select(orders)
            .where(orders.c.buyer == buyer, orders.c.state.in_([str(state) for state in states]))
            .order_by(orders.c.created_at_ms, orders.c.id)
        )
        return [Order(**row) for row in self._connection.execute(query).mappings()]

    def authorize(self, authorization: PaymentAuthorization) -> None:
        """Keep the buyer's signature under an order's premium, replacing an earlier one."""
        table = payment_authorizations
        self._connection.execute(delete(table).where(table.c.order_id == authorization.order_id))
        self._connection.execute(insert(table).values(**asdict(authorization)))

    def authorization(self, order_id: str) -> PaymentAuthorization | None:
        """The signature under an order's premium."""
        table = payment_authorizations
        row = self._connection.execute(select(table).where(table.c.order_id == order_id)).mappings()
        found = row.one_or_none()
        return None if found is None else PaymentAuthorization(**found)

    def authorized(self, *, states: Collection[str], now_s: int) -> list[tuple[Order, PaymentAuthorization]]:
        """Orders in one of these states with a signature that still holds, the oldest signature first."""
        table = payment_authorizations
        query = (
            select(table)
            .join(orders, orders.c.id == table.c.order_id)
            .where(table.c.valid_before_s > now_s, orders.c.state.in_([str(state) for state in states]))
            .order_by(table.c.stored_at_ms, table.c.order_id)
        )
        found = [PaymentAuthorization(**row) for row in self._connection.execute(query).mappings()]
        pairs = [(self.get(each.order_id), each) for each in found]
        return [(order, each) for order, each in pairs if order is not None]

    def drop_expired_authorizations(self, now_s: int) -> None:
        """Erase signatures that no block can carry any more."""
        table = payment_authorizations
        self._connection.execute(delete(table).where(table.c.valid_before_s <= now_s))

    def of_person(self, *, buyer: str, main_uid_hmac: str) -> list[Order]:
        """Every order of this wallet or this OKX person, drafts left out."""
        query = select(orders).where(
            or_(orders.c.buyer == buyer, orders.c.main_uid_hmac == main_uid_hmac),
            orders.c.bound_at_ms.is_not(None),
        )
        return [Order(**row) for row in self._connection.execute(query).mappings()]

    def of_position(self, *, uid_hmac: str, pos_id: str, c_time_ms: int) -> list[Order]:
        """Every order bound to this position."""
        query = select(orders).where(
            orders.c.uid_hmac == uid_hmac, orders.c.pos_id == pos_id, orders.c.c_time_ms == c_time_ms
        )
        return [Order(**row) for row in self._connection.execute(query).mappings()]

    def of_okx_position(self, *, inst_id: str, pos_id: str, c_time_ms: int) -> list[Order]:
        """Every order bound to the position of these OKX words, whatever account it was said to be of."""
        query = select(orders).where(
            orders.c.inst_id == inst_id, orders.c.pos_id == pos_id, orders.c.c_time_ms == c_time_ms
        )
        return [Order(**row) for row in self._connection.execute(query).mappings()]

    def paid_above(self, block: int) -> list[Order]:
        """Every order whose premium was found in a block above this one."""
        query = select(orders).where(orders.c.payment_block > block).order_by(orders.c.policy_no)
        return [Order(**row) for row in self._connection.execute(query).mappings()]

    def exposure(
        self,
        *,
        owed: Sequence[str],
        covered: str,
        unpaid: Sequence[str],
        cover_ends_after_ms: int,
        quote_valid_after_s: int,
    ) -> int:
        """Sum of payouts that may still fall due, base units.

        Orders in an `owed` state always, in `covered` while the cover may be claimed, in an `unpaid` one
        while the quote can be paid.
        """
        query = select(func.coalesce(func.sum(orders.c.payout), 0)).where(
            or_(
                orders.c.state.in_([str(state) for state in owed]),
                (orders.c.state == str(covered)) & (orders.c.end_ms > cover_ends_after_ms),
                orders.c.state.in_([str(state) for state in unpaid])
                & (orders.c.valid_until_s >= quote_valid_after_s),
            ),
        )
        return int(self._connection.execute(query).scalar_one())

    def _one(self, condition: Any) -> Order | None:
        row = self._connection.execute(select(orders).where(condition)).mappings().one_or_none()
        return None if row is None else Order(**row)
