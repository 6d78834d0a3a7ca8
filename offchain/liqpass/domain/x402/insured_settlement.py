"""Which x402 payments a facilitator may insure, and what it then settles. Pure: nothing is asked of a chain.

An x402 payment of scheme `exact` is an EIP-3009 authorization towards `payTo`. It can be insured where
`payTo` is the payment address of a provider that this facilitator serves; anything else would be a payment
without a lock, and is refused before any work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from liqpass.domain.identifiers import IdentifierError, parse_address, parse_bytes32, parse_number
from liqpass.domain.money import MoneyError, Usdc, usdc
from liqpass.domain.x402.bond import MAX_TIMEOUT_MINUTES
from liqpass.domain.x402.commitments import settlement_commitment
from liqpass.domain.x402.insurance import Insurance, X402Error
from liqpass.domain.x402.payment_addresses import payment_address

KEY_PREFIX = "x402/settle/"
X402_VERSION = 2
SCHEME = "exact"
TIMEOUT_FIELD = "insuranceTimeoutMinutes"  # of `extra` in a resource server's payment requirements
_PERMIT2 = "permit2Authorization"
_UINT256 = 2**256


class RefusalCode(StrEnum):
    """Why a payment is not insured; where the SDK has a code for it, the SDK's."""

    VERSION = "invalid_x402_version"
    SCHEME = "unsupported_scheme"
    NETWORK = "network_mismatch"
    ASSET = "asset_not_insured"
    PAY_TO = "pay_to_not_insured"
    PERMIT2 = "permit2_not_insured"
    TIMEOUT = "insurance_timeout_not_allowed"
    PAYLOAD = "invalid_payload"
    SETTLER = "settler_not_named"
    SETTLER_AWAY = "settler_away"
    BOND = "insufficient_bond"
    VALUE = "invalid_exact_evm_payload_authorization_value_mismatch"
    USED = "invalid_exact_evm_nonce_already_used"
    ENDED = "insurance_ended"
    LATE = "insurance_running_out"
    # What a client refuses before it signs.
    EXTENSION = "bond_insurance_malformed"
    BALANCE = "invalid_exact_evm_insufficient_balance"
    CONTRACT = "contract_not_trusted"
    PROVIDER = "provider_not_named"
    PINNED = "provider_not_pinned"
    AMOUNT = "amount_above_limit"
    VALIDITY = "validity_too_long"
    LEAVING = "provider_not_active"
    PAUSED = "insurance_paused"
    CHAIN = "chain_unavailable"
    CLOSED = "guard_closed"


class PaymentRefusedError(X402Error):
    """A payment that is not insured: `code` for programs, `reason` for the log and the provider."""

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class InsuredProvider:
    """A provider that a facilitator serves, in lower case, and the time-outs of its payments.

    `timeout_minutes` holds where its resource server asks for none, 0 for the contract's default;
    `max_timeout_minutes` is the most that it may ask for.
    """

    provider: str
    timeout_minutes: int = 0
    max_timeout_minutes: int = MAX_TIMEOUT_MINUTES

    def __post_init__(self) -> None:
        if parse_address(self.provider) != self.provider:
            raise X402Error(f"provider is not in lower case: {self.provider}")
        most = self.max_timeout_minutes
        if not 0 < most <= MAX_TIMEOUT_MINUTES:
            raise X402Error(f"longest time-out of {most} minutes: 1..{MAX_TIMEOUT_MINUTES} is allowed")
        if not 0 <= self.timeout_minutes <= most:
            raise X402Error(f"time-out of {self.timeout_minutes} minutes: 0..{most} is allowed")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the resource server asks: the fields of x402's PaymentRequirements that decide here."""

    scheme: str
    network: str
    asset: str
    pay_to: str


@dataclass(frozen=True, slots=True)
class Authorization:
    """The client's EIP-3009 `TransferWithAuthorization`: lower case, unix seconds, exclusive at both ends."""

    client: str
    pay_to: str
    amount: Usdc
    valid_after_s: int
    valid_before_s: int
    nonce: bytes


@dataclass(frozen=True, slots=True)
class InsuredSettlement:
    """The arguments of one `settleAndInsure`. `signature`: the client's, as USDC takes it.

    `timeout_minutes`: 0 for the contract's default.
    """

    commitment: bytes
    provider: InsuredProvider
    authorization: Authorization
    signature: bytes
    timeout_minutes: int


