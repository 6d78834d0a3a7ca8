"""Batches, their items and confirmed payouts in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, insert, select, update

from liqpass.adapters.database.audit_log import AuditRows
from liqpass.adapters.database.tables import batch_items, batches, payouts
from liqpass.records import Act, Batch, BatchItem, PaidOut, StaleStateError


class BatchRows:
    """Compare-and-set on batches and their items, each change of a batch with its audit entry."""

    def __init__(self, connection: Connection, audit: AuditRows) -> None:
        self._connection = connection
        self._audit = audit

    def add(self, batch: Batch, items: Sequence[BatchItem], act: Act) -> None:
        """Insert a frozen batch with its items."""
        self._connection.execute(insert(batches).values(**asdict(batch)))
        for item in items:
            self._connection.execute(insert(batch_items).values(**asdict(item)))
        self._audit.append(f"batch/{batch.id}", act)

    def get(self, batch_id: int) -> Batch | None:
        """The batch of this UTC date."""
        row = (
            self._connection.execute(select(batches).where(batches.c.id == batch_id)).mappings().one_or_none()
        )
        return None if row is None else Batch(**row)

    def listed(self, *, state: str | None = None) -> list[Batch]:
        """Newest first."""
        query = select(batches).order_by(batches.c.id.desc())
        if state is not None:
            query = query.where(batches.c.state == state)
        return [Batch(**row) for row in self._connection.execute(query).mappings()]

    def items(self, batch_id: int) -> list[BatchItem]:
        """A batch's payouts by policy number."""
        query = (
            select(batch_items).where(batch_items.c.batch_id == batch_id).order_by(batch_items.c.policy_no)
        )
        return [BatchItem(**row) for row in self._connection.execute(query).mappings()]

    def advance(self, batch: Batch, to: str, act: Act, **changes: Any) -> Batch:
        """Move from the state that `batch` shows; raises StaleStateError where another was faster."""
        result = self._connection.execute(
            update(batches)
            .where(batches.c.id == batch.id, batches.c.state == str(batch.state))
            .values(state=to, **changes)
        )
        if result.rowcount != 1:
            raise StaleStateError(f"batch {batch.id} is no longer {batch.state}")
        self._audit.append(f"batch/{batch.id}", act)
        moved = self.get(batch.id)
        if moved is None:
            raise StaleStateError(f"batch {batch.id} is gone")
        return moved

    def settle_item(self, item: BatchItem, outcome: str) -> None:
        """Give an open item its outcome; raises StaleStateError where it has one."""
        result = self._connection.execute(
            update(batch_items)
            .where(
                batch_items.c.batch_id == item.batch_id,
                batch_items.c.policy_no == item.policy_no,
                batch_items.c.outcome.is_(None),
            )
            .values(outcome=outcome)
        )
        if result.rowcount != 1:
            raise StaleStateError(f"payout {item.policy_no} of batch {item.batch_id} is settled already")

    def set_item_outcome(self, item: BatchItem, outcome: str) -> None:
        """Give an item its last word: also a held or returned payout may be paid after all."""
        self._connection.execute(
            update(batch_items)
            .where(batch_items.c.batch_id == item.batch_id, batch_items.c.policy_no == item.policy_no)
            .values(outcome=outcome)
        )

    def add_payout(self, payout: PaidOut) -> None:
        """Record a confirmed payout; the database refuses a second one for a policy."""
        self._connection.execute(insert(payouts).values(**asdict(payout)))

    def payout_of(self, policy_no: int) -> PaidOut | None:
        """The confirmed payout of a policy."""
        row = (
            self._connection.execute(select(payouts).where(payouts.c.policy_no == policy_no))
            .mappings()
            .one_or_none()
        )
        return None if row is None else PaidOut(**row)
