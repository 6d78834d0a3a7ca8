"""What a provider says of insured payments on the chain: served, or given back. Through the engine."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import RpcUnavailableError
from liqpass.adapters.chain.events import OnEvent
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.records import IntentState
from liqpass.adapters.chain.reorg_watch import ReorgWatch
from liqpass.adapters.chain.revert_words import our_errors
from liqpass.adapters.chain.rpc import Block, BlockId, Rpc
from liqpass.adapters.chain.settlement import AlreadyDone
from liqpass.adapters.chain.signer import Signer
from liqpass.domain.x402.insurance import Insurance
from liqpass.ports import ChainError as ReadingError

CONFIRM_PREFIX, REFUND_PREFIX = "x402/confirm/", "x402/refund/"
_CONFIRM = keccak(text="confirmServices(bytes32[],bytes[])")[:4]
_REFUND = keccak(text="refundService(bytes32)")[:4]
_ENDS = [
    "0x" + keccak(text=signature).hex()
    for signature in ("ServiceConfirmed(bytes32,address)", "ServiceRefunded(bytes32,address,address,uint96)")
]
_UNFINISHED = (IntentState.SIGNED, IntentState.SENT, IntentState.SEEN)


@dataclass(frozen=True, slots=True)
class Told:
    """What a transaction of ours `ended`: it passes over what is not open. `tx_hash` None: others did all."""

    ended: frozenset[bytes]
    tx_hash: str | None

    @property
    def transaction(self) -> str:
        """Whose it was, for a log."""
        return self.tx_hash or "another's"


class DeliverySender:
    """One provider's confirmations and refunds. Made by `open`; for the thread that opened it."""

    def __init__(self, engine: Engine, rpc: Rpc, reader: BondReader, insurance: Insurance) -> None:
        """Raises RpcError."""
        self._engine, self._journal, self._reader, self._insurance = engine, engine.journal, reader, insurance
        self._to = to_checksum_address(insurance.contract)
        self._confirms, self._refunds = (
            f"{prefix}{insurance.contract}/" for prefix in (CONFIRM_PREFIX, REFUND_PREFIX)
        )
        self._watch = ReorgWatch(rpc, engine, (self._confirms, self._refunds))
        # The journal only grows: it is read through once, not each round. A set that keeps its order.
        self._unfinished: dict[str, None] = {
            intent.key: None
            for intent in self._journal.intents()
            if intent.key.startswith((self._confirms, self._refunds)) and intent.state in _UNFINISHED
        }

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        rpc: Rpc,
        signer: Signer,
        policy: Policy,
        *,
        reader: BondReader,
        insurance: Insurance,
        journal_folder: Path,
        on_event: OnEvent,
    ) -> Iterator[Self]:
        """With the signer's journal in that folder, closed at the end; one process at a time.

        Raises JournalError (JournalBusyError: another process runs with it), WrongChainError, RpcError.
        """
        with Engine.open(
            rpc,
            signer,
            policy,
            chain_id=insurance.chain_id,
            journal_folder=journal_folder,
            role="delivery",
            on_event=on_event,
            decode_revert=our_errors,
        ) as engine:
            yield cls(engine, rpc, reader, insurance)

    def settled_block(self) -> Block | None:
        """The block below which nothing is reorganised any more. Raises RpcError."""
        return self._engine.settled_block()

    def shallow(self) -> frozenset[bytes]:
        """Commitments in transactions of ours that may still be reorganised away. Raises RpcError."""
        self._watch.taken_back()
        return frozenset(commitment for key in self._watch.watched() for commitment in self.commitments(key))

    def taken_back(self) -> list[str]:
        """Keys of what was confirmed and is reorganised away, for `resume`; oldest first. Raises RpcError."""
        return self._watch.taken_back()

    def commitments(self, key: str) -> tuple[bytes, ...]:
        """What a transaction of ours is about."""
        intent = self._journal.intent(key)
        if intent is None:
            return ()
        if key.startswith(self._confirms):
            return tuple(decode(["bytes32[]", "bytes[]"], intent.data[4:])[0])
        return (intent.data[4:],)

    def finish_earlier(self) -> None:
        """Bring to its end what an earlier run, or a fault, left signed. Raises as `confirm`."""
        for key in list(self._unfinished):
            intent = self._journal.intent(key)
            if intent is not None and intent.state in _UNFINISHED and self._journal.live(intent):
                self.resume(key)
            else:
                del self._unfinished[key]  # reverted, or never signed: it is said anew

    def resume(self, key: str) -> None:
        """Bring it to its end: the same bytes. Raises as `confirm`."""
        intent = self._journal.intent(key)
        if intent is not None:
            self._submit(key, intent.data, intent.describe, self.commitments(key))

    def confirm(self, commitments: Sequence[bytes]) -> Told:
        """Confirm them in one transaction. Raises what `Engine.submit` raises."""
        data = _CONFIRM + encode(["bytes32[]", "bytes[]"], [list(commitments), [b""] * len(commitments)])
        words = f"confirm {len(commitments)} x402 services"
        key = f"{self._confirms}{keccak(b''.join(commitments)).hex()[:32]}"
        return self._submit(self._free_key(key), data, words, commitments)

    def refund(self, commitment: bytes) -> Told:
        """Give a payment back out of the bond. Raises as `confirm`."""
        key = f"{self._refunds}{commitment.hex()}"
        return self._submit(
            self._free_key(key), _REFUND + commitment, "refund an x402 payment", (commitment,)
        )

    def _submit(self, key: str, data: bytes, words: str, commitments: Sequence[bytes]) -> Told:
        self._unfinished[key] = None
        try:
            outcome = self._engine.submit(key, self._to, data, describe=words, done=self._ended(commitments))
        finally:
            self._watch.add(key)
        del self._unfinished[key]
        if outcome.receipt is None:
            return Told(frozenset(commitments), None)
        ours = [
            log for log in outcome.receipt.logs if str(log["address"]).lower() == self._insurance.contract
        ]
        ended = frozenset(bytes(HexBytes(log["topics"][1])) for log in ours if log["topics"][0] in _ENDS)
        return Told(ended, outcome.receipt.tx_hash)

    def _free_key(self, key: str) -> str:
        """`key`, or its next number where a transaction of that name ran and not all of it is ended."""
        for number in itertools.count():
            numbered = f"{key}/{number}" if number else key
            intent = self._journal.intent(numbered)
            if intent is None or intent.state is not IntentState.FINAL:
                return numbered
        raise AssertionError  # count() has no end

    def _ended(self, commitments: Sequence[bytes]) -> AlreadyDone:
        def done(block: BlockId) -> bool:
            try:
                return all(self._reader.has_ended(commitment, block) for commitment in commitments)
            except ReadingError as error:
                raise RpcUnavailableError(str(error)) from None  # which the engine waits out

        return done
