"""A chain in memory: blocks, premiums, a vault; and the addresses that the tests use."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.merkle import Payout
from liqpass.ports import (
    BatchOnChain,
    BlockRef,
    PayoutLog,
    PayoutTransaction,
    PremiumLog,
    TransactionSeen,
)
from liqpass.records import Order

CHAIN_ID = 31337
CHECKOUT = "0x" + "c0" * 20
VAULT = "0x" + "fa" * 20
USDC = "0x" + "0d" * 20
BUYER = "0x" + "b1" * 20
OTHER_BUYER = "0x" + "b2" * 20
STRANGER = "0x" + "5a" * 20
APPROVER = "0x" + "a9" * 20
GENESIS_S = 1_790_000_000 // 86_400 * 86_400  # midnight UTC: cut-off is two hours later
BLOCK_S = 2
PREMIUM = 1_000_000
PAYOUT = 50_000_000
HOUR_S = 3_600


def hash32(*parts: object) -> str:
    """A made-up 32-byte hash in hex with 0x."""
    return "0x" + hashlib.sha256(repr(parts).encode()).hexdigest()


class FakeChain:
    """Blocks, premiums and a vault. `depth`: a block so deep below the head is final."""

    def __init__(self, depth: int = 5) -> None:
        self.id = CHAIN_ID
        self.depth = depth
        self.fork = 0
        self.blocks = [BlockRef(0, hash32("block", 0, 0), GENESIS_S)]
        self.transactions: dict[str, TransactionSeen] = {}
        self.batches: dict[int, BatchOnChain] = {}
        self.paid_at: dict[int, int] = {}
        self.logs: list[PayoutLog] = []
        self.lagging = False
        self.balance = 550_000_000

    def mine(self, count: int = 1, *, seconds: int = BLOCK_S) -> BlockRef:
        for _ in range(count):
            number = len(self.blocks)
            time_s = self.blocks[-1].time_s + seconds
            self.blocks.append(BlockRef(number, hash32("block", number, self.fork), time_s))
        return self.blocks[-1]

    def pay(self, order: Order, **wrong: object) -> str:
        """A block with one PremiumPaid for `order`; `wrong` replaces fields of the log."""
        block = self.mine()
        tx_hash = hash32("tx", block.hash, order.id, len(self.transactions))
        log = PremiumLog(
            CHECKOUT, tx_hash, 0, block, order.order_hash, order.buyer, order.premium, order.quote_hash or ""
        )
        log = replace(log, **wrong)  # type: ignore[arg-type]
        self.transactions[tx_hash] = TransactionSeen(tx_hash, True, block, (log,))
        return tx_hash

    def revert(self) -> str:
        """A block with one failed transaction."""
        block = self.mine()
        tx_hash = hash32("reverted", block.hash)
        self.transactions[tx_hash] = TransactionSeen(tx_hash, False, block, ())
        return tx_hash

    def reorg(self, depth: int) -> None:
        """Replace the newest blocks; their transactions are gone."""
        self.fork += 1
        kept = len(self.blocks) - depth
        gone = {block.hash for block in self.blocks[kept:]}
        self.blocks = self.blocks[:kept]
        self.transactions = {
            tx_hash: seen for tx_hash, seen in self.transactions.items() if seen.block.hash not in gone
        }
        self.mine(depth)

    def approve(self, batch_id: int, root: str, total: int) -> None:
        now_s = self.mine().time_s
        self.batches[batch_id] = BatchOnChain(root, APPROVER, total, 0, now_s, now_s + 48 * HOUR_S, False)

    def revoke(self, batch_id: int) -> None:
        self.mine()
        self.batches[batch_id] = replace(self.batches[batch_id], revoked=True)

    def execute(self, payouts: Sequence[Payout], *, refused: Sequence[str] = ()) -> str:
        """A block with one transaction of the vault that pays all but the refused; its hash."""
        block = self.mine()
        tx_hash = hash32("execute", block.hash)
        for index, payout in enumerate(payouts):
            failed = payout.recipient in refused
            self.logs.append(
                PayoutLog(
                    failed,
                    tx_hash,
                    index,
                    block.number,
                    payout.batch_id,
                    payout.policy_no,
                    payout.recipient,
                    payout.amount,
                    format_bytes32(payout.evidence_hash),
                )
            )
            if not failed:
                self.paid_at[payout.policy_no] = block.number
        self.transactions[tx_hash] = TransactionSeen(tx_hash, True, block, ())
        return tx_hash

    def settle(self) -> None:
        """Blocks until everything so far is final."""
        self.mine(self.depth)

    def chain_id(self) -> int:
        return self.id

    def vault(self) -> str:
        return VAULT

    def usdc(self) -> str:
        return USDC

    def head(self) -> BlockRef:
        return self.blocks[-1]

    def final_block(self) -> BlockRef:
        return self.blocks[max(len(self.blocks) - 1 - self.depth, 0)]

    def block(self, number: int) -> BlockRef | None:
        return self.blocks[number] if number < len(self.blocks) else None

    def transaction(self, tx_hash: str) -> TransactionSeen | None:
        return self.transactions.get(tx_hash)

    def premium_logs(self, first: int, last: int) -> list[PremiumLog]:
        if self.lagging:  # a backend that is behind answers "no logs", not an error
            return []
        found = [
            log
            for seen in self.transactions.values()
            for log in seen.premiums
            if first <= log.block.number <= last and log.contract == CHECKOUT
        ]
        return sorted(found, key=lambda log: (log.block.number, log.log_index))

    def paid_policies(self, policy_nos: Sequence[int], at: BlockRef) -> frozenset[int]:
        return frozenset(no for no in policy_nos if self.paid_at.get(no, at.number + 1) <= at.number)

    def batch(self, batch_id: int, at: BlockRef) -> BatchOnChain | None:
        found = self.batches.get(batch_id)
        return found if found is not None and found.approved_at_s <= at.time_s else None

    def payout_logs(self, batch_id: int, last: int) -> list[PayoutLog]:
        return [log for log in self.logs if log.batch_id == batch_id and log.block_number <= last]

    def payout_transaction(self, tx_hash: str) -> PayoutTransaction | None:
        seen = self.transactions.get(tx_hash)
        if seen is None:
            return None
        logs = tuple(log for log in self.logs if log.tx_hash == tx_hash)
        return PayoutTransaction(tx_hash, seen.succeeded, seen.block, logs)

    def vault_balance(self) -> int:
        return self.balance
