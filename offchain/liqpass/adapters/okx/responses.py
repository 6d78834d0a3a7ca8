"""What OKX answered: the raw bytes, kept for evidence, and the rows read from them strictly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from liqpass.adapters.okx.errors import RetryableError, UnreadableError, error_for
from liqpass.domain.strict_json import StrictJsonError, parse_strict

MAX_BODY_BYTES = 1 << 20
MAX_DEPTH = 8
MAX_ID = 10**20  # an id that came as a number is a finding for the rules, not an unreadable answer

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RawResponse:
    """One answer, byte for byte. `path` has the query exactly as requested; times are our clock's, in ms."""

    method: str
    path: str
    http_status: int
    requested_at_ms: int
    received_at_ms: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows without duplicates in OKX's order, and every answer they came from in the order of asking."""

    rows: tuple[Row, ...] = field(repr=False)
    responses: tuple[RawResponse, ...]


def rows_of(raw: RawResponse) -> tuple[Row, ...]:
    """The rows of `data` of a successful answer.

    Raises UnreadableError for what is not the documented envelope (`code` and `msg` strings, `data` a list of
    objects), RetryableError for HTTP 5xx and 429, and the class of OKX's code for any code but "0", which is
    a failure even at HTTP 200.
    """
    if 300 <= raw.http_status < 400:
        raise UnreadableError(
            f"OKX answered with a redirect (HTTP {raw.http_status}), which is never followed"
        )
    code, data = _envelope(raw)
    if code != "0":
        raise error_for(code)
    if raw.http_status != 200:
        raise UnreadableError(f"OKX answered code 0 with HTTP {raw.http_status}")
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise UnreadableError("OKX answered without a list of rows")
    return tuple(data)


def _envelope(raw: RawResponse) -> tuple[str, object]:
    try:
        document = parse_strict(raw.body, max_bytes=MAX_BODY_BYTES, max_depth=MAX_DEPTH, max_integer=MAX_ID)
    except StrictJsonError:
        document = None
    code = document.get("code") if isinstance(document, dict) else None
    if isinstance(document, dict) and isinstance(code, str) and isinstance(document.get("msg"), str):
        if code == "0" and raw.http_status >= 500:
            raise RetryableError(f"OKX answered HTTP {raw.http_status}")
        return code, document.get("data")
    if raw.http_status == 429 or raw.http_status >= 500:
        raise RetryableError(f"OKX answered HTTP {raw.http_status}")
    raise UnreadableError(f"OKX answered HTTP {raw.http_status} with something that is not its JSON")
