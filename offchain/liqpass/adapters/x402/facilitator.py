"""The insured facilitator: the stock one of the SDK, for payments that lock a provider's bond and no others.

A settlement goes through the transaction engine under its commitment. Its signed bytes are in the journal
before they are sent, so that a restart finds the result instead of settling twice.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from x402 import x402FacilitatorSync
from x402.mechanisms.evm.exact import ExactEvmFacilitatorScheme
from x402.mechanisms.evm.exact.facilitator import ExactEvmSchemeConfig
from x402.schemas import (
    PaymentPayload,
    PaymentRequirements,
    SettleResponse,
    SupportedKind,
    SupportedResponse,
    VerifyResponse,
)

from liqpass.adapters.chain.errors import ChainError, TransactionRevertedError
from liqpass.adapters.chain.events import OnEvent
from liqpass.adapters.chain.journal_file import journal_path
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.settlement_sender import SettlementSender
from liqpass.adapters.chain.signer import Signer
from liqpass.adapters.x402.answered_payments import AnsweredPayments
from liqpass.adapters.x402.bounded_pool import BoundedPool, BusyError
from liqpass.adapters.x402.insuring_signer import InsuringSigner, SignedSettlements
from liqpass.adapters.x402.payment_checks import EXTENSION, PaymentChecks, Site
from liqpass.adapters.x402.ticker import ticking
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.insured_settlement import (
    SCHEME,
    X402_VERSION,
    InsuredProvider,
    InsuredSettlement,
    PaymentRefusedError,
    RefusalCode,
)

OK = "ok"
_VERIFIERS = 8
_MOST_WAITING = 64
log = logging.getLogger("liqpass.x402")


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: `what` is verify or settle, `code` is `ok` or why not."""

    what: str
    provider: str
    code: str
    took_s: float


