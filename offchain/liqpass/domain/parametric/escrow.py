"""What each share escrows: parts of the payout that add up to it exactly."""

from collections.abc import Sequence

from liqpass.domain.money import Usdc, usdc

TOTAL_BPS = 10_000


class EscrowError(ValueError):
    """Parts that do not make up the whole."""


def escrows(payout: Usdc, bps: Sequence[int]) -> tuple[Usdc, ...]:
    """Each share's escrow in base units, rounded DOWN; share 0 carries the dust, so nothing is missing.

    Raises `EscrowError` unless all parts are positive and make 10,000 basis points; `MoneyError`.
    """
    if any(part <= 0 for part in bps) or sum(bps) != TOTAL_BPS:
        raise EscrowError(f"shares of {', '.join(map(str, bps))} bps do not make up {TOTAL_BPS} bps")
    parts = [usdc(payout) * part // TOTAL_BPS for part in bps]
    parts[0] += payout - sum(parts)
    return tuple(usdc(part) for part in parts)
