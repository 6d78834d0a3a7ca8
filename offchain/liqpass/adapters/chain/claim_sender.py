"""Claims through the transaction engine: what was signed for which policies is in the signer's journal."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import RpcUnavailableError
from liqpass.adapters.chain.events import OnEvent
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.records import Intent, IntentState
from liqpass.adapters.chain.revert_words import our_errors
from liqpass.adapters.chain.rpc import BlockId, Rpc
from liqpass.adapters.chain.signer import Signer
from liqpass.domain.money import Usdc
from liqpass.domain.x402.claiming import KEY_PREFIX, OpenPolicy, claim_key
from liqpass.domain.x402.insurance import Insurance
from liqpass.ports import ChainError as ReadingError

_SELECTOR = keccak(text="claimMany(bytes32[])")[:4]
_CLAIMED = "0x" + keccak(text="InsuranceClaimed(bytes32,address,address,uint96,uint96)").hex()
_CREDITED = "0x" + keccak(text="Credited(address,bytes32,uint96)").hex()
_UNFINISHED = (IntentState.PLANNED, IntentState.SIGNED, IntentState.SENT, IntentState.SEEN)


@dataclass(frozen=True, slots=True)
class Refund:
    """One policy claimed: USDC to its client (EIP-55), or, where USDC refused that, `credited` to it."""

    commitment: bytes
    client: str
    amount: Usdc
    credited: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a transaction of ours did with `asked`: what it did not claim, others had ended before.

    `tx_hash` None: nothing was sent, all of it was done.
    """

    asked: tuple[bytes, ...]
    tx_hash: str | None
    refunds: tuple[Refund, ...]


def claim_many(commitments: Iterable[bytes]) -> bytes:
    """Calldata of `claimMany`."""
    return _SELECTOR + encode(["bytes32[]"], [list(commitments)])


class ClaimSender:
    """One signer's claims from one X402InsuranceV2. Made by `open`."""

    def __init__(self, engine: Engine, reader: BondReader, insurance: Insurance) -> None:
        self._engine, self._journal, self._reader, self._insurance = engine, engine.journal, reader, insurance
        self._to = to_checksum_address(insurance.contract)
        # The journal only grows: it is read through once, not each round.
        self._keys: dict[bytes, list[str]] = {}
        self._unfinished: dict[str, None] = {}  # a set that keeps its order
        for intent in engine.journal.intents():
            if intent.key.startswith(KEY_PREFIX) and intent.to == self._to:
                self._remember(intent.key, _commitments(intent.data))
                if intent.state in _UNFINISHED:
                    self._unfinished[intent.key] = None

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
        """With the signer's journal in that folder, closed at the end; one keeper at a time.

        Raises JournalError (JournalBusyError: another keeper runs with it), WrongChainError, RpcError.
        """
        with Engine.open(
            rpc,
            signer,
            policy,
            chain_id=insurance.chain_id,
            journal_folder=journal_folder,
            role="keeper",
            on_event=on_event,
            decode_revert=our_errors,
        ) as engine:
            yield cls(engine, reader, insurance)

    def unfinished(self) -> list[str]:
        """Keys of transactions that an earlier run, or a fault, left without an end; oldest first."""
        return [intent.key for intent in self._intents(self._unfinished) if intent.state in _UNFINISHED]

    def in_flight(self) -> frozenset[bytes]:
        """Policies in signed bytes whose end is not known."""
        return frozenset(
            commitment
            for intent in self._intents(self._unfinished)
            if intent.state in _UNFINISHED and self._journal.live(intent)
            for commitment in _commitments(intent.data)
        )

    def ended_with(self, commitments: Iterable[bytes]) -> list[str]:
        """Keys of transactions that had claimed one of these: open again, they were reorganised."""
        keys = dict.fromkeys(key for commitment in commitments for key in self._keys.get(commitment, ()))
        return [
            intent.key
            for intent in self._intents(keys)
            if intent.state is IntentState.FINAL and self._journal.live(intent)
        ]

    def reverts(self, commitments: Iterable[bytes]) -> Mapping[bytes, int]:
        """How many transactions with each of these were mined and reverted."""
        found: Counter[bytes] = Counter()
        for commitment in commitments:
            for intent in self._intents(self._keys.get(commitment, ())):
                found[commitment] += intent.state is IntentState.FAILED
        return found

    def claim(self, batch: Sequence[OpenPolicy]) -> Claimed:
        """Claim them in one transaction. Raises what `Engine.submit` raises."""
        commitments = [policy.commitment for policy in batch]
        return self._submit(self._free_key(claim_key(self._insurance, batch)), commitments)

    def resume(self, key: str) -> Claimed:
        """Bring that transaction to its end: the same bytes, or its result. Raises as `claim`."""
        (intent,) = self._intents([key])
        return self._submit(key, _commitments(intent.data))

    def _submit(self, key: str, commitments: Sequence[bytes]) -> Claimed:
        def done(block: BlockId) -> bool:
            try:
                return not any(self._reader.is_open(commitment, block) for commitment in commitments)
            except ReadingError as error:
                raise RpcUnavailableError(str(error)) from None  # which the engine waits out

        words = f"claim {len(commitments)} x402 policies that are overdue"
        self._remember(key, commitments)
        self._unfinished[key] = None
        outcome = self._engine.submit(key, self._to, claim_many(commitments), describe=words, done=done)
        del self._unfinished[key]
        logs = () if outcome.receipt is None else outcome.receipt.logs
        ours = [log for log in logs if str(log["address"]).lower() == self._insurance.contract]
        return Claimed(tuple(commitments), outcome.tx_hash, _refunds(ours))

    def _free_key(self, key: str) -> str:
        """`key`, or its next number where a transaction of that name succeeded and did not claim all."""
        for number in itertools.count():
            numbered = f"{key}/{number}" if number else key
            intent = self._journal.intent(numbered)
            if intent is None or intent.state is not IntentState.FINAL or not self._journal.live(intent):
                return numbered
        raise AssertionError  # count() has no end

    def _remember(self, key: str, commitments: Iterable[bytes]) -> None:
        for commitment in commitments:
            keys = self._keys.setdefault(commitment, [])
            if key not in keys:
                keys.append(key)

    def _intents(self, keys: Iterable[str]) -> list[Intent]:
        found = (self._journal.intent(key) for key in keys)
        return [intent for intent in found if intent is not None]


def _commitments(data: bytes) -> tuple[bytes, ...]:
    return tuple(decode(["bytes32[]"], data[len(_SELECTOR) :])[0])


def _refunds(logs: Sequence[Mapping[str, Any]]) -> tuple[Refund, ...]:
    credited = {log["topics"][2] for log in logs if log["topics"][0] == _CREDITED}
    return tuple(
        Refund(
            commitment=bytes(HexBytes(log["topics"][1])),
            client=to_checksum_address(HexBytes(log["topics"][3])[-20:]),
            amount=Usdc(int.from_bytes(HexBytes(log["data"])[:32], "big")),
            credited=log["topics"][1] in credited,
        )
        for log in logs
        if log["topics"][0] == _CLAIMED
    )
