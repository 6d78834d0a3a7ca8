"""What Python's reader lets through and ours does not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.canonical import canonical_json
from liqpass.domain.strict_json import StrictJsonError, parse_strict

LIMITS = {"max_bytes": 1000, "max_depth": 4}


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":["b",null,true,false]}', {"a": ["b", None, True, False]}),
        (b" [ ] ", []),
        ('"\\u20ac€\\ud83d\\ude00"'.encode(), "€€😀"),
        (b'"\\\\ud800"', "\\ud800"),
        (b"9007199254740991", 2**53 - 1),
        (b"-9007199254740991", -(2**53) + 1),
        (b"0.10", Decimal("0.10")),
        (b"1e3", Decimal("1000")),
        (b'{"[[[[[[":"}}}}"}', {"[[[[[[": "}}}}"}),
        (b"[[[[]]]]", [[[[]]]]),
    ],
)
def test_parse_strict__plain_json__read(data, value):
    result = parse_strict(data, **LIMITS)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"[1] x", "not JSON"),
        (b"'a'", "not JSON"),
        (b'"\x01"', "not JSON"),
        (b"01", "not JSON"),
        (b'{"a":1,"a":1}', "duplicate key 'a'"),
        (b'[{"b":{"a":1,"\\u0061":2}}]', "duplicate key 'a'"),
        (b"NaN", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\udc00x":1}', "lone surrogate"),
        (b'[{"a":["\\uD83D"]}]', "lone surrogate"),
        (b"[[[[[]]]]]", "nested deeper than 4"),
        (b'[{"a":[{"b":[]}]}]', "nested deeper than 4"),
        (b"[" * 1000, "nested deeper than 4"),
        (b" " * 1001, "1001 bytes of JSON, allowed are 1000"),
        (b"9007199254740992", "integer beyond"),
        (b"-9007199254740992", "integer beyond"),
        (b"1" * 900, "integer beyond"),
        (b"0." + b"1" * 900, "number of 902 characters"),
        (b"1e999", "number out of range"),
        (b"1e-999", "number out of range"),
    ],
)
def test_parse_strict__ambiguous_or_hostile__refused(data, message):
    with pytest.raises(StrictJsonError, match=message):
        parse_strict(data, **LIMITS)


@pytest.mark.parametrize("start", [b'"', b'"\\', b'["'])
def test_parse_strict__a_million_escaped_quotes_and_no_end__refused_at_once(start):
    data = start + b'\\"' * 1_000_000

    with pytest.raises(StrictJsonError, match="not JSON"):  # a search from each quote would take days
        parse_strict(data, max_bytes=len(data), max_depth=4)


@pytest.mark.parametrize("data", [b"1", b"[0.5]", b'{"a":-1}', b"1e5"])
def test_parse_strict__number_where_none_is_allowed__refused(data):
    with pytest.raises(StrictJsonError, match="a number where only strings are allowed"):
        parse_strict(data, **LIMITS, numbers=False)


def test_parse_strict__raised_integer_limit__up_to_it():
    assert parse_strict(b"100", **LIMITS, max_integer=100) == 100
    with pytest.raises(StrictJsonError):
        parse_strict(b"101", **LIMITS, max_integer=100)


@given(st.binary(max_size=200))
def test_parse_strict__any_bytes__value_or_its_own_error(data):
    try:
        value = parse_strict(data, max_bytes=200, max_depth=8, numbers=False)
    except StrictJsonError:
        return
    assert parse_strict(canonical_json(value), max_bytes=2000, max_depth=8) == value
