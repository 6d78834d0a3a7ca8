"""One batch with everything that its page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from liqpass.lookups import existing_batch, existing_claim, existing_order
from liqpass.ports import Store
from liqpass.records import Batch, BatchItem, PaidOut


@dataclass(frozen=True, slots=True)
class BatchView:
    """`paid`: confirmed payouts of this batch by policy number; `manual`: policies marked paid by hand."""

    batch: Batch
    items: tuple[BatchItem, ...]
    paid: Mapping[int, PaidOut]
    manual: tuple[int, ...]

    @property
    def transactions(self) -> list[str]:
        """The transactions that paid, each once, in order of their blocks."""
        payouts = sorted(self.paid.values(), key=lambda payout: payout.block)
        return list(dict.fromkeys(payout.tx_hash for payout in payouts if payout.tx_hash is not None))


class Viewing:
    """Reads; changes nothing, and leaves no audit entry, unlike a report."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def batch(self, batch_id: int) -> BatchView:
        """A batch. Raises NotFoundError."""
        with self._store.read() as unit:
            batch = existing_batch(unit, batch_id)
            items = unit.batches.items(batch.id)
            payouts = (unit.batches.payout_of(item.policy_no) for item in items)
            paid = {payout.policy_no: payout for payout in payouts if payout is not None}
            orders = {item.policy_no: existing_claim(unit, item.claim_id).order_id for item in items}
            manual = tuple(
                policy_no
                for policy_no, order_id in orders.items()
                if existing_order(unit, order_id).payment_kind == "manual"
            )
        ours = {policy_no: payout for policy_no, payout in paid.items() if payout.batch_id == batch.id}
        return BatchView(batch, tuple(items), ours, manual)
