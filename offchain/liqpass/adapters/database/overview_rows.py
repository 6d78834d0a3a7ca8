"""What operators look at. Each query goes along an index and stops early: its cost is not that of history.

A bundle is up to megabytes: no query here reads one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_

from liqpass.adapters.database.tables import (
    batch_items,
    batches,
    claims,
    orders,
    payouts,
    reviews,
    unmatched_payments,
)
from liqpass.records import Claim, Order, Review

DAY_MS = 86_400_000
_LISTED = [column for column in claims.c if column.name != "bundle"]


class OverviewRows:
    """Reads whose cost does not grow with history. Claims come without their bundles."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claims_page(
        self,
        *,
        state: str | None,
        verdict: str | None,
        after: tuple[int, str] | None,
        newest_first: bool,
        limit: int,
    ) -> list[Claim]:
        """So many claims by request time and id, beyond the key `after`."""
        key = tuple_(claims.c.requested_at_ms, claims.c.id)
        query = select(*_LISTED).limit(limit)
        if newest_first:
            query = query.order_by(claims.c.requested_at_ms.desc(), claims.c.id.desc())
        else:
            query = query.order_by(claims.c.requested_at_ms, claims.c.id)
        if after is not None:
            query = query.where(key < after if newest_first else key > after)
        if state is not None:
            query = query.where(claims.c.state == state)
        if verdict is not None:
            query = query.where(claims.c.verdict == verdict)
        return self._claims(query)

    def claims_found(
        self,
        *,
        claim_id: str | None = None,
        policy_no: int | None = None,
        order_ids: Sequence[str] | None = None,
    ) -> list[Claim]:
        """The claims of one id, of one policy number, or of some orders."""
        query = select(*_LISTED).order_by(claims.c.requested_at_ms, claims.c.id)
        if claim_id is not None:
            query = query.where(claims.c.id == claim_id)
        if policy_no is not None:
            query = query.where(claims.c.policy_no == policy_no)
        if order_ids is not None:
            query = query.where(claims.c.order_id.in_(order_ids))
        return self._claims(query)

    def orders_by_id(self, order_ids: Sequence[str]) -> Mapping[str, Order]:
        """Orders by their ids."""
        rows = self._connection.execute(select(orders).where(orders.c.id.in_(order_ids))).mappings()
        return {row["id"]: Order(**row) for row in rows}

    def words_on(self, claim_ids: Sequence[str]) -> list[Review]:
        """Every word on some claims, each claim's in the order in which they were said."""
        columns = [column for column in reviews.c if column.name != "seq"]
        query = (
            select(*columns)
            .where(reviews.c.claim_id.in_(claim_ids))
            .order_by(reviews.c.claim_id, reviews.c.seq)
        )
        return [Review(**row) for row in self._connection.execute(query).mappings()]

    def count_claims(self, state: str, *, up_to: int) -> int:
        """How many claims are in a state; `up_to` where there are more."""
        some = select(claims.c.id).where(claims.c.state == state).limit(up_to).subquery()
        return self._number(select(func.count()).select_from(some))

    def first_reasons(self, states: Sequence[str], *, limit: int) -> list[str]:
        """Of so many claims in some states: why the last fetch failed, or the verdict's first reason."""
        query = (
            select(claims.c.failure_code, claims.c.reasons)
            .where(claims.c.state.in_([str(state) for state in states]))
            .limit(limit)
        )
        found = []
        for code, reasons in self._connection.execute(query):
            first = code or next(iter(json.loads(reasons or "[]")), None)
            if first is not None:
                found.append(str(first))
        return found

    def oldest_request_ms(self, state: str) -> int | None:
        """When the oldest claim in a state was requested."""
        query = (
            select(claims.c.requested_at_ms)
            .where(claims.c.state == state)
            .order_by(claims.c.requested_at_ms)
            .limit(1)
        )
        found = self._connection.execute(query).scalar()
        return None if found is None else int(found)

    def count_fetching_since(self, at_ms: int) -> int:
        """How many VERIFYING claims began their fetch at or before `at_ms`."""
        return self._number(
            select(func.count())
            .select_from(claims)
            .where(claims.c.state == "VERIFYING", claims.c.attempted_at_ms <= at_ms)
        )

    def paid_since(self, at_ms: int) -> int:
        """Sum of the payouts confirmed from then on, base units."""
        return self._number(
            select(func.coalesce(func.sum(payouts.c.amount), 0)).where(payouts.c.confirmed_at_ms >= at_ms)
        )

    def open_items_total(self, batch_states: Sequence[str]) -> int:
        """Sum of what the batches in these states may still pay, base units."""
        return self._number(
            select(func.coalesce(func.sum(batch_items.c.amount), 0))
            .select_from(batch_items.join(batches))
            .where(
                batches.c.state.in_([str(state) for state in batch_states]), batch_items.c.outcome.is_(None)
            )
        )

    def count_unmatched(self) -> int:
        """How many payments that cover nothing are not resolved."""
        return self._number(
            select(func.count())
            .select_from(unmatched_payments)
            .where(unmatched_payments.c.resolved_at_ms.is_(None))
        )

    def claims_per_day(self, since_ms: int) -> Mapping[int, int]:
        """Claims requested from then on, by UTC day (days since 1970)."""
        day = claims.c.requested_at_ms // DAY_MS
        query = select(day, func.count()).where(claims.c.requested_at_ms >= since_ms).group_by(day)
        return {int(number): int(count) for number, count in self._connection.execute(query)}

    def payouts_per_day(self, since_ms: int) -> Mapping[int, tuple[int, int]]:
        """Payouts confirmed from then on, by UTC day (days since 1970): how many, and base units in all."""
        day = payouts.c.confirmed_at_ms // DAY_MS
        query = (
            select(day, func.count(), func.sum(payouts.c.amount))
            .where(payouts.c.confirmed_at_ms >= since_ms)
            .group_by(day)
        )
        return {int(number): (int(count), int(total)) for number, count, total in self._rows(query)}

    def _rows(self, query: Select[Any]) -> list[Any]:
        return list(self._connection.execute(query))

    def _number(self, query: Select[Any]) -> int:
        return int(self._connection.execute(query).scalar_one())

    def _claims(self, query: Select[Any]) -> list[Claim]:
        return [Claim(**row) for row in self._connection.execute(query).mappings()]
