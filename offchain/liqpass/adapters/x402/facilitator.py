"""The insured facilitator: the stock one of the SDK, for payments that lock a provider's bond and no others.

A settlement goes through the transaction engine of one of its lanes under its commitment. Its signed bytes
are in that lane's journal before they are sent, so that a restart finds the result instead of settling twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

from x402.pending_settlement_store import ERR_SETTLEMENT_PENDING
from x402.schemas import (
    PaymentPayload,
    PaymentRequirements,
    SettleResponse,
    SupportedKind,
    SupportedResponse,
    VerifyResponse,
)

from liqpass.adapters.chain.events import OnEvent
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import Signer
from liqpass.adapters.x402.answer_log import OK, Answered, AnswerLog
from liqpass.adapters.x402.answered_payments import AnsweredPayments
from liqpass.adapters.x402.bounded_pool import BoundedPool
from liqpass.adapters.x402.lane_queue import LaneQueue
from liqpass.adapters.x402.lanes import Lanes
from liqpass.adapters.x402.payment_checks import EXTENSION, PaymentChecks, Site
from liqpass.adapters.x402.places import BusyError
from liqpass.adapters.x402.settling import Asked, Settling, pending, refused
from liqpass.adapters.x402.stock_facilitator import StockFacilitator
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.insured_settlement import (
    SCHEME,
    X402_VERSION,
    InsuredProvider,
    InsuredSettlement,
    PaymentRefusedError,
)

_VERIFIERS = 8
_MOST_WAITING = 64


class InsuredFacilitator:
    """Verifies and settles for several providers, in a lane for each settler's key. Made by `open`."""

    def __init__(
        self,
        site: Site,
        settlers: Sequence[str],
        *,
        factories: Sequence[str],
        begun_within_s: float,
        on_answer: Callable[[Answered], None],
    ) -> None:
        self._site, self._begun_within_s = site, begun_within_s
        self._checks = PaymentChecks(site, tuple(settlers))
        self._stock = StockFacilitator(site, factories)
        self._answers = AnswerLog(on_answer)
        self._verifying = BoundedPool("x402-verify", threads=_VERIFIERS, most=_MOST_WAITING)
        self._queue: LaneQueue[Asked, SettleResponse] = LaneQueue(_MOST_WAITING)
        self._lanes: Lanes[Asked, SettleResponse] | None = None

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        site: Site,
        signers: Sequence[Signer],
        policy: Policy,
        *,
        journal_folder: Path,
        on_event: OnEvent,
        factories: Sequence[str] = (),
        on_answer: Callable[[Answered], None] = lambda _: None,
        begun_within_s: float = 15.0,
        look_back_s: float = 10.0,
    ) -> Iterator[Self]:
        """A lane for each signer, its journal in that folder; at the end what has begun is finished first.

        What an earlier run signed is brought to its end before anything new. A settlement that no lane begins
        within `begun_within_s` is refused: with `policy.timeout_s` this is to be less than the 30 s that the
        SDK's HTTP client waits, so that none is settled for a caller that has gone. Every `look_back_s`
        seconds each lane looks for settlements that were reorganised away, and brings them back.
        Raises JournalError (JournalBusyError: another facilitator runs with it), WrongChainError, RpcError.
        """
        facilitator = cls(
            site,
            [signer.address for signer in signers],
            factories=factories,
            begun_within_s=begun_within_s,
            on_answer=on_answer,
        )
        with contextlib.ExitStack() as stack:
            journal_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = journal_folder / f"{site.insurance.chain_id}-{site.insurance.contract}.answered"
            answered = stack.enter_context(AnsweredPayments.open(path))
            settling = Settling(facilitator._checks, facilitator._stock, answered, facilitator._answers)
            facilitator._lanes = stack.enter_context(
                Lanes.open(
                    site,
                    signers,
                    policy,
                    journal_folder=journal_folder,
                    on_event=on_event,
                    look_back_s=look_back_s,
                    queue=facilitator._queue,
                    settle=settling.settle,
                )
            )
            stack.callback(facilitator._verifying.close)
            yield facilitator

    @property
    def site(self) -> Site:
        """Where it looks at the contract."""
        return self._site

    @property
    def insurance(self) -> Insurance:
        """The contract that settles and locks."""
        return self._site.insurance

    @property
    def settlers(self) -> tuple[str, ...]:
        """Whom providers name with `setSettler`, one a lane, in EIP-55 form."""
        return self._checks.settlers

    @property
    def settlements_waiting(self) -> int:
        """How many have no end yet."""
        return len(self._queue)

    def supported(self) -> SupportedResponse:
        """What `/supported` answers: x402 version 2, scheme exact, this chain, every lane's settler."""
        network = f"eip155:{self._site.insurance.chain_id}"
        kind = SupportedKind(x402_version=X402_VERSION, scheme=SCHEME, network=network)
        signers = {"eip155:*": list(self._checks.settlers)}
        return SupportedResponse(kinds=[kind], extensions=[EXTENSION], signers=signers)

    async def verify(
        self, provider: InsuredProvider, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> VerifyResponse:
        """Whether the payment could be settled and insured now. Raises BusyError, ports' ChainError."""
        try:
            return await self._verifying.run(provider.provider, self._verify, provider, payload, requirements)
        except BusyError as busy:
            self._answers.tell(Answered("verify", provider.provider, "busy", 0.0), None, str(busy))
            raise

    async def settle(
        self, provider: InsuredProvider, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> SettleResponse:
        """Settle and insure it, once. Raises BusyError with nothing sent, ports' ChainError."""
        began, who = time.monotonic(), provider.provider
        settlement: InsuredSettlement | None = None
        try:
            settlement = self._checks.read(provider, payload, requirements)
            return await self._in_a_lane(Asked(settlement, payload, requirements))
        except PaymentRefusedError as refusal:
            answered = Answered("settle", who, refusal.code, time.monotonic() - began)
            self._answers.tell(answered, settlement, refusal.reason)
            return refused(refusal, requirements, settlement)
        except BusyError as busy:
            answered = Answered("settle", who, "busy", time.monotonic() - began)
            self._answers.tell(answered, settlement, str(busy))
            raise

    async def _in_a_lane(self, asked: Asked) -> SettleResponse:
        assert self._lanes is not None  # noqa: S101 - by `open`
        holder = await asyncio.to_thread(self._lanes.holder, asked.settlement.commitment)
        try:
            return await self._wait_for_lane(asked, holder)
        except BusyError as busy:
            if holder is None:
                raise
            # "Busy" is to say that nothing was sent, and this one may have been.
            settlement = asked.settlement
            answered = Answered("settle", settlement.provider.provider, ERR_SETTLEMENT_PENDING, 0.0, holder)
            self._answers.tell(answered, settlement, str(busy))
            return pending(str(busy), asked.requirements, settlement)

    async def _wait_for_lane(self, asked: Asked, holder: str | None) -> SettleResponse:
        commitment = asked.settlement.commitment
        answer = self._queue.enter(
            asked.settlement.provider.provider,
            commitment,
            asked,
            within_s=self._begun_within_s,
            lanes=None if holder is None else frozenset({holder}),
        )
        ended = asyncio.wrap_future(answer)
        try:
            await asyncio.wait({ended}, timeout=self._begun_within_s)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        if answer.cancel():  # not once a lane has begun
            raise BusyError(f"no lane was free within {self._begun_within_s} s")
        return await ended

    # In the verifying threads

    def _verify(
        self, provider: InsuredProvider, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> VerifyResponse:
        began = time.monotonic()
        settlement: InsuredSettlement | None = None
        try:
            settlement = self._checks.read(provider, payload, requirements)
            named = self._checks.check_open(settlement)
        except PaymentRefusedError as refusal:
            answered = Answered("verify", provider.provider, refusal.code, time.monotonic() - began)
            self._answers.tell(answered, settlement, refusal.reason)
            return VerifyResponse(
                is_valid=False,
                invalid_reason=refusal.code,
                invalid_message=refusal.reason,
                payer=None if settlement is None else checksum_address(settlement.authorization.client),
            )
        signer = self._stock.signer(min(named), settlement)
        answer = self._stock.around(signer).verify(payload, requirements)
        code = OK if answer.is_valid else answer.invalid_reason or "unknown"
        answered = Answered("verify", provider.provider, code, time.monotonic() - began)
        self._answers.tell(answered, settlement, signer.reason or answer.invalid_message)
        return (
            answer if signer.reason is None else answer.model_copy(update={"invalid_message": signer.reason})
        )
