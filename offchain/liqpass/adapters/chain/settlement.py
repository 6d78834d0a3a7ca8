"""Waiting for the end of signed bytes: confirmed, lost to another transaction, or done by somebody else.

The chain decides, never the wording of a node. A receipt counts when its block is canonical and deep enough;
a preconfirmation's is neither. A nonce counts as lost when the settled block shows it used while, in several
polls in a row, no attempt of ours has a receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rlp import encode as rlp_encode  # type: ignore[import-untyped]
from web3.exceptions import Web3Exception

from liqpass.adapters.chain.answers import Answer
from liqpass.adapters.chain.errors import (
    BroadcastRejectedError,
    InsufficientFundsError,
    NonceLostError,
    RpcAnswerError,
    RpcError,
    StillPendingError,
)
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.outbox import Outbox
from liqpass.adapters.chain.records import Attempt, Intent
from liqpass.adapters.chain.rpc import Block, BlockId, Receipt

# Has the intent's effect happened, as that block shows it? Must read the chain; may raise RpcError.
AlreadyDone = Callable[[BlockId], bool]

_REFUSALS_IN_A_ROW = 3


class End(Enum):
    """How signed bytes ended without a receipt."""

    LOST = "the nonce was used by another transaction and the effect has not happened"
    DONE = "the effect has happened without a receipt of ours"


def contract_address(creator: str, nonce: int) -> str:
    """Where a creation by that account with that nonce puts its contract."""
    return to_checksum_address(keccak(rlp_encode([bytes.fromhex(creator[2:]), nonce]))[12:])


def ask_done(done: AlreadyDone, block: BlockId) -> bool:
    """`done` at that block. Raises RpcError for what web3.py makes of an unusable answer, such as `0x`."""
    try:
        return done(block)
    except Web3Exception as error:
        raise RpcAnswerError("already_done", 0, str(error)) from error


class Predecessors:
    """What a reorganisation took off the chain, and whose nonce comes first: for a higher fee when stuck."""

    def __init__(self, outbox: Outbox, clock: Callable[[], float]) -> None:
        self._outbox, self._clock = outbox, clock
        self._since_s: dict[int, float] = {}

    def bring_back(self, key: str, nonce: int) -> None:
        """Before the transaction of `key`. Raises RpcUnavailableError, JournalError."""
        now = self._clock()
        if now - self._since_s.setdefault(nonce, now) >= self._outbox.policy.bump_after_s:
            self._since_s[nonce] = now
            if (stuck := self._outbox.journal.reorganised(nonce)) is not None:
                self._outbox.bump(*stuck)
        self._outbox.resend(key, nonce)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the chain has made of signed bytes. `clock` and `sleep` in seconds."""

    outbox: Outbox
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def canonical_receipt(self, attempts: list[Attempt]) -> Receipt | None:
        """The receipt of whichever attempt the canonical chain holds."""
        rpc = self.outbox.rpc
        for attempt in reversed(attempts):
            assert attempt.tx_hash is not None  # noqa: S101 - callers pass signed attempts only
            receipt = rpc.receipt(attempt.tx_hash)
            if receipt is not None:
                block = rpc.block(receipt.block_number)
                if block is not None and block.hash == receipt.block_hash:
                    return receipt
        return None

    def settled_block(self) -> Block | None:
        """The block that decides about lost nonces (`Policy.settled`)."""
        rpc, policy = self.outbox.rpc, self.outbox.policy
        if policy.settled != "confirmed":
            return rpc.block(policy.settled)
        head = rpc.block("latest")
        return None if head is None else rpc.block(max(head.number - policy.depth + 1, 0))

    def wait(self, intent: Intent, attempts: list[Attempt], done: AlreadyDone | None) -> Receipt | End:
        """Broadcast, rebroadcast, bump and poll until the end is known.

        Raises StillPendingError in time, BroadcastRejectedError, InsufficientFundsError, NonceLostError.
        """
        return _Wait(self, intent, list(attempts), done).run()

    def wait_until_settled(self, intent: Intent, receipt: Receipt) -> bool:
        """Wait until the settled block reaches the receipt's; whether the receipt is still canonical then."""
        deadline = self.clock() + self.outbox.policy.timeout_s
        while True:
            settled = self.settled_block()
            if settled is not None and settled.number >= receipt.block_number:
                block = self.outbox.rpc.block(receipt.block_number)
                return block is not None and block.hash == receipt.block_hash
            if self.clock() >= deadline:
                raise StillPendingError(
                    f"{intent.key}: {receipt.tx_hash} reverted in block {receipt.block_number}, which is not "
                    f"{self.outbox.policy.settled} yet; a new transaction is sent only after that"
                )
            self.sleep(self.outbox.policy.poll_s)


