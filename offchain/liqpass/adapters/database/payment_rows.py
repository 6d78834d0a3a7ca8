"""Payments that cover no order, and how far the logs were read."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select, update

from liqpass.adapters.database.audit_log import AuditRows
from liqpass.adapters.database.tables import sync_blocks, unmatched_payments
from liqpass.records import Act, UnmatchedPayment


class PaymentRows:
    """Unmatched payments and the sync cursor with its block hashes."""

    def __init__(self, connection: Connection, audit: AuditRows) -> None:
        self._connection = connection
        self._audit = audit

    def note_unmatched(self, payment: UnmatchedPayment, act: Act) -> bool:
        """List a payment as unmatched; False where it is listed with this reason already, or was resolved."""
        known = self.unmatched_of(payment.tx_hash, payment.log_index)
        if known is not None and (known.reason == payment.reason or known.resolved_at_ms is not None):
            return False
        table = unmatched_payments
        self._connection.execute(
            delete(table).where(table.c.tx_hash == payment.tx_hash, table.c.log_index == payment.log_index)
        )
        self._connection.execute(insert(table).values(**asdict(payment)))
        self._audit.append(f"payment/{payment.tx_hash}/{payment.log_index}", act)
        return True

    def unmatched_of(self, tx_hash: str, log_index: int) -> UnmatchedPayment | None:
        """The listed payment with this key."""
        table = unmatched_payments
        row = (
            self._connection.execute(
                select(table).where(table.c.tx_hash == tx_hash, table.c.log_index == log_index)
            )
            .mappings()
            .one_or_none()
        )
        return None if row is None else UnmatchedPayment(**row)

    def unmatched(self, *, open_only: bool = False) -> list[UnmatchedPayment]:
        """Oldest first."""
        table = unmatched_payments
        query = select(table).order_by(table.c.found_at_ms, table.c.tx_hash, table.c.log_index)
        if open_only:
            query = query.where(table.c.resolved_at_ms.is_(None))
        return [UnmatchedPayment(**row) for row in self._connection.execute(query).mappings()]

    def resolve_unmatched(self, payment: UnmatchedPayment, resolution: str, act: Act) -> None:
        """Close a listed payment with what was done about it (for example the refund's transaction)."""
        table = unmatched_payments
        self._connection.execute(
            update(table)
            .where(table.c.tx_hash == payment.tx_hash, table.c.log_index == payment.log_index)
            .values(resolution=resolution, resolved_at_ms=act.at_ms)
        )
        self._audit.append(f"payment/{payment.tx_hash}/{payment.log_index}", act)

    def cursor(self, chain_id: int, contract: str) -> list[tuple[int, str]]:
        """Blocks read so far that are remembered, newest first: number and hash."""
        query = (
            select(sync_blocks.c.number, sync_blocks.c.block_hash)
            .where(sync_blocks.c.chain_id == chain_id, sync_blocks.c.contract == contract)
            .order_by(sync_blocks.c.number.desc())
        )
        return [(int(row.number), str(row.block_hash)) for row in self._connection.execute(query)]

    def read_until_s(self, chain_id: int, contract: str) -> int | None:
        """Time of the newest block read, unix seconds; None where nothing was read or its time is unknown."""
        query = (
            select(sync_blocks.c.time_s)
            .where(sync_blocks.c.chain_id == chain_id, sync_blocks.c.contract == contract)
            .order_by(sync_blocks.c.number.desc())
            .limit(1)
        )
        time_s = self._connection.execute(query).scalar()
        return None if time_s is None else int(time_s)

    def remember_block(
        self, chain_id: int, contract: str, number: int, block_hash: str, time_s: int, *, keep: int
    ) -> None:
        """Move the cursor to a block, keeping the newest `keep` of them."""
        self._connection.execute(
            insert(sync_blocks).values(
                chain_id=chain_id, contract=contract, number=number, block_hash=block_hash, time_s=time_s
            )
        )
        for old, _ in self.cursor(chain_id, contract)[keep:]:
            self._drop(chain_id, contract, old)

    def forget_blocks(self, chain_id: int, contract: str, *, above: int) -> None:
        """Take the cursor back: blocks above `above` are no longer part of the chain."""
        for number, _ in self.cursor(chain_id, contract):
            if number > above:
                self._drop(chain_id, contract, number)

    def _drop(self, chain_id: int, contract: str, number: int) -> None:
        table = sync_blocks
        self._connection.execute(
            delete(table).where(
                table.c.chain_id == chain_id, table.c.contract == contract, table.c.number == number
            )
        )
