"""USDC in base units. Integers only; `Decimal` appears solely to read the strings of OKX."""

import re
from decimal import ROUND_FLOOR, Decimal
from typing import NewType

Usdc = NewType("Usdc", int)
"""An amount of USDC in base units (10^-6 USDC), never negative, at most `MAX_USDC`."""

UNIT = 1_000_000
MAX_USDC = Usdc(2**96 - 1)  # the contracts carry amounts as uint96

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,22})(?:\.([0-9]{1,6}))?", re.ASCII)
_BASE_UNITS = re.compile(r"0|[1-9][0-9]{0,28}", re.ASCII)


class MoneyError(ValueError):
    """Text or number that is not an amount of USDC."""


def usdc(base_units: int) -> Usdc:
    """`base_units` as an amount. Raises `MoneyError` beyond 0..`MAX_USDC`, or for a bool or a float."""
    if type(base_units) is not int:
        raise MoneyError(f"an amount is an integer of base units, not {type(base_units).__name__}")
    if not 0 <= base_units <= MAX_USDC:
        raise MoneyError(f"amount {base_units} is outside 0..{MAX_USDC} base units")
    return Usdc(base_units)


def parse_usdc(text: str) -> Usdc:
    """Read `"1.00"` as people write it: no sign, no exponent, no leading zero, at most six decimals.

    Raises `MoneyError` for anything else, JSON numbers included.
    """
    match = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise MoneyError(f"not an amount of USDC with at most 6 decimals: {text!r}")
    whole, fraction = match.groups()
    return usdc(int(whole) * UNIT + int((fraction or "").ljust(6, "0")))


def format_usdc(amount: Usdc) -> str:
    """`"1.00"`: at least two and at most six decimals, so that `parse_usdc` gives the same amount back."""
    whole, fraction = divmod(usdc(amount), UNIT)
    decimals = f"{fraction:06d}".rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals}"


def parse_base_units(text: str) -> Usdc:
    """Read `"50000000"`, the form of amounts in quotes and batch files. Raises `MoneyError`."""
    if not isinstance(text, str) or _BASE_UNITS.fullmatch(text) is None:
        raise MoneyError(f"not an amount in base units: {text!r}")
    return usdc(int(text))


def floor_usdc(amount: Decimal) -> Usdc:
    """An amount of USDT or USDC as OKX states it, rounded DOWN to base units: against the claimant.

    OKX settles in USDT or USDC and LiqPass in USDC; one unit counts as one unit (no exchange rate).
    Negative amounts are no loss: zero. Raises `MoneyError` for NaN, infinities and amounts beyond uint96.
    """
    if not amount.is_finite():
        raise MoneyError(f"not a finite amount: {amount}")
    if amount.adjusted() > 28:
        raise MoneyError(f"amount {amount} is too large")
    if amount <= 0:
        return Usdc(0)
    return usdc(int((amount * UNIT).to_integral_value(rounding=ROUND_FLOOR)))
