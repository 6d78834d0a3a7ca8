"""The chain as the use cases read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from liqpass.domain.batch_file import BatchFile
from liqpass.domain.chain_facts import ChainFacts


@dataclass(frozen=True, slots=True)
class BlockRef:
    """One block of the chain; `time_s` is its timestamp in unix seconds."""

    number: int
    hash: str
    time_s: int


@dataclass(frozen=True, slots=True)
class PremiumLog:
    """A PremiumPaid log. `contract` emitted it; `amount` in base units; hashes are 0x and 64 hex digits."""

    contract: str
    tx_hash: str
    log_index: int
    block: BlockRef
    order_hash: str
    payer: str
    amount: int
    quote_hash: str


@dataclass(frozen=True, slots=True)
class TransactionSeen:
    """A mined transaction and every PremiumPaid log in it, whichever contract emitted it."""

    tx_hash: str
    succeeded: bool
    block: BlockRef
    premiums: tuple[PremiumLog, ...]


@dataclass(frozen=True, slots=True)
class BatchOnChain:
    """What the vault holds of a batch. `expires_at_s` is the end of its approval."""

    payout_root: str
    approver: str
    total: int
    paid: int
    approved_at_s: int
    expires_at_s: int
    revoked: bool


@dataclass(frozen=True, slots=True)
class PayoutLog:
    """A PayoutExecuted log (`failed` False) or PayoutFailed log (`failed` True) of the vault."""

    failed: bool
    tx_hash: str
    log_index: int
    block_number: int
    batch_id: int
    policy_no: int
    recipient: str
    amount: int
    evidence_hash: str


@dataclass(frozen=True, slots=True)
class PayoutTransaction:
    """A mined transaction and our vault's payout logs in it, possibly none."""

    tx_hash: str
    succeeded: bool
    block: BlockRef
    payouts: tuple[PayoutLog, ...]


class ChainError(Exception):
    """The chain could not be read, or answered what it cannot mean; nothing may be concluded from it."""


class ChainReader(Protocol):
    """The chain as the use cases read it. Every method may raise ChainError."""

    def chain_id(self) -> int:
        """The chain id that the node answers."""

    def vault(self) -> str:
        """The address of the vault that is read, lower case."""

    def usdc(self) -> str:
        """The token that the vault pays, lower case."""

    def head(self) -> BlockRef:
        """The newest block."""

    def final_block(self) -> BlockRef:
        """The newest block that is final (development chain: so many blocks deep)."""

    def block(self, number: int) -> BlockRef | None:
        """A block by number, None above the head."""

    def transaction(self, tx_hash: str) -> TransactionSeen | None:
        """A mined transaction, None where the chain has none of this hash."""

    def premium_logs(self, first: int, last: int) -> list[PremiumLog]:
        """Our Checkout's PremiumPaid logs in the blocks first..last, oldest first."""

    def paid_policies(self, policy_nos: Sequence[int], at: BlockRef) -> frozenset[int]:
        """Which of these policies the vault (or a predecessor) has paid, as of a block."""

    def batch(self, batch_id: int, at: BlockRef) -> BatchOnChain | None:
        """A batch as of a block, None where it was never approved."""

    def payout_logs(self, batch_id: int, last: int) -> list[PayoutLog]:
        """Our vault's payout logs of a batch up to a block, oldest first."""

    def payout_transaction(self, tx_hash: str) -> PayoutTransaction | None:
        """A mined transaction with our vault's payout logs, None where the chain has none of this hash."""

    def vault_balance(self) -> int:
        """USDC that the vault holds at the newest block, base units."""


class Signers(Protocol):
    """What approver and payer will read before they sign, so that the service can ask it first."""

    def facts(self, batch: BatchFile, *, liquidations_paid_before: frozenset[str]) -> ChainFacts:
        """The chain's word on a batch file; the set is the book's own memory. May raise ChainError."""
