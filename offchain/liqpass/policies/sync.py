"""Reading PremiumPaid logs from where the last run stopped, safely across reorganisations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from liqpass.domain.reasons import Reason
from liqpass.policies.payments import NO_LOG, PAYABLE, judge, list_unmatched, resolve_listed, settle
from liqpass.ports import BlockRef, ChainError, ChainReader, Clock, PremiumLog, Store, UnitOfWork
from liqpass.records import Act, Site, UnmatchedPayment
from liqpass.refusals import ConflictError

CHUNK = 2_000  # blocks read and committed at a time
OVERLAP_BLOCKS = 64  # read again by each run: a node that lags answers "no logs" for blocks it lacks
KEEP_BLOCKS = 64  # cursor blocks remembered, to find the fork after a reorganisation
ACTOR = "sync"


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What one run did. `vanished`: orders covered by a payment that the chain has no longer."""

    first: int
    last: int
    head: int
    covered: tuple[str, ...]
    unmatched: int
    vanished: tuple[str, ...]


class Syncing:
    """Only blocks `confirmations` below the head are read, so an ordinary reorganisation is never seen here.

    A deeper one shows as a cursor block whose hash changed: the cursor goes back to the newest block that is
    still there, the orders paid above it are looked up again, and those whose payment is gone are listed.
    Each run starts some blocks before the cursor; what an earlier run matched there it only finds again.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chain: ChainReader,
        site: Site,
        *,
        first_block: int,
        confirmations: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chain = chain
        self._site = site
        self._first_block = first_block
        self._confirmations = confirmations

    def sync(self, progress: Callable[[int, int], None] | None = None) -> SyncResult:
        """Read every new block that is deep enough. `progress(block, last)` after each chunk.

        Raises ConflictError for another chain, ChainError when the chain cannot be read: what was read until
        then is kept, and the next run goes on from there.
        """
        chain_id = self._chain.chain_id()
        if chain_id != self._site.chain_id:
            raise ConflictError(f"the node is of chain {chain_id}, not {self._site.chain_id}")
        vanished = self._unwind()
        head = self._chain.head()
        last = head.number - self._confirmations
        with self._store.read() as unit:
            cursor = unit.payments.cursor(self._site.chain_id, self._site.checkout)
        read_up_to = cursor[0][0] if cursor else None
        first = self._first_block
        if read_up_to is not None:
            first = max(read_up_to + 1 - OVERLAP_BLOCKS, self._first_block)
        covered: list[str] = []
        unmatched = 0
        start = first
        while start <= last:
            end = min(start + CHUNK - 1, last)
            newly, listed = self._read(start, end, head, read_up_to)
            read_up_to = end if read_up_to is None else max(end, read_up_to)
            covered += newly
            unmatched += listed
            if progress is not None:
                progress(end, last)
            start = end + 1
        return SyncResult(first, max(last, first - 1), head.number, tuple(covered), unmatched, vanished)

    def _read(self, start: int, end: int, head: BlockRef, read_up_to: int | None) -> tuple[list[str], int]:
        logs = self._chain.premium_logs(start, end)
        tip = self._chain.block(end)
        if tip is None:
            raise ChainError(f"block {end} vanished while it was read: run again")
        now_ms = self._clock.now_ms()
        covered: list[str] = []
        unmatched = 0
        with self._store.write() as unit:
            cursor = unit.payments.cursor(self._site.chain_id, self._site.checkout)
            if (cursor[0][0] if cursor else None) != read_up_to:
                raise ConflictError("another sync is running: it has read these blocks")
            for log in logs:
                order_uuid = self._match(unit, log, head, now_ms)
                if order_uuid is None:
                    unmatched += 1
                elif order_uuid:
                    covered.append(order_uuid)
            if read_up_to is None or tip.number > read_up_to:
                unit.payments.remember_block(
                    self._site.chain_id,
                    self._site.checkout,
                    tip.number,
                    tip.hash,
                    tip.time_s,
                    keep=KEEP_BLOCKS,
                )
        return covered, unmatched

    def _match(self, unit: UnitOfWork, log: PremiumLog, head: BlockRef, now_ms: int) -> str | None:
        """The id of the order that the log covers now, "" for one that is known, None: newly unmatched."""
        order = unit.orders.by_hash(log.order_hash)
        if order is None:
            return self._list(unit, log, Reason.PAYMENT_WRONG_ORDER, "no such order", now_ms)
        if order.payment_tx == log.tx_hash and order.payment_log_index == log.log_index:
            resolve_listed(unit, order, log, actor=ACTOR, now_ms=now_ms)  # it had vanished and is back
            return ""
        reason = judge(order, log, head, self._confirmations, self._site)
        if reason is None:
            settle(unit, order, log, actor=ACTOR, now_ms=now_ms)
            return order.id
        return self._list(unit, log, reason, f"names order {order.id}", now_ms)

    @staticmethod
    def _list(unit: UnitOfWork, log: PremiumLog, reason: Reason, detail: str, now_ms: int) -> str | None:
        is_new = list_unmatched(unit, log, reason, detail, actor=ACTOR, now_ms=now_ms)
        return None if is_new else ""

    def _unwind(self) -> tuple[str, ...]:
        site = self._site
        with self._store.read() as unit:
            cursor = unit.payments.cursor(site.chain_id, site.checkout)
        fork = None
        for number, block_hash in cursor:
            block = self._chain.block(number)
            if block is not None and block.hash == block_hash:
                fork = number
                break
        if not cursor or fork == cursor[0][0]:
            return ()
        above = self._first_block - 1 if fork is None else fork
        with self._store.read() as unit:
            suspects = [order for order in unit.orders.paid_above(above) if order.payment_tx is not None]
        moved = {order.id: self._chain.transaction(order.payment_tx or "") for order in suspects}
        now_ms = self._clock.now_ms()
        vanished: list[str] = []
        with self._store.write() as unit:
            unit.payments.forget_blocks(site.chain_id, site.checkout, above=above)
            unit.controls.note(
                f"sync/{site.checkout}", Act(ACTOR, "REORGANISED", now_ms, {"forkedAbove": str(above)})
            )
            for order in suspects:
                seen = moved[order.id]
                if seen is not None and seen.succeeded and order.state not in PAYABLE:
                    continue
                vanished.append(order.id)
                gone = UnmatchedPayment(
                    order.payment_tx or "",
                    NO_LOG,
                    Reason.PAYMENT_NOT_FOUND,
                    f"order {order.id} was covered by it; the chain has it no longer",
                    now_ms,
                    order_hash=order.order_hash,
                )
                unit.payments.note_unmatched(
                    gone, Act(ACTOR, "PAYMENT_VANISHED", now_ms, {"order": order.id})
                )
        return tuple(vanished)
