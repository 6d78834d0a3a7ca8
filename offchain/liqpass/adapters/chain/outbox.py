"""Signing and broadcasting of one attempt, with the journal's commits between the steps."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from liqpass.adapters.chain.answers import Answer, classify
from liqpass.adapters.chain.errors import (
    CallRevertedError,
    FeeTooHighError,
    RpcAnswerError,
    RpcError,
    RpcUnavailableError,
    SigningError,
)
from liqpass.adapters.chain.events import Event, EventKind, OnEvent
from liqpass.adapters.chain.journal import Journal
from liqpass.adapters.chain.policy import Fees, Policy
from liqpass.adapters.chain.records import Attempt, AttemptState, Intent, IntentState
from liqpass.adapters.chain.rpc import Rpc
from liqpass.adapters.chain.signer import Signer, check_signed


@dataclass(frozen=True, slots=True)
class Outbox:
    """One signer's way to the chain: every step is in the journal before the next one begins."""

    rpc: Rpc
    journal: Journal
    signer: Signer
    policy: Policy
    on_event: OnEvent

    def market_fees(self) -> Fees:
        """What the node suggests now, within the policy's cap.

        Raises FeeTooHighError when the cap is below what the next block asks for.
        """
        head = self.rpc.block("latest")
        if head is None:
            raise RpcAnswerError("eth_getBlockByNumber", 0, "the node has no latest block")
        cap = self.policy.max_fee_wei
        if head.base_fee_wei > cap:
            raise FeeTooHighError(f"the base fee is {head.base_fee_wei} wei per gas, the policy allows {cap}")
        return Fees.suggested(head.base_fee_wei, self.rpc.priority_fee()).capped(cap)

    def sign(self, intent: Intent, attempt: Attempt) -> Attempt:
        """Have the attempt signed and commit its bytes and hash.

        Raises SigningError; then the attempt and, if nothing else holds it, its nonce are forgotten.
        """
        tx: dict[str, int | str] = {
            "chainId": self.journal.chain_id,
            "nonce": attempt.nonce,
            "value": intent.value,
            "data": "0x" + intent.data.hex(),
            "gas": attempt.gas,
            "maxFeePerGas": attempt.fees.max_fee,
            "maxPriorityFeePerGas": attempt.fees.priority,
        }
        if intent.to is not None:
            tx["to"] = intent.to
        try:
            raw = self.signer.sign(tx)
            tx_hash = check_signed(raw, tx, self.journal.signer)
        except Exception as error:
            # Bytes that were never committed were never sent either: a signer only signs.
            self.journal.unsigned(intent, IntentState.ABANDONED)
            if isinstance(error, SigningError):
                raise
            raise SigningError(f"{intent.key}: signing failed: {error}") from error
        self.journal.signed(intent, attempt, raw, tx_hash)
        self._tell(EventKind.SIGNED, intent, f"signed with nonce {attempt.nonce}", tx_hash)
        return replace(attempt, raw=raw, tx_hash=tx_hash, state=AttemptState.SIGNED)

    def broadcast(self, intent: Intent, attempt: Attempt) -> Answer:
        """Give the signed bytes to the node, as often as one likes. What it answers is a hint."""
        assert attempt.raw is not None  # noqa: S101 - callers pass signed attempts only
        self._tell(EventKind.SENDING, intent, "sending", attempt.tx_hash)
        text = ""
        try:
            self.rpc.send_raw(attempt.raw)
            answer = Answer.ACCEPTED
        except RpcAnswerError as error:
            answer, text = classify(error.message), error.message
        except CallRevertedError as error:
            answer, text = Answer.REFUSED, error.message
        except RpcUnavailableError as error:
            answer, text = Answer.NONE, str(error)
        if answer in (Answer.ACCEPTED, Answer.ALREADY_KNOWN) and attempt.state == AttemptState.SIGNED:
            self.journal.sent(intent, attempt)
        self._tell(EventKind.ANSWERED, intent, f"{answer}: {text}" if text else str(answer), attempt.tx_hash)
        return answer

    def resend(self, key: str, nonce: int) -> None:
        """Send again whatever this journal once signed with a nonce that the chain has not used."""
        text = f"nonce {nonce} is not used on the chain (any more) and must come first"
        self.on_event(Event(EventKind.REORGED, key, text))
        for attempt in self.journal.attempts_at(nonce):
            with contextlib.suppress(RpcAnswerError, CallRevertedError):
                self.rpc.send_raw(attempt.raw or b"")

    def bump(self, intent: Intent, stuck: Attempt) -> Attempt | None:
        """The same nonce and calldata for a higher fee, signed; None where cap, signer or node forbid it."""
        try:
            market = self.market_fees()
        except (FeeTooHighError, RpcError):
            market = stuck.fees
        fees = stuck.fees.bumped(self.policy.bump_bps, market, self.policy.max_fee_wei)
        if fees is None:
            text = f"stuck at {stuck.fees.max_fee} wei per gas, near the cap of {self.policy.max_fee_wei}"
            self._tell(EventKind.FEE_CAP_REACHED, intent, text, stuck.tx_hash)
            return None
        text = f"stuck: {stuck.fees.max_fee} -> {fees.max_fee} wei per gas"
        self._tell(EventKind.BUMPED, intent, text, stuck.tx_hash)
        try:
            return self.sign(intent, self.journal.reserve(intent, stuck.nonce, stuck.gas, fees))
        except SigningError as error:
            self._tell(EventKind.WAITING, intent, f"no higher fee: {error}", stuck.tx_hash)
            return None

    def _tell(self, kind: EventKind, intent: Intent, text: str, tx_hash: str | None) -> None:
        self.on_event(Event(kind, intent.key, text, tx_hash))
