"""A premium to be paid, as the use cases see it: two transactions, or one signature without gas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from liqpass.records import Order


@dataclass(frozen=True, slots=True)
class PremiumCall:
    """A transaction for the buyer's wallet to send; it carries no ether. `to` is a checksum address."""

    to: str
    data: str
    chain_id: int


@dataclass(frozen=True, slots=True)
class PreparedPremium:
    """Both ways to pay an order.

    `approve` then `pay`; or the buyer signs `typed_data` (`eth_signTypedData_v4`), whose EIP-712 hash is
    `digest`, and anybody relays it: valid for blocks after `valid_after_s` and before `valid_before_s`.
    """

    approve: PremiumCall
    pay: PremiumCall
    typed_data: Mapping[str, Any]
    digest: bytes
    valid_after_s: int
    valid_before_s: int


class Premiums(Protocol):
    """Prepares premiums for Checkout and USDC as the chain has them."""

    def prepare(self, order: Order) -> PreparedPremium:
        """Both ways to pay a bound order. Raises RecordError for one that is not bound, ChainError."""
