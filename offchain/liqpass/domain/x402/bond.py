"""A provider's bond in numbers, as X402InsuranceV2 reckons: USDC base units, unix seconds, basis points."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.domain.money import Usdc, usdc
from liqpass.domain.x402.insurance import X402Error

MAX_PENALTY_BPS = 1_000
MAX_TIMEOUT_MINUTES = 10_080  # 7 days
WARNING_BPS = 7_000  # of the bond locked: from here on a provider should top up
_BPS = 10_000


class BondError(X402Error):
    """A rate, a time-out or a state of a bond that the contract does not allow."""


@dataclass(frozen=True, slots=True)
class ProtectionCost:
    """What one payment locks: `total_lock` is the payment and its `penalty`."""

    total_lock: Usdc
    penalty: Usdc


@dataclass(frozen=True, slots=True)
class Bond:
    """`getProviderStats`: `locked` is part of `total`; `minimum` must be available for new locks."""

    total: Usdc
    locked: Usdc
    minimum: Usdc
    liquidated: bool

    def __post_init__(self) -> None:
        for amount in (self.total, self.locked, self.minimum):
            usdc(amount)
        if self.locked > self.total:
            raise BondError(f"{self.locked} locked of a bond of {self.total}")

    @property
    def available(self) -> Usdc:
        """What is not locked, the minimum included."""
        return Usdc(self.total - self.locked)

    @property
    def is_healthy(self) -> bool:
        """Whether at least the minimum is available; a liquidated provider never is."""
        return not self.liquidated and self.available >= self.minimum

    @property
    def locked_share_bps(self) -> int:
        """The locked share of the bond in basis points, rounded down; 0 of an empty bond."""
        return self.locked * _BPS // self.total if self.total else 0

    @property
    def is_strained(self) -> bool:
        """Whether `WARNING_BPS` or more of the bond is locked."""
        return self.locked_share_bps >= WARNING_BPS


def penalty(amount: Usdc, penalty_bps: int) -> Usdc:
    """The penalty for `amount`, rounded UP, against the provider: no payment is too small for one.

    Raises `MoneyError`, or `BondError` for a rate outside 0..`MAX_PENALTY_BPS`.
    """
    if type(penalty_bps) is not int or not 0 <= penalty_bps <= MAX_PENALTY_BPS:
        raise BondError(f"penalty rate {penalty_bps!r} is outside 0..{MAX_PENALTY_BPS} basis points")
    return Usdc((usdc(amount) * penalty_bps + _BPS - 1) // _BPS)


def protection_cost(amount: Usdc, penalty_bps: int) -> ProtectionCost:
    """As `getProtectionCost`. Raises `BondError`, or `MoneyError` where the lock is beyond `MAX_USDC`."""
    fine = penalty(amount, penalty_bps)
    return ProtectionCost(usdc(amount + fine), fine)


def deadline_s(locked_at_s: int, timeout_minutes: int, default_timeout_minutes: int) -> int:
    """The last second in which a lock made at `locked_at_s` can be confirmed; a claim comes after it.

    A time-out of 0 means the default. Raises `BondError` for one outside 1..`MAX_TIMEOUT_MINUTES`.
    """
    minutes = default_timeout_minutes if timeout_minutes == 0 else timeout_minutes
    if not 1 <= minutes <= MAX_TIMEOUT_MINUTES:
        raise BondError(f"time-out of {minutes} minutes is outside 1..{MAX_TIMEOUT_MINUTES}")
    return locked_at_s + minutes * 60