def check_version(version: object) -> None:
    """Raises PaymentRefusedError for anything but version 2: version 1 has no settlement that is insured."""
    if version != X402_VERSION or isinstance(version, bool):
        raise PaymentRefusedError(RefusalCode.VERSION, f"only x402 version {X402_VERSION} is insured")


def check_way(insurance: Insurance, usdc_address: str, terms: Terms) -> None:
    """Whether anybody's bond could cover a payment that is made this way. Raises PaymentRefusedError."""
    if terms.scheme != SCHEME:
        raise PaymentRefusedError(RefusalCode.SCHEME, f"only scheme {SCHEME} is insured")
    network = f"eip155:{insurance.chain_id}"
    if terms.network != network:
        raise PaymentRefusedError(RefusalCode.NETWORK, f"only {network} is insured")
    if terms.asset.lower() != usdc_address:
        raise PaymentRefusedError(RefusalCode.ASSET, f"only USDC at {usdc_address} is insured")


def check_terms(insurance: Insurance, usdc_address: str, provider: InsuredProvider, terms: Terms) -> None:
    """Whether a payment on these terms goes through `provider`'s bond. Raises PaymentRefusedError."""
    check_way(insurance, usdc_address, terms)
    wanted = payment_address(insurance, provider.provider)
    if terms.pay_to.lower() != wanted:
        raise PaymentRefusedError(
            RefusalCode.PAY_TO, f"payTo must be the provider's payment address {wanted}"
        )


def read_timeout(provider: InsuredProvider, extra: Mapping[str, Any]) -> int:
    """The minutes that `extra` of the resource server's requirements asks for, else the provider's default.

    Raises PaymentRefusedError. The server's word counts: only the provider's key asks for a settlement, and
    what its server asks is what it told the client.
    """
    if TIMEOUT_FIELD not in extra:
        return provider.timeout_minutes
    asked, most = extra[TIMEOUT_FIELD], provider.max_timeout_minutes
    if type(asked) is not int or not 0 < asked <= most:
        raise PaymentRefusedError(
            RefusalCode.TIMEOUT, f"{TIMEOUT_FIELD} must be a whole number from 1 to {most}"
        )
    return asked


def read_authorization(payload: Mapping[str, Any]) -> Authorization:
    """The authorization in an `exact` payload. Raises PaymentRefusedError; for permit2 too.

    The SDK dispatches by this shape, so the shape is what is refused.
    """
    if _PERMIT2 in payload:
        raise PaymentRefusedError(RefusalCode.PERMIT2, "a permit2 payment would pass by the bond")
    fields = payload.get("authorization")
    if not isinstance(fields, Mapping):
        raise PaymentRefusedError(RefusalCode.PAYLOAD, "no EIP-3009 authorization")
    try:
        valid_after_s, valid_before_s = (
            parse_number(fields.get(name)) for name in ("validAfter", "validBefore")
        )
        authorization = Authorization(
            client=parse_address(fields.get("from")),
            pay_to=parse_address(fields.get("to")),
            amount=usdc(parse_number(fields.get("value"))),
            valid_after_s=valid_after_s,
            valid_before_s=valid_before_s,
            nonce=parse_bytes32(str(fields.get("nonce")).lower()),
        )
    except (IdentifierError, MoneyError):
        raise PaymentRefusedError(RefusalCode.PAYLOAD, "the authorization has a field out of form") from None
    if authorization.amount == 0 or max(valid_after_s, valid_before_s) >= _UINT256:
        raise PaymentRefusedError(RefusalCode.PAYLOAD, "the authorization has a field out of range")
    return authorization


def insured_settlement(
    insurance: Insurance,
    provider: InsuredProvider,
    authorization: Authorization,
    signature: bytes,
    *,
    timeout_minutes: int,
) -> InsuredSettlement:
    """What `settleAndInsure` makes of it; the commitment names the payment for ever."""
    commitment = settlement_commitment(
        insurance, provider=provider.provider, client=authorization.client, nonce=authorization.nonce
    )
    return InsuredSettlement(commitment, provider, authorization, signature, timeout_minutes)


def settlement_key(insurance: Insurance, commitment: bytes) -> str:
    """The settlement's name in the journal."""
    return f"{KEY_PREFIX}{insurance.contract}/{commitment.hex()}"
