"""Insured settlements through the transaction engine: one a commitment, however often it is asked for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import (
    AnotherInFlightError,
    CallRevertedError,
    RpcUnavailableError,
    SettledByAnotherError,
    SimulationRevertedError,
    StillPendingError,
    TransactionRevertedError,
)
from liqpass.adapters.chain.events import OnEvent
from liqpass.adapters.chain.outcome import Outcome
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.records import AttemptState, Intent, IntentState
from liqpass.adapters.chain.reorg_watch import ReorgWatch
from liqpass.adapters.chain.revert_words import our_errors, reason_of
from liqpass.adapters.chain.rpc import BlockId, Call, Receipt, Rpc
from liqpass.adapters.chain.settlement import AlreadyDone
from liqpass.adapters.chain.signer import Signer
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.insured_settlement import KEY_PREFIX, InsuredSettlement, settlement_key
from liqpass.ports import ChainError as ReadingError

DEPLOY_PREFIX = "x402/deploy/"
# The payer's wallet checks its signature within it, and may burn as much as it gets: the settler pays. A
# settlement without a wallet takes some 200,000.
MAX_GAS = 1_000_000
_TYPES = ("address", "address", "uint96", "uint256", "uint256", "bytes32", "uint16", "bytes")
_TIMEOUT = 6  # which of them the provider, not the client, decides
_SELECTOR = keccak(text=f"settleAndInsure({','.join(_TYPES)})")[:4]
_ON_ITS_WAY = (IntentState.SIGNED, IntentState.SENT, IntentState.SEEN)


def settle_and_insure(settlement: InsuredSettlement) -> bytes:
    """Calldata of `settleAndInsure`."""
    signed = settlement.authorization
    return _SELECTOR + encode(
        _TYPES,
        (
            settlement.provider.provider,
            signed.client,
            signed.amount,
            signed.valid_after_s,
            signed.valid_before_s,
            signed.nonce,
            settlement.timeout_minutes,
            settlement.signature,
        ),
    )


def simulate_settlement(rpc: Rpc, insurance: Insurance, settler: str, settlement: InsuredSettlement) -> None:
    """Run it with MAX_GAS on the latest block. Raises SimulationRevertedError, decoded, or RpcError."""
    call = Call(settler, to_checksum_address(insurance.contract), settle_and_insure(settlement), 0, MAX_GAS)
    try:
        rpc.call(call, "latest")
    except CallRevertedError as error:
        key = settlement_key(insurance, settlement.commitment)
        raise SimulationRevertedError(key, reason_of(error.data, error.message)) from error


class SettlementSender:
    """One settler's settlements through one X402InsuranceV2. Made by `open`; for one thread."""

    def __init__(
        self, engine: Engine, rpc: Rpc, reader: BondReader, insurance: Insurance, policy: Policy
    ) -> None:
        """Raises RpcError."""
        self._engine, self._journal, self._rpc = engine, engine.journal, rpc
        self._reader, self._insurance, self._policy = reader, insurance, policy
        self._to = to_checksum_address(insurance.contract)
        self._watch = ReorgWatch(rpc, engine, (f"{KEY_PREFIX}{insurance.contract}/", DEPLOY_PREFIX))

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
        """With the signer's journal in that folder, closed at the end; one facilitator at a time.

        Raises JournalError (JournalBusyError: another facilitator runs with it), WrongChainError, RpcError.
        """
        with Engine.open(
            rpc,
            signer,
            replace(policy, max_gas=min(policy.max_gas, MAX_GAS)),
            chain_id=insurance.chain_id,
            journal_folder=journal_folder,
            role="settler",
            on_event=on_event,
            decode_revert=our_errors,
        ) as engine:
            yield cls(engine, rpc, reader, insurance, policy)

    @property
    def settler(self) -> str:
        """Whose transactions these are."""
        return self._journal.signer

    def in_flight(self) -> str | None:
        """Key of what was signed and keeps everything else of this settler waiting."""
        found = self._journal.in_flight()
        if found is None or not found[0].key.startswith((KEY_PREFIX, DEPLOY_PREFIX)):
            return None
        return found[0].key if self._journal.live(found[0]) else None

    def unsettled(self) -> list[str]:
        """Keys of what was signed and has no end, oldest first."""
        return [
            intent.key
            for intent in self._journal.intents()
            if intent.key.startswith((KEY_PREFIX, DEPLOY_PREFIX))
            and intent.state in _ON_ITS_WAY
            and self._journal.live(intent)
        ]

    def taken_back(self) -> list[str]:
        """Keys of what was confirmed and is reorganised away, for `resume`; oldest first. Raises RpcError."""
        return self._watch.taken_back()

    def resume(self, key: str) -> None:
        """Bring it to its end: the same bytes, nothing new. Raises what `Engine.submit` raises.

        TransactionRevertedError: it is void, and the client has kept its money.
        """
        intent = self._journal.intent(key)
        if intent is not None and intent.to is not None:
            done = self._locked(_commitment_of(key)) if key.startswith(KEY_PREFIX) else None
            self._run(key, intent.to, intent.data, intent.describe, done)

    def transaction(self, settlement: InsuredSettlement) -> str | None:
        """The transaction in which exactly this payment is on its way or settled; None where there is none.

        A payment of the same nonce with another amount, signature or validity is not this one.
        """
        intent = self._same(settlement)
        if intent is None or intent.state not in (*_ON_ITS_WAY, IntentState.FINAL):
            return None
        live = self._journal.live(intent)
        if any(attempt.state is AttemptState.FAILED for attempt in live):
            return None  # void, because another settler's came first
        return intent.tx_hash or (live[-1].tx_hash if live else None)

    def settle(self, settlement: InsuredSettlement) -> Receipt:
        """Settle and lock once, and return when it is confirmed; again with the same payment to go on.

        Raises what `Engine.submit` raises, and SettledByAnotherError.
        """
        same = self._same(settlement)
        data = settle_and_insure(settlement) if same is None else same.data
        key = settlement_key(self._insurance, settlement.commitment)
        words = f"settle and insure an x402 payment to {settlement.provider.provider}"
        give_up_s = time.monotonic() + self._policy.timeout_s
        while True:
            outcome = self._submit(key, self._to, data, describe=words, commitment=settlement.commitment)
            receipt = outcome.receipt or self._receipt_by_log(key, settlement.commitment)
            if receipt is not None:
                return receipt
            # A node that shows the lock before it has the receipt of the transaction that made it.
            if time.monotonic() >= give_up_s:
                raise StillPendingError(f"{key}: locked, and the node does not show by which transaction")
            time.sleep(self._policy.poll_s)

    def deploy(self, factory: str, data: bytes, wallet: str) -> Receipt | None:
        """Have a factory create the payer's `wallet` (ERC-6492); None where others created it.

        Raises what `Engine.submit` raises.
        """

        def done(block: BlockId) -> bool:
            return bool(self._rpc.code(wallet, block))

        key = f"{DEPLOY_PREFIX}{wallet.lower()}/{keccak(data).hex()[:32]}"
        return self._run(key, factory, data, f"create the smart wallet {wallet}", done).receipt

    def reverted(self, error: TransactionRevertedError) -> Receipt | None:
        """The receipt of a transaction that was mined and reverted."""
        return self._rpc.receipt(error.tx_hash)

    def _submit(self, key: str, to: str, data: bytes, *, describe: str, commitment: bytes) -> Outcome:
        done = self._locked(commitment)
        try:
            return self._run(key, to, data, describe, done)
        except AnotherInFlightError as error:
            # An earlier payment whose caller has given up waiting: it must end before the next can begin.
            with contextlib.suppress(TransactionRevertedError):
                self.resume(error.key)
            return self._run(key, to, data, describe, done)

    def _run(self, key: str, to: str, data: bytes, describe: str, done: AlreadyDone | None) -> Outcome:
        try:
            return self._engine.submit(key, to, data, describe=describe, done=done)
        finally:
            self._watch.add(key)

    def _locked(self, commitment: bytes) -> AlreadyDone:
        def done(block: BlockId) -> bool:
            try:
                return self._reader.is_used(commitment, block)
            except ReadingError as error:
                raise RpcUnavailableError(str(error)) from None  # which the engine waits out

        return done

    def _same(self, settlement: InsuredSettlement) -> Intent | None:
        """The intent of exactly this payment. Its time-out may differ: that was the provider's then."""
        intent = self._journal.intent(settlement_key(self._insurance, settlement.commitment))
        if intent is None or intent.to != self._to:
            return None
        wanted, known = _arguments(settle_and_insure(settlement)), _arguments(intent.data)
        wanted[_TIMEOUT] = known[_TIMEOUT]
        return intent if wanted == known else None

    def _receipt_by_log(self, key: str, commitment: bytes) -> Receipt | None:
        """None where the node does not show it yet.

        Raises SettledByAnotherError: there it is answered for, here it would buy a second time.
        """
        try:
            head = self._reader.head()
            locks = self._reader.locks(0, head.number, commitment=commitment)
        except ReadingError as error:
            raise RpcUnavailableError(str(error)) from None
        if not locks:
            return None
        tx_hash, intent = locks[-1].tx_hash, self._journal.intent(key)
        signed = [] if intent is None else self._journal.attempts(intent)
        if tx_hash not in {attempt.tx_hash for attempt in signed}:
            raise SettledByAnotherError(key, tx_hash)
        return self._rpc.receipt(tx_hash)


def _arguments(data: bytes) -> list[Any]:
    return list(decode(_TYPES, data[len(_SELECTOR) :]))


def _commitment_of(key: str) -> bytes:
    return bytes.fromhex(key.rpartition("/")[2])
