"""Amounts: exact strings, integers, rounding against the claimant."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.money import (
    MAX_USDC,
    MoneyError,
    floor_usdc,
    format_usdc,
    parse_base_units,
    parse_usdc,
    usdc,
)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("1", 1_000_000),
        ("1.0", 1_000_000),
        ("1.00", 1_000_000),
        ("0.000001", 1),
        ("50.123456", 50_123_456),
        ("79228162514264337593543.950335", MAX_USDC),
    ],
)
def test_parse_usdc__amount__base_units(text, amount):
    assert parse_usdc(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "01",
        "1.",
        ".5",
        "1.0000001",
        "1e3",
        " 1",
        "1 ",
        "1,0",
        "NaN",
        "١",
        "1\n",
        1,
        1.0,
        None,
        "79228162514264337593543.950336",
        "9" * 40,
    ],
)
def test_parse_usdc__anything_else__refused(text):
    with pytest.raises(MoneyError):
        parse_usdc(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00"), (1, "0.000001"), (1_000_000, "1.00"), (1_100_000, "1.10"), (50_123_400, "50.1234")],
)
def test_format_usdc__amount__two_to_six_decimals(amount, text):
    assert format_usdc(amount) == text


@given(st.integers(0, MAX_USDC))
def test_format_usdc__any_amount__parses_back(amount):
    assert parse_usdc(format_usdc(amount)) == amount
    assert parse_base_units(str(amount)) == amount


@pytest.mark.parametrize("text", ["", "-1", "01", "1.0", "1e3", " 1", str(2**96), "9" * 30, 5, None])
def test_parse_base_units__anything_else__refused(text):
    with pytest.raises(MoneyError):
        parse_base_units(text)


@pytest.mark.parametrize("amount", [-1, 2**96, 1.0, True, "1", None])
def test_usdc__not_an_amount__refused(amount):
    with pytest.raises(MoneyError):
        usdc(amount)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("-5", 0),
        ("0.0000019", 1),
        ("0.0000009999", 0),
        ("102.6", 102_600_000),
        ("12345678901234567.1234569", 12_345_678_901_234_567_123_456),
    ],
)
def test_floor_usdc__okx_amount__rounded_down_never_negative(text, amount):
    assert floor_usdc(Decimal(text)) == amount


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "1e30", "1e99999999", "79228162514264337593544"]
)
def test_floor_usdc__no_amount__refused(text):
    with pytest.raises(MoneyError):
        floor_usdc(Decimal(text))


@given(st.decimals(min_value=0, max_value=10**15, allow_nan=False, places=9))
def test_floor_usdc__any_loss__never_above_it_and_less_than_one_unit_below(loss):
    amount = floor_usdc(loss)

    assert 0 <= loss - Decimal(amount) / 1_000_000 < Decimal("0.000001")
