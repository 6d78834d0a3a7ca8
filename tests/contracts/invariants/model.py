"""What Checkout and PayoutVault should be, in Python: balances, batches, caps, pauses and the clock.

The machine applies each action to the contracts and to this model, then compares. The model decides which
actions are possible; it never asks the contracts.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from batches import Batch
from clock import DAY_S, utc_date

VALIDITY_S = 48 * 3600


@dataclass
class BatchState:
    """One batch id's newest approval."""

    batch: Batch
    total: int
    approved_at: int
    paid: int = 0
    revoked: bool = False

    def expired(self, now: int) -> bool:
        return now >= self.approved_at + VALIDITY_S


@dataclass
class Model:
    """Amounts in USDC base units, times in unix seconds."""

    cap: int
    hot_wallet_max: int
    now: int
    vault: int = 0
    treasury: int = 0
    premiums: int = 0
    funded: int = 0
    swept: int = 0
    received: Counter[str] = field(default_factory=Counter)
    paid_on: Counter[int] = field(default_factory=Counter)
    paid_policies: set[int] = field(default_factory=set)
    batches: dict[int, BatchState] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    checkout_paused: bool = False
    vault_paused: bool = False
    usdc_paused: bool = False
    approver_in_office: bool = True

    @property
    def today(self) -> int:
        return utc_date(self.now)

    @property
    def remaining_today(self) -> int:
        return max(0, self.cap - self.paid_on[self.now // DAY_S])

    def approvable(self) -> bool:
        """Another batch may be approved today: none yet, or nothing under it paid."""
        state = self.batches.get(self.today)
        return not self.vault_paused and self.approver_in_office and (state is None or state.paid == 0)

    def renewable(self) -> list[int]:
        """Ids of expired approvals that may be given again."""
        if self.vault_paused or not self.approver_in_office:
            return []
        return [key for key, state in self.batches.items() if state.expired(self.now) and not state.revoked]

    def revocable(self) -> list[int]:
        return [key for key, state in self.batches.items() if not state.revoked]

    def payable(self, batch_id: int) -> list[int]:
        """Indices of a batch's payouts that alone could be paid now."""
        state = self.batches[batch_id]
        if (
            self.vault_paused
            or self.usdc_paused
            or not self.approver_in_office
            or state.revoked
            or state.expired(self.now)
        ):
            return []
        return [
            index
            for index, item in enumerate(state.batch.tree.payouts)
            if item.policy_no not in self.paid_policies and item.amount <= self.room(batch_id)
        ]

    def room(self, batch_id: int) -> int:
        """What one `executeBatch` of this batch may come to now."""
        state = self.batches[batch_id]
        return min(state.total - state.paid, self.remaining_today, self.vault)

    def fitting(self, batch_id: int, wanted: Iterable[int]) -> list[int]:
        """The first of the wanted indices that go into one `executeBatch` together."""
        room = self.room(batch_id)
        payouts = self.batches[batch_id].batch.tree.payouts
        chosen: list[int] = []
        for index in wanted:
            if payouts[index].amount <= room:
                room -= payouts[index].amount
                chosen.append(index)
        return chosen

    def execute(self, batch_id: int, indices: Iterable[int]) -> None:
        """Pays all but denied recipients, who take nothing from cap, total or balance."""
        state = self.batches[batch_id]
        for index in indices:
            item = state.batch.tree.payouts[index]
            if item.recipient in self.denied:
                continue
            assert item.policy_no not in self.paid_policies
            self.paid_policies.add(item.policy_no)
            self.vault -= item.amount
            self.received[item.recipient] += item.amount
            self.paid_on[self.now // DAY_S] += item.amount
            state.paid += item.amount
