"""A chain in memory that behaves as badly as real ones: it drops, reorders, reorganises, lies and goes away.

Only plain transfers exist on it. Every set of bytes that anybody ever sent may come back at any time.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from liqpass.adapters.chain.errors import RpcAnswerError, RpcUnavailableError
from liqpass.adapters.chain.rpc import Block, BlockId, Call, Receipt

T = TypeVar("T")
SAFE_DISTANCE = 4
BASE_FEE = 100


class CrashError(BaseException):
    """The process dies here."""


class Weather(StrEnum):
    CALM = "calm"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    NO_ANSWER = "no answer"
    ANSWER_LOST = "answer lost"
    LIE_KNOWN = "already known"
    LIE_NONCE = "nonce too low"
    LIE_UNDERPRICED = "replacement transaction underpriced"
    LIE_ODD = "something else"
    SWALLOW = "accepts and forgets"
    HIDE = "receipts hidden"
    MINE = "mine"
    DROP = "drop"
    REORG_1 = "reorg 1"
    REORG_3 = "reorg 3"
    REVIVE = "revive"
    FOREIGN = "foreign transaction"


_LIES = (Weather.LIE_KNOWN, Weather.LIE_NONCE, Weather.LIE_UNDERPRICED, Weather.LIE_ODD)


@dataclass(frozen=True)
class Tx:
    hash: str
    sender: str
    nonce: int
    to: str
    value: int
    max_fee: int
    priority: int


@dataclass(frozen=True)
class Mined:
    block: Block
    txs: tuple[Tx, ...]
    nonces: Counter[str]
    received: Counter[str]


@dataclass
class FakeChain:
    """An Rpc. `weather` is used up one piece a call; when it is empty the chain behaves."""

    weather: list[Weather] = field(default_factory=list)
    minimum_fee: int = 0  # a transaction that offers less waits for ever
    mines_on_sleep: bool = True
    now_s: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._serial = itertools.count()
        self.blocks = [Mined(self._header(0), (), Counter(), Counter())]
        self.mempool: dict[tuple[str, int], Tx] = {}
        self.ever_sent: dict[str, Tx] = {}
        self._hidden = 0
        self._foreign: list[Tx] = []
        self.foreign_sender: str | None = None

    # What happens on the chain

    def _header(self, number: int) -> Block:
        return Block(
            number, "0x" + keccak(text=f"block {next(self._serial)}").hex(), BASE_FEE, 1_000 + number
        )

    def mine(self) -> None:
        tip = self.blocks[-1]
        nonces, received, included = Counter(tip.nonces), Counter(tip.received), []
        for tx in self._foreign:  # the other program looks after its own: a gap for ever is nobody's fault
            if tx.nonce == nonces[tx.sender]:
                self.mempool.setdefault((tx.sender, tx.nonce), tx)
        for (sender, nonce), tx in sorted(self.mempool.items()):
            if nonce < nonces[sender]:
                del self.mempool[sender, nonce]
            elif nonce == nonces[sender] and tx.max_fee >= self.minimum_fee:
                del self.mempool[sender, nonce]
                nonces[sender] += 1
                received[tx.to] += tx.value
                included.append(tx)
        self.blocks.append(Mined(self._header(tip.block.number + 1), tuple(included), nonces, received))

    def reorg(self, depth: int) -> None:
        depth = min(depth, len(self.blocks) - 1, SAFE_DISTANCE - 1)
        if depth > 0:
            del self.blocks[-depth:]
            for _ in range(depth):
                tip = self.blocks[-1]
                self.blocks.append(
                    Mined(self._header(tip.block.number + 1), (), Counter(tip.nonces), Counter(tip.received))
                )

    def revive(self) -> None:
        """Old bytes come back from somewhere, whatever waits with their nonce now."""
        nonces = self.blocks[-1].nonces
        for tx in self.ever_sent.values():
            if tx.nonce == nonces[tx.sender]:
                self.mempool[tx.sender, tx.nonce] = tx
                return

    def foreign(self) -> None:
        """Another program uses the signer's next nonce, in a block at once."""
        if self.foreign_sender is not None:
            nonce = self.blocks[-1].nonces[self.foreign_sender]
            tx = Tx(f"foreign {next(self._serial)}", self.foreign_sender, nonce, "elsewhere", 1, 10**9, 1)
            self._foreign.append(tx)
            self.mempool[self.foreign_sender, nonce] = tx
            self.mine()

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.mines_on_sleep:
            self.mine()

    def clock(self) -> float:
        return self.now_s

    # The node

    def _do(self, name: str, operation: Callable[[], T]) -> T:
        self.calls[name] += 1
        now = self.weather.pop(0) if self.weather else Weather.CALM
        if now == Weather.CRASH_BEFORE:
            raise CrashError
        if now == Weather.NO_ANSWER:
            raise RpcUnavailableError(name)
        if now in _LIES:
            raise RpcAnswerError(name, -32000, now)
        if now == Weather.SWALLOW and name == "send_raw":
            return None  # type: ignore[return-value]
        if now == Weather.HIDE:
            self._hidden = 6
        self._happen(now)
        result = operation()
        if now == Weather.CRASH_AFTER:
            raise CrashError
        if now == Weather.ANSWER_LOST:
            raise RpcUnavailableError(name)
        return result

    def _happen(self, now: Weather) -> None:
        if now == Weather.MINE:
            self.mine()
        elif now == Weather.DROP:
            self.mempool.clear()
        elif now == Weather.REORG_1:
            self.reorg(1)
        elif now == Weather.REORG_3:
            self.reorg(3)
        elif now == Weather.REVIVE:
            self.revive()
        elif now == Weather.FOREIGN:
            self.foreign()

    def _at(self, block: BlockId) -> Mined | None:
        if block == "safe":
            return self.blocks[max(len(self.blocks) - 1 - SAFE_DISTANCE, 0)]
        if isinstance(block, int):
            return self.blocks[block] if block < len(self.blocks) else None
        return self.blocks[-1]

    def _state(self, block: BlockId) -> Mined:
        found = self._at(block)
        if found is None:
            raise RpcAnswerError("state", -32000, "header not found")
        return found

    def chain_id(self) -> int:
        return 8453

    def block(self, block: BlockId) -> Block | None:
        def look() -> Block | None:
            found = self._at(block)
            return None if found is None else found.block

        return self._do("block", look)

    def nonce(self, address: str, block: BlockId) -> int:
        def look() -> int:
            count = self._state(block).nonces[address]
            while block == "pending" and (address, count) in self.mempool:
                count += 1
            return count

        return self._do("nonce", look)

    def balance(self, address: str) -> int:
        return self._do("balance", lambda: 10**18)

    def code(self, address: str, block: BlockId) -> bytes:
        return self._do("code", lambda: b"")

    def call(self, call: Call, block: BlockId) -> bytes:
        return self._do("call", lambda: b"")

    def estimate_gas(self, call: Call) -> int:
        return self._do("estimate_gas", lambda: 21_000)

    def priority_fee(self) -> int:
        return self._do("priority_fee", lambda: 10)

    def send_raw(self, raw: bytes) -> None:
        self._do("send_raw", lambda: self._accept(raw))

    def _accept(self, raw: bytes) -> None:
        fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        tx = Tx(
            hash="0x" + keccak(raw).hex(),
            sender=Account.recover_transaction(raw),
            nonce=fields["nonce"],
            to=to_checksum_address(fields["to"]),
            value=fields["value"],
            max_fee=fields["maxFeePerGas"],
            priority=fields["maxPriorityFeePerGas"],
        )
        self.ever_sent[tx.hash] = tx
        if tx.nonce < self.blocks[-1].nonces[tx.sender]:
            raise RpcAnswerError("eth_sendRawTransaction", -32000, "nonce too low: next nonce is higher")
        waiting = self.mempool.get((tx.sender, tx.nonce))
        if waiting == tx:
            raise RpcAnswerError("eth_sendRawTransaction", -32000, "already known")
        if waiting is not None and (
            tx.max_fee * 10 < waiting.max_fee * 11 or tx.priority * 10 < waiting.priority * 11
        ):
            raise RpcAnswerError("eth_sendRawTransaction", -32000, "replacement transaction underpriced")
        self.mempool[tx.sender, tx.nonce] = tx

    def receipt(self, tx_hash: str) -> Receipt | None:
        def look() -> Receipt | None:
            if self._hidden > 0:
                self._hidden -= 1
                return None
            for mined in self.blocks:
                if any(tx.hash == tx_hash for tx in mined.txs):
                    return Receipt(
                        tx_hash, True, mined.block.number, mined.block.hash, 21_000, BASE_FEE, None, ()
                    )
            return None

        return self._do("receipt", look)

    def knows(self, tx_hash: str) -> bool:
        def look() -> bool:
            waiting = any(tx.hash == tx_hash for tx in self.mempool.values())
            return waiting or any(tx.hash == tx_hash for mined in self.blocks for tx in mined.txs)

        return self._do("knows", look)

    # For asserts and for `done`

    def received(self, address: str, block: BlockId = "latest") -> int:
        return self._do("received", lambda: self._state(block).received[address])

    def on_chain(self, address: str) -> int:
        return self.blocks[-1].received[address]
