"""What a provider says of insured payments on the chain: served, or given back. Through the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import RpcUnavailableError
from liqpass.adapters.chain.events import OnEvent
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.records import IntentState
from liqpass.adapters.chain.revert_words import our_errors
from liqpass.adapters.chain.rpc import BlockId, Rpc
from liqpass.adapters.chain.signer import Signer
from liqpass.domain.x402.insurance import Insurance
from liqpass.ports import ChainError as ReadingError

CONFIRM_PREFIX, REFUND_PREFIX = "x402/confirm/", "x402/refund/"
_CONFIRM = keccak(text="confirmServices(bytes32[],bytes[])")[:4]
_REFUND = keccak(text="refundService(bytes32)")[:4]
_UNFINISHED = (IntentState.SIGNED, IntentState.SENT, IntentState.SEEN)


class DeliverySender:
    """One provider's confirmations and refunds. Made by `open`; for the thread that opened it."""

    def __init__(self, engine: Engine, reader: BondReader, insurance: Insurance) -> None:
        self._engine, self._journal, self._reader, self._insurance = engine, engine.journal, reader, insurance
        self._to = to_checksum_address(insurance.contract)

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
            yield cls(engine, reader, insurance)

    def finish_earlier(self) -> None:
        """Bring to its end what an earlier run, or a fault, left signed. Raises as `confirm`."""
        for intent in self._journal.intents():
            if intent.state not in _UNFINISHED or intent.to is None or not self._journal.live(intent):
                continue
            if intent.key.startswith(CONFIRM_PREFIX):
                commitments = tuple(decode(["bytes32[]", "bytes[]"], intent.data[4:])[0])
            elif intent.key.startswith(REFUND_PREFIX):
                commitments = (intent.data[4:],)
            else:
                continue
            self._submit(intent.key, intent.data, intent.describe, commitments)

    def confirm(self, commitments: Sequence[bytes]) -> str | None:
        """Confirm them in one transaction, whose hash this is; None where none of them was open any more.

        Raises what `Engine.submit` raises.
        """
        data = _CONFIRM + encode(["bytes32[]", "bytes[]"], [list(commitments), [b""] * len(commitments)])
        words = f"confirm {len(commitments)} x402 services"
        key = f"{CONFIRM_PREFIX}{self._insurance.contract}/{keccak(b''.join(commitments)).hex()[:32]}"
        return self._submit(key, data, words, commitments)

    def refund(self, commitment: bytes) -> str | None:
        """Give a payment back out of the bond; None where it was not open any more. Raises as `confirm`."""
        key = f"{REFUND_PREFIX}{self._insurance.contract}/{commitment.hex()}"
        return self._submit(key, _REFUND + commitment, "refund an x402 payment", (commitment,))

    def _submit(self, key: str, data: bytes, words: str, commitments: Sequence[bytes]) -> str | None:
        return self._engine.submit(key, self._to, data, describe=words, done=self._ended(commitments)).tx_hash

    def _ended(self, commitments: Sequence[bytes]) -> Callable[[BlockId], bool]:
        def done(block: BlockId) -> bool:
            try:
                return not any(self._reader.is_open(commitment, block) for commitment in commitments)
            except ReadingError as error:
                raise RpcUnavailableError(str(error)) from None  # which the engine waits out

        return done
