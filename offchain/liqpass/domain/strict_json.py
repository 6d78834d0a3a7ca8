"""JSON as RFC 8259 and RFC 7493 (I-JSON) mean it, without what Python's reader lets through."""

import json
import re
from decimal import Decimal
from functools import partial
from itertools import accumulate
from typing import Any, NoReturn

MAX_INTEGER = 2**53 - 1  # RFC 7493 §2.2: beyond this, readers disagree on the value
_MAX_NUMBER_CHARS = 40
_MAX_EXPONENT = 308

# Brackets inside strings do not count. A string without an end goes to the end: sought anew from each of its
# quotes, 64 KB of them took half a minute.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class StrictJsonError(ValueError):
    """Bytes that are not JSON, or JSON that two readers could understand differently, or a bomb."""


def parse_strict(
    data: bytes, *, max_bytes: int, max_depth: int, numbers: bool = True, max_integer: int = MAX_INTEGER
) -> Any:
    """Parse one JSON value; fractions come as `Decimal`, never as float.

    Raises `StrictJsonError` for more than `max_bytes` bytes, nesting beyond `max_depth`, bad UTF-8, a byte
    order mark, duplicate keys, NaN and infinities, integers beyond `max_integer`, lone surrogates, and, with
    `numbers=False`, any number at all.
    """
    if len(data) > max_bytes:
        raise StrictJsonError(f"{len(data)} bytes of JSON, allowed are {max_bytes}")
    _check_depth(data, max_depth)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"not UTF-8 at byte {error.start}") from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=partial(_integer, max_integer) if numbers else _no_number,
            parse_float=_fraction if numbers else _no_number,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"not JSON: {error.msg} at character {error.pos}") from error
    if _SURROGATE_ESCAPE.search(data):
        _check_surrogates(value)
    return value


def _check_depth(data: bytes, max_depth: int) -> None:
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > max_depth:
        raise StrictJsonError(f"nested deeper than {max_depth} levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise StrictJsonError(f"duplicate key {key!r}")
            seen.add(key)
    return value


def _integer(max_integer: int, text: str) -> int:
    if len(text) > _MAX_NUMBER_CHARS or abs(int(text)) > max_integer:
        raise StrictJsonError(f"integer beyond {max_integer}: {text[:_MAX_NUMBER_CHARS]}")
    return int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > _MAX_NUMBER_CHARS:
        raise StrictJsonError(f"number of {len(text)} characters, allowed are {_MAX_NUMBER_CHARS}")
    value = Decimal(text)
    if value and abs(value.adjusted()) > _MAX_EXPONENT:
        raise StrictJsonError(f"number out of range: {text}")
    return value


def _no_number(text: str) -> NoReturn:
    raise StrictJsonError(f"a number where only strings are allowed: {text[:_MAX_NUMBER_CHARS]}")


def _no_constant(name: str) -> NoReturn:
    raise StrictJsonError(f"{name} is not JSON")


def _check_surrogates(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise StrictJsonError("a lone surrogate is not Unicode text") from error
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_surrogates(key)
            _check_surrogates(item)
    elif isinstance(value, list):
        for item in value:
            _check_surrogates(item)