class _Wait:
    """One run of the loop. What it remembers is only about timing: all that matters is in the journal."""

    def __init__(
        self, settlement: Settlement, intent: Intent, attempts: list[Attempt], done: AlreadyDone | None
    ) -> None:
        self._settlement = settlement
        self._outbox = settlement.outbox
        self._rpc, self._policy = settlement.outbox.rpc, settlement.outbox.policy
        self._intent, self._attempts, self._done = intent, attempts, done
        self._nonce = attempts[-1].nonce
        self._started_s = self._newest_s = settlement.clock()
        self._before = Predecessors(settlement.outbox, settlement.clock)
        self._sent_s: float | None = None
        self._seen: Receipt | None = None
        self._lost_polls = self._done_polls = self._refusals = 0
        self._may_bump = True

    def run(self) -> Receipt | End:
        while True:
            fault: RpcError | None = None
            try:
                end = self._poll()
            except RpcError as error:
                fault, end = error, None
                self._tell(EventKind.NO_ANSWER, str(error))
            if end is not None:
                return end
            if self._settlement.clock() - self._started_s >= self._policy.timeout_s:
                raise StillPendingError(
                    f"{self._intent.key}: {self._attempts[-1].tx_hash} is not confirmed after "
                    f"{self._policy.timeout_s:.0f} s; run the same command again to go on"
                ) from fault
            self._settlement.sleep(self._policy.poll_s)

    def _poll(self) -> Receipt | End | None:
        head = self._rpc.block("latest")
        receipt = self._settlement.canonical_receipt(self._attempts)
        if head is None:
            return None
        if receipt is not None:
            return self._deep_enough(receipt, head)
        if self._seen is not None:
            self._tell(
                EventKind.REORGED, f"block {self._seen.block_number} is gone, and the transaction with it"
            )
            self._mark_seen(None)
        next_nonce = self._rpc.nonce(self._outbox.journal.signer, "latest")
        if next_nonce > self._nonce:
            return self._nonce_is_used()
        self._lost_polls = 0
        if self._sent_s is None and self._done is not None and ask_done(self._done, "latest"):
            # Signed earlier, and done meanwhile by somebody else, or by us with a receipt that lags behind.
            self._done_polls += 1
            return End.DONE if self._done_polls >= self._policy.lost_polls else None
        if next_nonce < self._nonce:
            # A reorganisation took earlier transactions away: ours cannot run before them.
            self._before.bring_back(self._intent.key, next_nonce)
        self._push()
        return None

    def _deep_enough(self, receipt: Receipt, head: Block) -> Receipt | None:
        self._lost_polls = 0
        if self._seen != receipt:
            self._tell(EventKind.SEEN, f"in block {receipt.block_number}", receipt.tx_hash)
            self._mark_seen(receipt)
        return receipt if head.number - receipt.block_number + 1 >= self._policy.depth else None

    def _mark_seen(self, receipt: Receipt | None) -> None:
        self._seen = receipt
        self._outbox.journal.seen(self._intent, receipt is not None)

    def _nonce_is_used(self) -> End | None:
        settled = self._settlement.settled_block()
        if settled is None or self._rpc.nonce(self._outbox.journal.signer, settled.number) <= self._nonce:
            return None
        self._lost_polls += 1
        if self._lost_polls < self._policy.lost_polls:
            return None
        if self._is_done(settled.number):
            return End.DONE
        # Done at the head but not yet in the settled block: neither true nor false, so wait.
        return None if self._is_done("latest") else End.LOST

    def _is_done(self, block: BlockId) -> bool:
        if self._done is not None:
            return ask_done(self._done, block)
        if self._intent.to is None:
            # Our bytes can never run now. Code at their address would come from a creation we know nothing
            # of.
            address = contract_address(self._outbox.journal.signer, self._nonce)
            if not self._rpc.code(address, block):
                return False
        raise NonceLostError(
            f"{self._intent.key}: nonce {self._nonce} was used by a transaction that is not in this journal, "
            "and nothing tells whether it did the same; look at the chain before sending anything"
        )

    def _push(self) -> None:
        now = self._settlement.clock()
        newest = self._attempts[-1]
        assert newest.tx_hash is not None  # noqa: S101 - signed
        if (
            self._may_bump
            and now - self._newest_s >= self._policy.bump_after_s
            and self._outbox.journal.holds(self._intent, self._nonce)
        ):
            bumped = self._outbox.bump(self._intent, newest)
            self._newest_s = now
            if bumped is None:
                self._may_bump = False
            else:
                self._attempts.append(bumped)
                newest, self._sent_s = bumped, None
        due = self._sent_s is None or now - self._sent_s >= self._policy.rebroadcast_after_s
        if due or not self._rpc.knows(newest.tx_hash or ""):
            self._sent_s = now
            self._judge(self._outbox.broadcast(self._intent, newest), newest)

    def _judge(self, answer: Answer, attempt: Attempt) -> None:
        if answer not in (Answer.REFUSED, Answer.INSUFFICIENT_FUNDS):
            self._refusals = 0
            return
        self._refusals += 1
        if self._refusals < _REFUSALS_IN_A_ROW:
            return
        if answer == Answer.INSUFFICIENT_FUNDS:
            raise InsufficientFundsError(
                f"{self._intent.key}: {self._outbox.journal.signer} cannot pay for {attempt.tx_hash}: "
                "top it up and run the same command again"
            )
        raise BroadcastRejectedError(
            f"{self._intent.key}: the node keeps refusing {attempt.tx_hash}; the bytes stay in the journal"
        )

    def _tell(self, kind: EventKind, text: str, tx_hash: str | None = None) -> None:
        self._outbox.on_event(Event(kind, self._intent.key, text, tx_hash or self._attempts[-1].tx_hash))
