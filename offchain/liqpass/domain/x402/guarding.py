"""What a client may sign: a payment that a bond of the contract which it trusts will cover, or nothing.

Pure. The 402 is its sender's word: it may name a provider, and nothing else in it is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from liqpass.domain.identifiers import IdentifierError, checksum_address, parse_address
from liqpass.domain.money import MoneyError, Usdc, format_usdc, parse_base_units
from liqpass.domain.x402.bond import MAX_TIMEOUT_MINUTES
from liqpass.domain.x402.insurance import Insurance, X402Error
from liqpass.domain.x402.insured_settlement import (
    TIMEOUT_FIELD,
    Authorization,
    InsuredProvider,
    PaymentRefusedError,
    RefusalCode,
    Terms,
    check_terms,
    check_version,
    check_way,
)
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.domain.x402.receipts import Standing

MAX_VALID_S = 3_600  # a signature that is never used can be sent so long, by whoever has it
# Unserved, the money may be out of a client's hands as long again as its signature may be valid.
USUAL_MAX_TIMEOUT_MINUTES = 60
_EIP3009 = (None, "eip3009")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client pays at all. `most`: USDC a payment, None for any.

    `providers`: whom it pays, in lower case; empty for whoever an offer names. `max_timeout_minutes`: after
    how many at the latest an unserved payment has to be claimable; 10080 for any.
    """

    most: Usdc | None
    providers: frozenset[str]
    max_timeout_minutes: int = USUAL_MAX_TIMEOUT_MINUTES

    def __post_init__(self) -> None:
        if not 0 < self.max_timeout_minutes <= MAX_TIMEOUT_MINUTES:
            raise X402Error(
                f"longest time-out of {self.max_timeout_minutes} minutes: 1..{MAX_TIMEOUT_MINUTES} is allowed"
            )
        for provider in self.providers:
            if parse_address(provider) != provider:
                raise X402Error(f"provider is not in lower case: {provider}")


@dataclass(frozen=True, slots=True)
class Offer:
    """One option of a 402 as it came. `transfer_method`: `extra.assetTransferMethod`.

    `signed_for`: name and version of the token in `extra`, None where it does not say.
    `timeout_minutes`: what `extra` asks the facilitator to lock for, None where it does not.
    `extension`: what the 402 declares as `bond-insurance`, None where it does not.
    """

    version: object
    terms: Terms
    amount: str
    valid_s: int
    transfer_method: object
    signed_for: tuple[object, object]
    timeout_minutes: object
    extension: object


@dataclass(frozen=True, slots=True)
class InsurableOffer:
    """An offer that is insured where the bond suffices: `provider` in lower case."""

    provider: str
    amount: Usdc


def check_offer(insurance: Insurance, usdc_address: str, limits: Limits, offer: Offer) -> InsurableOffer:
    """Whether an offer leads through a bond of `insurance`, from its bytes. Raises PaymentRefusedError."""
    check_version(offer.version)
    named = _named_provider(insurance, offer.extension)
    provider = _provider(insurance, limits, named, offer.terms.pay_to)
    check_terms(insurance, usdc_address, InsuredProvider(provider), offer.terms)
    _check_spelling(offer.terms.pay_to)
    if offer.transfer_method not in _EIP3009:
        raise PaymentRefusedError(RefusalCode.PERMIT2, "only an EIP-3009 payment goes through the bond")
    if not all(each is None or isinstance(each, str) for each in offer.signed_for):
        raise PaymentRefusedError(RefusalCode.PAYLOAD, "the token's name or version is no text")
    if not 0 < offer.valid_s <= MAX_VALID_S:
        raise PaymentRefusedError(
            RefusalCode.VALIDITY,
            f"the signature would be valid for {offer.valid_s} s, 1..{MAX_VALID_S} is allowed",
        )
    _check_timeout(limits, offer.timeout_minutes, _declared(offer.extension).get("timeoutMinutes"))
    return InsurableOffer(provider, _amount(limits, offer.amount))


def may_be_insured(insurance: Insurance, usdc_address: str, limits: Limits, offer: Offer) -> bool:
    """Whether an offer is worth choosing among several, whatever its 402 declares; no reason to sign it."""
    try:
        check_way(insurance, usdc_address, offer.terms)
        _amount(limits, offer.amount)
        if offer.timeout_minutes is not None:
            _check_timeout(limits, offer.timeout_minutes)
    except PaymentRefusedError:
        return False
    pay_to = {payment_address(insurance, provider) for provider in limits.providers}
    return offer.transfer_method in _EIP3009 and (not pay_to or offer.terms.pay_to.lower() in pay_to)


