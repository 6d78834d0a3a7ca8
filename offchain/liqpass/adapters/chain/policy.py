"""How the engine behaves: fees, waiting, depth. And the arithmetic of fees (EIP-1559)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

TX_GAS_LIMIT = 2**24  # EIP-7825, in force on Base
_GWEI = 10**9
MINIMUM_BUMP_BPS = 1000  # what nodes ask of a replacement, on both fees


@dataclass(frozen=True, slots=True)
class Policy:
    """
    `max_fee_wei`: most that is ever offered per gas; a fee bump stops there.
    `confirmations`: depth of a receipt that counts; 1 is the head itself (0 means the same).
    `settled`: the block that decides that a nonce was used by another transaction: the node's `safe` or
    `finalized` tag, or `confirmed`, the block that has `confirmations` (development chains, whose tags stay
    at 0).
    `bump_after_s`: a transaction that no block holds for so long is stuck.
    `timeout_s`: how long `submit` waits before StillPendingError.
    `lost_polls`: so many polls in a row must see the nonce used and no receipt, because a node behind a load
    balancer may know one and not yet the other.
    """

    max_fee_wei: int
    confirmations: int = 2
    settled: Literal["safe", "finalized", "confirmed"] = "safe"
    gas_margin_bps: int = 2000
    max_gas: int = TX_GAS_LIMIT
    bump_bps: int = 1250
    bump_after_s: float = 30.0
    rebroadcast_after_s: float = 10.0
    poll_s: float = 1.0
    timeout_s: float = 300.0
    lost_polls: int = 3
    lock_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if self.bump_bps < MINIMUM_BUMP_BPS:
            raise ValueError(f"bump_bps is {self.bump_bps}; nodes refuse less than {MINIMUM_BUMP_BPS}")
        if self.max_fee_wei <= 0 or self.confirmations < 0 or self.max_gas > TX_GAS_LIMIT:
            raise ValueError("max_fee_wei must be positive, confirmations not negative, max_gas at most 2^24")

    @classmethod
    def local(cls) -> Self:
        """For a private anvil, whose ether is worth nothing."""
        return cls(
            max_fee_wei=10**13,
            confirmations=1,
            settled="confirmed",
            poll_s=0.02,
            timeout_s=30.0,
            bump_after_s=5.0,
            rebroadcast_after_s=1.0,
        )

    @classmethod
    def of(cls, max_fee_gwei: float, *, live: bool) -> Self:
        """At most `max_fee_gwei` per gas on a live network; `local` on a development chain."""
        return cls(max_fee_wei=int(max_fee_gwei * _GWEI)) if live else cls.local()

    def gas_with_margin(self, estimate: int) -> int:
        """Gas limit to sign: the estimate and its margin, rounded up, never above `max_gas`."""
        return min(-(-estimate * (10_000 + self.gas_margin_bps) // 10_000), self.max_gas)

    @property
    def depth(self) -> int:
        """Blocks from a receipt's own to the head, both counted, at which it is confirmed; at least 1."""
        return max(self.confirmations, 1)


@dataclass(frozen=True, slots=True)
class Fees:
    """Wei per gas."""

    max_fee: int
    priority: int

    @classmethod
    def suggested(cls, base_fee: int, priority: int) -> Self:
        """Room for six full blocks, each of which may raise the base fee by an eighth."""
        return cls(max_fee=2 * base_fee + priority, priority=priority)

    def capped(self, cap: int) -> Fees:
        """Neither above `cap`, in wei per gas."""
        return Fees(max_fee=min(self.max_fee, cap), priority=min(self.priority, cap))

    def bumped(self, bump_bps: int, market: Fees, cap: int) -> Fees | None:
        """At least `bump_bps` more on both fees, or the market's if more; None when the cap forbids it."""
        needed = Fees(_raised(self.max_fee, bump_bps), _raised(self.priority, bump_bps))
        if needed.max_fee > cap:
            return None
        max_fee = min(max(needed.max_fee, market.max_fee), cap)
        return Fees(max_fee, min(max(needed.priority, market.priority), max_fee))


def _raised(fee: int, bump_bps: int) -> int:
    # Rounded up and never equal: 10 % of 1 wei is still more than 1 wei.
    return max(-(-fee * (10_000 + bump_bps) // 10_000), fee + 1)
