"""One insured payment as X402InsuranceV2 holds it, and how it can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from liqpass.domain.money import Usdc


class PaymentStatus(IntEnum):
    """The contract's `ClaimStatus`. All but NONE and OPEN are ends."""

    NONE = 0
    OPEN = 1
    CONFIRMED = 2
    CLAIMED = 3
    REFUNDED = 4

    @property
    def is_end(self) -> bool:
        """Whether nothing can follow it."""
        return self > PaymentStatus.OPEN


@dataclass(frozen=True, slots=True)
class InsuredPayment:
    """The contract's `Policy`: addresses in lower case, `deadline_s` in unix seconds.

    `lock`: what is, or was, locked of the provider's bond for it, the payment and the penalty.
    """

    commitment: bytes
    provider: str
    client: str
    amount: Usdc
    lock: Usdc
    deadline_s: int
    status: PaymentStatus

    @property
    def is_open(self) -> bool:
        """Whether it can still be confirmed, refunded or claimed."""
        return self.status is PaymentStatus.OPEN

    def is_overdue(self, now_s: int) -> bool:
        """Whether anyone may claim it: the deadline itself still belongs to the provider."""
        return self.is_open and now_s > self.deadline_s
