"""A guard on a client of the SDK: nothing is signed that no bond covers, and what is signed leaves a receipt.

    Guard(trusted, limits, receipts).install(client)

It stays on the client for good. Where a 402 offers several ways to pay, those that no bond could cover are
passed over; the one that the client then chooses is signed or refused, never exchanged for another.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from x402 import x402Client, x402ClientSync
from x402.schemas import (
    AbortResult,
    PaymentCreatedContext,
    PaymentCreationContext,
    PaymentRequired,
    PaymentRequirements,
    PaymentResponseContext,
    SettleResponse,
    find_schemes_by_network,
)

from liqpass.adapters.chain.errors import ChainError as SendingError
from liqpass.adapters.chain.errors import JournalError
from liqpass.adapters.x402.payment_checks import EXTENSION
from liqpass.adapters.x402.receipts import Receipts
from liqpass.adapters.x402.trusted_contract import TrustedContract
from liqpass.domain.identifiers import IdentifierError, format_bytes32, parse_address, parse_bytes32
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.guarding import (
    InsurableOffer,
    Limits,
    Offer,
    check_offer,
    check_signed,
    locked_too_long,
    may_be_insured,
)
from liqpass.domain.x402.insured_settlement import (
    SCHEME,
    TIMEOUT_FIELD,
    PaymentRefusedError,
    RefusalCode,
    Terms,
    read_authorization,
)
from liqpass.domain.x402.receipts import Answer, Receipt, disagreements, new_receipt
from liqpass.ports import ChainError as ReadingError

log = logging.getLogger("liqpass.x402.client")
_URL_CHARACTERS = 200
_LAST_DEADLINE_S = 2**40


class Guard:
    """Of one contract, for any number of clients. For any thread."""

    def __init__(
        self,
        trusted: TrustedContract,
        limits: Limits,
        receipts: Receipts,
        *,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._trusted, self._limits, self._receipts, self._clock_s = trusted, limits, receipts, clock_s
        self._closed = False

    def install(self, client: x402Client | x402ClientSync) -> None:
        """Put it on a client. Raises TypeError for anything else, among them one that wraps such a client."""
        if isinstance(client, x402ClientSync):
            client.register_policy(self.choose)
            client.on_before_payment_creation(lambda context: self._before(client, context))
            client.on_after_payment_creation(lambda context: self._created(client, context))
            client.on_payment_response(self._answered)
        elif isinstance(client, x402Client):
            client.register_policy(self.choose)
            # The node and the disk are waited for in a thread: the event loop goes on.
            client.on_before_payment_creation(
                lambda context: asyncio.to_thread(self._before, client, context)
            )
            client.on_after_payment_creation(
                lambda context: asyncio.to_thread(self._created, client, context)
            )
            client.on_payment_response(lambda context: asyncio.to_thread(self._answered, context))
        else:
            raise TypeError(f"a guard is for x402Client or x402ClientSync, not for {type(client).__name__}")

    def close(self) -> None:
        """From now on everything is refused: a client that was guarded never pays without."""
        self._closed = True

    def choose(self, version: int, offered: Sequence[Any]) -> list[Any]:
        """The offers that a bond could cover, by their bytes; all of them where none could, to say why."""
        if version != 2:
            return list(offered)
        insurance, usdc = self._trusted.insurance, self._trusted.usdc
        worth = [
            each for each in offered if may_be_insured(insurance, usdc, self._limits, _offer(2, each, None))
        ]
        return worth or list(offered)

    def check(self, required: object, selected: object, payer: str | None = None) -> InsurableOffer:
        """Whether an offer may be signed now, asking the node. Raises PaymentRefusedError for any fault.

        `payer`, in lower case: whose USDC has to suffice for it; None where nobody pays, or it is not known.
        """
        if self._closed:
            raise PaymentRefusedError(RefusalCode.CLOSED, "the guard of this client has ended")
        insurable = self._read(required, selected)[1]
        try:
            self._trusted.check_bond(insurable)
        except (ReadingError, SendingError) as fault:
            raise PaymentRefusedError(RefusalCode.CHAIN, str(fault)) from None
        if payer is not None:
            self._check_balance(payer, insurable.amount)
        return insurable

    def _check_balance(self, payer: str, amount: Usdc) -> None:
        try:
            self._trusted.check_balance(payer, amount)
        except (ReadingError, SendingError) as fault:
            raise PaymentRefusedError(RefusalCode.CHAIN, str(fault)) from None

    def _read(self, required: object, selected: object) -> tuple[Offer, InsurableOffer]:
        if not isinstance(required, PaymentRequired) or not isinstance(selected, PaymentRequirements):
            raise PaymentRefusedError(RefusalCode.VERSION, "only x402 version 2 is insured")
        offer = _offer(required.x402_version, selected, (required.extensions or {}).get(EXTENSION))
        return offer, check_offer(self._trusted.insurance, self._trusted.usdc, self._limits, offer)

    def _before(
        self, client: x402Client | x402ClientSync, context: PaymentCreationContext
    ) -> AbortResult | None:
        selected = context.selected_requirements
        try:
            self.check(context.payment_required, selected, _payer(client, selected.network))
        except PaymentRefusedError as refusal:
            log.warning("not paid code=%s reason=%s", refusal.code, refusal.reason)
            return AbortResult(f"{refusal.code}: {refusal.reason}")
        return None

    def _created(self, client: x402Client | x402ClientSync, context: PaymentCreatedContext) -> None:
        """Before the payment leaves. Raises PaymentRefusedError, JournalError: then it does not."""
        offer, insurable = self._read(context.payment_required, context.selected_requirements)
        signed = read_authorization(context.payment_payload.payload)
        check_signed(offer, insurable, signed)
        if signed.client != _payer(client, context.selected_requirements.network):
            self._check_balance(signed.client, insurable.amount)
        receipt = new_receipt(
            self._trusted.insurance,
            insurable.provider,
            signed,
            url=_what_for(context.payment_required),
            signed_at_s=int(self._clock_s()),
        )
        self._receipts.enter(receipt)
        log.info(
            "signed commitment=%s provider=%s usdc=%s",
            format_bytes32(receipt.commitment),
            receipt.provider,
            format_usdc(receipt.amount),
        )

    def _answered(self, context: PaymentResponseContext) -> None:
        """Raises nothing: what was paid for has come, and must reach its caller."""
        try:
            signed = read_authorization(context.payment_payload.payload)
            receipt = self._receipts.signed(signed.client, signed.nonce)
            if receipt is None:
                log.error("an answer to a payment without a receipt")
                return
            self._hear(receipt, context.settle_response)
        except (PaymentRefusedError, JournalError, ReadingError, SendingError) as fault:
            log.warning("an answer was not checked, `liqpass x402 claims` does: %s", fault)

    def _hear(self, receipt: Receipt, told: SettleResponse | None) -> None:
        commitment = format_bytes32(receipt.commitment)
        policy = (told.extensions or {}).get(EXTENSION) if told is not None else None
        answer = _answer(told, policy)
        self._receipts.enter_answer(receipt.commitment, answer)
        for difference in _said_differently(receipt, policy):
            log.error("the answer to %s does not fit: %s", commitment, difference)
        heard = dataclasses.replace(receipt, answer=answer)
        standing = self._trusted.standing(heard, self._trusted.reader.head())
        for difference in disagreements(heard, standing):
            log.error("the chain counts for %s: %s", commitment, difference)
        if longer := locked_too_long(self._limits, standing):
            log.error("the chain counts for %s: %s", commitment, longer)
        if answer.settled and standing.policy is None and not standing.authorization_used:
            log.warning("said to be settled, not on the chain yet: %s", commitment)


def _payer(client: x402Client | x402ClientSync, network: str) -> str | None:
    """Who would sign, in lower case; None where the scheme is not the SDK's own.

    Its clients have no public name for it, and say it only in what is signed.
    """
    scheme = (find_schemes_by_network(client._schemes, network) or {}).get(SCHEME)
    try:
        return parse_address(getattr(getattr(scheme, "_signer", None), "address", None))
    except IdentifierError:
        return None


def _offer(version: object, selected: Any, extension: object) -> Offer:
    extra = selected.extra or {}
    return Offer(
        version=version,
        terms=Terms(selected.scheme, str(selected.network), selected.asset, selected.pay_to),
        amount=selected.amount,
        valid_s=selected.max_timeout_seconds,
        transfer_method=extra.get("assetTransferMethod"),
        signed_for=(extra.get("name"), extra.get("version")),
        timeout_minutes=extra.get(TIMEOUT_FIELD),
        extension=extension,
    )


def _answer(told: SettleResponse | None, policy: object) -> Answer:
    """What of it can be believed to be said at all: an answer's fields are anything."""
    if told is None:
        return Answer(settled=False, transaction=None, deadline_s=None)
    try:
        transaction = parse_bytes32(told.transaction)
    except IdentifierError:
        transaction = None
    deadline_s = policy.get("deadline") if isinstance(policy, dict) else None
    if type(deadline_s) is not int or not 0 < deadline_s < _LAST_DEADLINE_S:
        deadline_s = None
    return Answer(bool(told.success), transaction, deadline_s)


def _said_differently(receipt: Receipt, policy: object) -> list[str]:
    """Where the policy in PAYMENT-RESPONSE is not that of the receipt."""
    if not isinstance(policy, dict):
        return []
    ours = {
        "commitment": format_bytes32(receipt.commitment),
        "provider": receipt.provider,
        "contract": receipt.insurance.contract,
    }
    return [
        f"another {name} than {value}" for name, value in ours.items() if _lower(policy.get(name)) != value
    ]


def _lower(text: object) -> object:
    try:
        return parse_address(text)
    except IdentifierError:
        return text


def _what_for(required: Any) -> str:
    """The resource as the 402 names it: without its query, where keys may be, and in printable characters."""
    resource = getattr(required, "resource", None)
    try:
        parts = urlsplit(resource.url if resource is not None else "")
        text = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        return ""
    return "".join(each for each in text if each.isascii() and each.isprintable())[:_URL_CHARACTERS]