def check_signed(offer: Offer, insurable: InsurableOffer, signed: Authorization) -> None:
    """Whether what was signed is what was checked. Raises PaymentRefusedError."""
    if (signed.pay_to, signed.amount) != (offer.terms.pay_to.lower(), insurable.amount):
        raise PaymentRefusedError(RefusalCode.PAYLOAD, "what was signed is not what was offered")


def locked_too_long(limits: Limits, standing: Standing) -> str | None:
    """How a lock outlasts what was allowed: who settles decides that, and need not be who made the offer."""
    policy = standing.policy
    if policy is None or policy.deadline_s - standing.time_s <= limits.max_timeout_minutes * 60:
        return None
    return f"locked until {policy.deadline_s}, longer than the {limits.max_timeout_minutes} minutes allowed"


def _declared(extension: object) -> Mapping[str, object]:
    info = extension.get("info") if isinstance(extension, Mapping) else None
    return info if isinstance(info, Mapping) else {}


def _check_timeout(limits: Limits, *asked: object) -> None:
    """All that is said of it has to fit. What says nothing could be locked for as long as any lock."""
    most = limits.max_timeout_minutes
    said = [each for each in asked if each is not None]
    for minutes in said:
        if type(minutes) is not int or not 0 < minutes <= MAX_TIMEOUT_MINUTES:
            raise PaymentRefusedError(
                RefusalCode.TIMEOUT,
                f"the time-out is no whole number of minutes from 1 to {MAX_TIMEOUT_MINUTES}",
            )
        if minutes > most:
            raise PaymentRefusedError(
                RefusalCode.TIMEOUT,
                f"what is not served could be claimed after {minutes} minutes only, "
                f"at most {most} are allowed",
            )
    if not said and most < MAX_TIMEOUT_MINUTES:
        raise PaymentRefusedError(
            RefusalCode.TIMEOUT,
            f"neither {TIMEOUT_FIELD} nor bond-insurance says after how many minutes what is not served can "
            f"be claimed: it may be {MAX_TIMEOUT_MINUTES}, at most {most} are allowed",
        )


def _named_provider(insurance: Insurance, extension: object) -> str | None:
    """The provider in `bond-insurance`, in lower case; None where the 402 declares none."""
    if extension is None:
        return None
    info = _declared(extension)
    if not info:
        raise PaymentRefusedError(RefusalCode.EXTENSION, "bond-insurance has no info")
    try:
        contract, provider = (parse_address(info.get(name)) for name in ("contract", "provider"))
    except IdentifierError:
        raise PaymentRefusedError(
            RefusalCode.EXTENSION, "bond-insurance names a contract or a provider that is no address"
        ) from None
    if info.get("network") != f"eip155:{insurance.chain_id}":
        raise PaymentRefusedError(RefusalCode.NETWORK, f"only eip155:{insurance.chain_id} is insured")
    if contract != insurance.contract:
        raise PaymentRefusedError(
            RefusalCode.CONTRACT,
            f"insured by {checksum_address(contract)}, trusted is {checksum_address(insurance.contract)}",
        )
    return provider


def _provider(insurance: Insurance, limits: Limits, named: str | None, pay_to: str) -> str:
    if named is None:
        if not limits.providers:
            raise PaymentRefusedError(
                RefusalCode.PROVIDER, "the offer declares no bond-insurance, and no provider is pinned"
            )
        for provider in limits.providers:
            if payment_address(insurance, provider) == pay_to.lower():
                return provider
        raise PaymentRefusedError(RefusalCode.PAY_TO, "payTo is no payment address of a pinned provider")
    if limits.providers and named not in limits.providers:
        raise PaymentRefusedError(RefusalCode.PINNED, f"{checksum_address(named)} is not a pinned provider")
    return named


def _check_spelling(pay_to: str) -> None:
    """A payment repeats it, and is read again after it was signed: what is refused then is not signed."""
    try:
        parse_address(pay_to)
    except IdentifierError:
        raise PaymentRefusedError(RefusalCode.PAY_TO, "payTo is spelt as no address is") from None


def _amount(limits: Limits, text: str) -> Usdc:
    try:
        amount = parse_base_units(text)
    except MoneyError:
        amount = Usdc(0)
    if amount == 0:
        raise PaymentRefusedError(RefusalCode.PAYLOAD, "the amount is no number of base units above zero")
    if limits.most is not None and amount > limits.most:
        raise PaymentRefusedError(
            RefusalCode.AMOUNT,
            f"{format_usdc(amount)} USDC are asked, at most {format_usdc(limits.most)} are allowed",
        )
    return amount