class InsuredFacilitator:
    """Verifies and settles for several providers with one settler's key. Made by `open`."""

    def __init__(
        self,
        site: Site,
        settler: str,
        *,
        factories: Sequence[str],
        on_answer: Callable[[Answered], None],
    ) -> None:
        self._site, self._settler, self._on_answer = site, settler, on_answer
        self._checks = PaymentChecks(site, settler)
        # The payer's wallet may be created only by these (ERC-6492): a payload could name any contract. The
        # engine simulates what it sends, but with a wallet to be created that would be too late.
        self._config = ExactEvmSchemeConfig(
            eip6492_allowed_factories=list(factories), simulate_in_settle=bool(factories)
        )
        self._verifying = BoundedPool("x402-verify", threads=_VERIFIERS, most=_MOST_WAITING)
        # One thread: journal and engine belong to it, and a signer has one transaction in flight.
        self._settling = BoundedPool("x402-settle", threads=1, most=_MOST_WAITING)
        self._stack = contextlib.ExitStack()
        self._sender: SettlementSender | None = None
        self._answered: AnsweredPayments | None = None
        self._looking_back: Future[None] | None = None

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        site: Site,
        signer: Signer,
        policy: Policy,
        *,
        journal_folder: Path,
        on_event: OnEvent,
        factories: Sequence[str] = (),
        on_answer: Callable[[Answered], None] = lambda _: None,
        look_back_s: float = 10.0,
    ) -> Iterator[Self]:
        """With the settler's journal in that folder; at the end what has begun is finished first.

        What an earlier run signed is brought to its end before anything new. Every `look_back_s` seconds it
        looks for settlements that were reorganised away, and brings them back.
        Raises JournalError (JournalBusyError: another facilitator runs with it), WrongChainError, RpcError.
        """
        facilitator = cls(site, signer.address, factories=factories, on_answer=on_answer)
        try:
            facilitator._settling.submit(
                facilitator._begin, signer, policy, journal_folder, on_event
            ).result()
            facilitator._settling.submit(facilitator._resume)
            with ticking("x402-look-back", look_back_s, facilitator._order_look_back):
                yield facilitator
        finally:
            facilitator._verifying.close()
            with contextlib.suppress(Exception):
                facilitator._settling.submit(facilitator._stack.close).result()
            facilitator._settling.close()

    @property
    def insurance(self) -> Insurance:
        """The contract that settles and locks."""
        return self._site.insurance

    @property
    def settlements_waiting(self) -> int:
        """How many have no end yet."""
        return self._settling.waiting

    def supported(self) -> SupportedResponse:
        """What `/supported` answers: x402 version 2, scheme exact, this chain."""
        network = f"eip155:{self._site.insurance.chain_id}"
        kind = SupportedKind(x402_version=X402_VERSION, scheme=SCHEME, network=network)
        return SupportedResponse(kinds=[kind], extensions=[EXTENSION], signers={"eip155:*": [self._settler]})

    async def verify(
        self, provider: InsuredProvider, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> VerifyResponse:
        """Whether the payment could be settled and insured now. Raises BusyError, ports' ChainError."""
        return await self._verifying.run(self._verify, provider, payload, requirements)

    async def settle(
        self, provider: InsuredProvider, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> SettleResponse:
        """Settle and insure it, once. Raises BusyError, ports' ChainError."""
        return await self._settling.run(self._settle, provider, payload, requirements)

    # In the verifying threads

    def _verify(
        self, provider: InsuredProvider, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> VerifyResponse:
        began = time.monotonic()
        settlement: InsuredSettlement | None = None
        try:
            settlement = self._checks.read(provider, payload, requirements)
            self._checks.check_open(settlement)
        except PaymentRefusedError as refusal:
            answered = Answered("verify", provider.provider, refusal.code, time.monotonic() - began)
            self._tell(answered, settlement, refusal.reason)
            return VerifyResponse(
                is_valid=False,
                invalid_reason=refusal.code,
                invalid_message=refusal.reason,
                payer=None if settlement is None else checksum_address(settlement.authorization.client),
            )
        signer = self._signer(settlement, None)
        answer = self._stock(signer, None).verify(payload, requirements)
        code = OK if answer.is_valid else answer.invalid_reason or "unknown"
        answered = Answered("verify", provider.provider, code, time.monotonic() - began)
        self._tell(answered, settlement, signer.reason or answer.invalid_message)
        return (
            answer if signer.reason is None else answer.model_copy(update={"invalid_message": signer.reason})
        )

    # In the settling thread

    def _begin(self, signer: Signer, policy: Policy, folder: Path, on_event: OnEvent) -> None:
        site = self._site
        with contextlib.ExitStack() as stack:
            self._sender = stack.enter_context(
                SettlementSender.open(
                    site.rpc,
                    signer,
                    policy,
                    reader=site.reader,
                    insurance=site.insurance,
                    journal_folder=folder,
                    on_event=on_event,
                )
            )
            path = journal_path(folder, site.insurance.chain_id, signer.address).with_suffix(".answered")
            self._answered = stack.enter_context(AnsweredPayments.open(path))
            self._stack = stack.pop_all()

    def _resume(self) -> None:
        sender, _ = self._opened()
        for key in sender.unsettled():
            log.info("resuming key=%s", key)
            try:
                sender.resume(key)
            except ChainError as error:
                log.warning("not resumed key=%s reason=%s", key, error)

    def _order_look_back(self) -> None:
        if self._looking_back is None or self._looking_back.done():
            # With a full queue it is not needed: the engine brings back what is gone before it goes on.
            with contextlib.suppress(BusyError):
                self._looking_back = self._settling.submit(self._look_back)

    def _look_back(self) -> None:
        """A settlement that was answered and is gone: the same bytes again, or it is void."""
        sender, _ = self._opened()
        try:
            for key in sender.taken_back():
                log.warning("reorganised key=%s", key)
                sender.resume(key)
        except TransactionRevertedError as error:
            _say_void(error)
        except ChainError as error:
            log.warning("not looked back reason=%s", error)

    def _settle(
        self, provider: InsuredProvider, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> SettleResponse:
        began = time.monotonic()
        settlement: InsuredSettlement | None = None
        try:
            settlement = self._checks.read(provider, payload, requirements)
            answer, reason = self._settle_read(settlement, payload, requirements)
        except PaymentRefusedError as refusal:
            answered = Answered("settle", provider.provider, refusal.code, time.monotonic() - began)
            self._tell(answered, settlement, refusal.reason)
            return SettleResponse(
                success=False,
                error_reason=refusal.code,
                error_message=refusal.reason,
                payer=None if settlement is None else checksum_address(settlement.authorization.client),
                transaction="",
                network=str(requirements.network),
            )
        code = OK if answer.success else answer.error_reason or "unknown"
        answered = Answered("settle", provider.provider, code, time.monotonic() - began)
        self._tell(answered, settlement, answer.transaction if answer.success else reason)
        return answer

    def _settle_read(
        self, settlement: InsuredSettlement, payload: PaymentPayload, requirements: PaymentRequirements
    ) -> tuple[SettleResponse, str | None]:
        sender, answered = self._opened()
        commitment = settlement.commitment
        if answered.holds(commitment):
            raise PaymentRefusedError(RefusalCode.USED, "this payment was answered before")
        known = sender.transaction(settlement)
        if known is None:
            self._checks.check_open(settlement)
        signer = self._signer(settlement, sender)
        answer = self._stock(signer, known).settle(payload, requirements)
        if not answer.success:
            return answer, signer.reason or answer.error_message
        if not self._site.reader.is_open(commitment, "latest"):
            # Settled by an earlier run, and since then refunded or claimed: it buys nothing any more.
            raise PaymentRefusedError(RefusalCode.ENDED, f"the insurance in {answer.transaction} has ended")
        policy = self._checks.policy(settlement, answer.transaction)
        answered.add(commitment)
        return answer.model_copy(update={"extensions": {EXTENSION: policy}}), None

    # In both

    def _signer(self, settlement: InsuredSettlement, sender: SettlementSender | None) -> InsuringSigner:
        site = self._site
        return InsuringSigner(
            rpc=site.rpc,
            web3=site.web3,
            insurance=site.insurance,
            usdc=site.usdc,
            settler=self._settler,
            settlement=settlement,
            sender=sender,
        )

    def _stock(self, signer: InsuringSigner, known: str | None) -> x402FacilitatorSync:
        # Version 1 is not registered, and permit2 is refused before: what is left is EIP-3009.
        scheme = ExactEvmFacilitatorScheme(signer, self._config, SignedSettlements(known))
        stock = x402FacilitatorSync()
        stock.register([f"eip155:{self._site.insurance.chain_id}"], scheme)
        return stock

    def _opened(self) -> tuple[SettlementSender, AnsweredPayments]:
        assert self._sender is not None and self._answered is not None  # noqa: S101 - by `open`
        return self._sender, self._answered

    def _tell(self, answered: Answered, settlement: InsuredSettlement | None, detail: str | None) -> None:
        """One line of the log: decoded reasons, no keys, no signatures."""
        log.log(
            logging.INFO if answered.code == OK else logging.WARNING,
            "%s provider=%s commitment=%s payer=%s code=%s took_ms=%d %s=%s",
            answered.what,
            checksum_address(answered.provider),
            "-" if settlement is None else format_bytes32(settlement.commitment),
            "-" if settlement is None else checksum_address(settlement.authorization.client),
            answered.code,
            round(answered.took_s * 1000),
            "tx" if answered.code == OK else "reason",
            detail or "-",
        )
        self._on_answer(answered)


def _say_void(error: TransactionRevertedError) -> None:
    log.error("void key=%s tx=%s reason=%s", error.key, error.tx_hash, error.reason)
