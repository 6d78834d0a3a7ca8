"""The terms that a buyer pays for; their hash goes on chain with the premium."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from eth_hash.auto import keccak

from liqpass.domain.canonical import canonical_json
from liqpass.domain.identifiers import (
    format_bytes32,
    parse_address,
    parse_bytes32,
    parse_number,
    parse_sha256,
    parse_uuid,
)
from liqpass.domain.money import Usdc, parse_base_units, usdc

SCHEMA = "liqpass.quote/1"
_KEYS = {
    "schema",
    "orderId",
    "buyer",
    "chainId",
    "checkout",
    "premium",
    "payout",
    "positionHash",
    "validUntil",
    "paramsVersion",
}


class QuoteError(ValueError):
    """Terms that are not a quote."""


@dataclass(frozen=True, slots=True)
class QuoteTerms:
    """Frozen when the position is bound.

    `order_id` is the on-chain id (`0x` + 64 hex), addresses are lower-case, `premium` and `payout` base
    units, `position_hash` 64 hex digits, `valid_until_s` unix seconds (the payment's block time may equal
    it), `params_version` 16 hex digits.
    """

    order_id: str
    buyer: str
    chain_id: int
    checkout: str
    premium: Usdc
    payout: Usdc
    position_hash: str
    valid_until_s: int
    params_version: str

    def __post_init__(self) -> None:
        parse_bytes32(self.order_id)
        for address in (self.buyer, self.checkout):
            if parse_address(address) != address:
                raise QuoteError(f"address is not in lower case: {address}")
        usdc(self.premium)
        usdc(self.payout)
        parse_sha256(self.position_hash)
        if self.chain_id <= 0 or self.valid_until_s <= 0:
            raise QuoteError("chain id and validUntil are positive")
        if len(self.params_version) != 16 or set(self.params_version) - set("0123456789abcdef"):
            raise QuoteError(f"not a parameters' version: {self.params_version!r}")

    def as_json(self) -> dict[str, str]:
        """The hashed form: strings only, amounts in base units."""
        return {
            "schema": SCHEMA,
            "orderId": self.order_id,
            "buyer": self.buyer,
            "chainId": str(self.chain_id),
            "checkout": self.checkout,
            "premium": str(self.premium),
            "payout": str(self.payout),
            "positionHash": self.position_hash,
            "validUntil": str(self.valid_until_s),
            "paramsVersion": self.params_version,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "QuoteTerms":
        """The inverse of `as_json`. Raises `QuoteError`, `IdentifierError` or `MoneyError`."""
        if set(value) != _KEYS:
            raise QuoteError(f"quote differs in: {sorted(_KEYS.symmetric_difference(value))}")
        if value["schema"] != SCHEMA:
            raise QuoteError(f"schema {value['schema']!r}, expected {SCHEMA}")
        return cls(
            order_id=format_bytes32(parse_bytes32(value["orderId"])),
            buyer=str(value["buyer"]),
            chain_id=parse_number(value["chainId"]),
            checkout=str(value["checkout"]),
            premium=parse_base_units(value["premium"]),  # type: ignore[arg-type]  # it checks the type
            payout=parse_base_units(value["payout"]),  # type: ignore[arg-type]
            position_hash=parse_sha256(value["positionHash"]),
            valid_until_s=parse_number(value["validUntil"]),
            params_version=str(value["paramsVersion"]),
        )


def quote_hash(terms: QuoteTerms) -> bytes:
    """SHA-256 of the RFC 8785 form: the `quoteHash` of `Checkout.pay`."""
    return hashlib.sha256(canonical_json(terms.as_json())).digest()


def order_id(order_uuid: str) -> bytes:
    """keccak256 of the order's UUID string: the `orderId` of `Checkout.pay`."""
    return keccak(parse_uuid(order_uuid).encode("ascii"))
