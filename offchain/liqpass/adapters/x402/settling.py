"""One settlement in one lane: who may do it, the settlement itself, and that "settled" is said once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from x402.pending_settlement_store import ERR_SETTLEMENT_PENDING
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse

from liqpass.adapters.chain.errors import InsufficientFundsError, JournalError, SigningError
from liqpass.adapters.chain.settlement_sender import SettlementSender
from liqpass.adapters.x402.answer_log import OK, Answered, AnswerLog
from liqpass.adapters.x402.answered_payments import AnsweredPayments
from liqpass.adapters.x402.lane_queue import Waiting
from liqpass.adapters.x402.lanes import ElsewhereError
from liqpass.adapters.x402.payment_checks import EXTENSION, PaymentChecks
from liqpass.adapters.x402.stock_facilitator import StockFacilitator
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.x402.insured_payment import InsuredPayment
from liqpass.domain.x402.insured_settlement import InsuredSettlement, PaymentRefusedError, RefusalCode

# Faults of one settler, not of the payment or of the node: the next lane may not have them.
_OF_THE_LANE = (InsufficientFundsError, JournalError, SigningError)
# Of the time-out, that may have passed when "settled" is said; of one below two minutes the half.
_MOST_PASSED_S = 60
log = logging.getLogger("liqpass.x402")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a resource server asked to be settled, and what that is here."""

    settlement: InsuredSettlement
    payload: PaymentPayload
    requirements: PaymentRequirements


def refused(
    refusal: PaymentRefusedError, requirements: PaymentRequirements, settlement: InsuredSettlement | None
) -> SettleResponse:
    """The SDK's answer: nothing was sent."""
    return SettleResponse(
        success=False,
        error_reason=refusal.code,
        error_message=refusal.reason,
        payer=None if settlement is None else checksum_address(settlement.authorization.client),
        transaction="",
        network=str(requirements.network),
    )


def pending(reason: str, requirements: PaymentRequirements, settlement: InsuredSettlement) -> SettleResponse:
    """The SDK's answer for what may be on its way: ask again. Without a hash the SDK does not at once."""
    return SettleResponse(
        success=False,
        error_reason=ERR_SETTLEMENT_PENDING,
        error_message=reason,
        payer=checksum_address(settlement.authorization.client),
        transaction="",
        network=str(requirements.network),
    )


@dataclass(frozen=True, slots=True)
class Settling:
    """For the lanes' threads."""

    checks: PaymentChecks
    stock: StockFacilitator
    answered: AnsweredPayments
    answers: AnswerLog

    def settle(
        self, sender: SettlementSender, waiting: Waiting[Asked, SettleResponse], holder: str | None
    ) -> SettleResponse:
        """Settle and insure it, once. `holder`: the settler that has signed for it already.

        Raises ElsewhereError, CancelledError where its caller has gone, ports' ChainError.
        """
        began, asked = time.monotonic(), waiting.asked
        detail: str | None
        try:
            answer, detail = self._settle(sender, waiting, holder)
            code = OK if answer.success else answer.error_reason or "unknown"
        except PaymentRefusedError as refusal:
            answer, detail = refused(refusal, asked.requirements, asked.settlement), refusal.reason
            code = refusal.code
        answered = Answered("settle", waiting.provider, code, time.monotonic() - began, sender.settler)
        self.answers.tell(answered, asked.settlement, answer.transaction if answer.success else detail)
        return answer

    def _settle(
        self, sender: SettlementSender, waiting: Waiting[Asked, SettleResponse], holder: str | None
    ) -> tuple[SettleResponse, str | None]:
        asked, commitment = waiting.asked, waiting.commitment
        if self.answered.holds(commitment):
            raise PaymentRefusedError(RefusalCode.USED, "this payment was answered before")
        known = self._known(sender, waiting, holder)
        waiting.begin()
        signer = self.stock.signer(sender.settler, asked.settlement, sender)
        answer = self.stock.around(signer, known).settle(asked.payload, asked.requirements)
        if not answer.success:
            if isinstance(signer.unsent, _OF_THE_LANE) and holder is None:
                waiting.barred.add(sender.settler)
                if others := frozenset(self.checks.settlers) - waiting.barred:
                    log.error("lane passed over settler=%s reason=%s", sender.settler, signer.unsent)
                    raise ElsewhereError(others)
            return answer, signer.reason or answer.error_message
        payment = self.checks.site.reader.policy(commitment, "latest")
        if not payment.is_open:
            # Settled by an earlier run, and since then refunded or claimed: it buys nothing any more.
            raise PaymentRefusedError(RefusalCode.ENDED, f"the insurance in {answer.transaction} has ended")
        if known is not None:
            self._check_time_left(payment, asked.settlement)
        if not self.answered.add(commitment):
            raise PaymentRefusedError(RefusalCode.USED, "this payment was answered before")
        policy = self.checks.policy(payment, answer.transaction)
        return answer.model_copy(update={"extensions": {EXTENSION: policy}}), None

    def _check_time_left(self, payment: InsuredPayment, settlement: InsuredSettlement) -> None:
        """Of one that was settled before: its provider would serve it, and be too late to confirm.

        Raises PaymentRefusedError, ports' ChainError.
        """
        reader = self.checks.site.reader
        asked_s = 60 * (settlement.timeout_minutes or reader.default_timeout_minutes())
        left_s = payment.deadline_s - reader.head().time_s
        if left_s < asked_s - min(_MOST_PASSED_S, asked_s // 2):
            raise PaymentRefusedError(RefusalCode.LATE, f"{left_s} s are left of the {asked_s} s asked for")

    def _known(
        self, sender: SettlementSender, waiting: Waiting[Asked, SettleResponse], holder: str | None
    ) -> str | None:
        """The transaction in which this lane has it on its way or settled; None where it is to begin.

        Raises PaymentRefusedError, ElsewhereError, ports' ChainError.
        """
        settlement = waiting.asked.settlement
        if holder is not None and holder != sender.settler:
            if holder in self.checks.settlers:
                raise ElsewhereError(frozenset({holder}))
            raise PaymentRefusedError(
                RefusalCode.SETTLER_AWAY, f"{holder} has signed for this payment, and its keyfile is not here"
            )
        known = sender.transaction(settlement)
        if known is not None:
            return known
        named = self.checks.check_open(settlement)
        if sender.settler not in named:
            others = named - waiting.barred
            if holder is None and others:
                raise ElsewhereError(others)
            raise PaymentRefusedError(
                RefusalCode.SETTLER, f"the provider has not named {sender.settler} its settler"
            )
        return None
