"""From stored answers of OKX to rows, and the proof that no page is missing.

An empty list is absence only when every page was read: each listing must start without a cursor, each next
page must go on exactly where the one before it ended, no filter may hide a liquidation, and the last page
must be short. What falls short of that is an incomplete fetch, never a verdict.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from liqpass.domain.evidence import StoredRequest
from liqpass.domain.okx_records import OPENING_FILL_TOLERANCE_MS
from liqpass.domain.position import PositionKey
from liqpass.domain.reasons import Reason
from liqpass.domain.strict_json import StrictJsonError, parse_strict

POSITIONS = "/api/v5/account/positions"
POSITIONS_HISTORY = "/api/v5/account/positions-history"
ORDERS_HISTORY = "/api/v5/trade/orders-history"
ORDERS_ARCHIVE = "/api/v5/trade/orders-history-archive"

PAGE_LIMIT = 100
MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_BODY_DEPTH = 12
_MAX_ID = 10**20  # an id that came as a number is a finding for the rules, not an unreadable answer
_DAY_MS = 86_400_000
_REACH_MS = {
    POSITIONS_HISTORY: 89 * _DAY_MS,  # "three months": 89 days in the worst case
    ORDERS_HISTORY: 7 * _DAY_MS,
    ORDERS_ARCHIVE: 89 * _DAY_MS,
}

Row = Mapping[str, Any]


class EvidenceIncompleteError(ValueError):
    """The bundle does not hold what a verdict needs: the claim is FAILED and may be fetched again."""

    def __init__(self, reason: Reason, message: str) -> None:
        """`reason` is FETCH_FAILED, EVIDENCE_INCOMPLETE or EVIDENCE_UNREADABLE."""
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Records:
    """Rows by endpoint, duplicates dropped: open at binding; open, closed and ordered at claim."""

    bound: tuple[Row, ...]
    open: tuple[Row, ...]
    closed: tuple[Row, ...]
    orders: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    request: StoredRequest
    endpoint: str
    filters: Mapping[str, str]
    rows: tuple[Row, ...]


def read_rows(request: StoredRequest) -> tuple[Row, ...]:
    """The `data` of one successful answer. Raises `EvidenceIncompleteError`."""
    if request.http_status != 200:
        raise EvidenceIncompleteError(Reason.FETCH_FAILED, f"{request.path}: HTTP {request.http_status}")
    try:
        body = parse_strict(
            request.body.encode("utf-8"),
            max_bytes=MAX_BODY_BYTES,
            max_depth=MAX_BODY_DEPTH,
            max_integer=_MAX_ID,
        )
    except (StrictJsonError, UnicodeEncodeError) as error:
        raise EvidenceIncompleteError(Reason.EVIDENCE_UNREADABLE, f"{request.path}: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        raise EvidenceIncompleteError(Reason.EVIDENCE_UNREADABLE, f"{request.path}: not an answer of OKX")
    if body["code"] != "0":
        raise EvidenceIncompleteError(Reason.FETCH_FAILED, f"{request.path}: OKX code {body['code']}")
    rows = body.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise EvidenceIncompleteError(Reason.EVIDENCE_UNREADABLE, f"{request.path}: data is not a list")
    return tuple(rows)


def read_records(requests: Sequence[StoredRequest], key: PositionKey, window_start_ms: int) -> Records:
    """All rows that bear on `key`. Raises `EvidenceIncompleteError` if any page may be missing.

    Answers that failed prove nothing and are passed over, provided that a later one succeeded. Orders must
    reach back to `window_start_ms`: by `orders-history` (seven days) or by its archive (three months).
    """
    binding = requests[0]
    if urlsplit(binding.path).path != POSITIONS:
        raise EvidenceIncompleteError(Reason.EVIDENCE_INCOMPLETE, "the first answer is not the binding's")
    bound = read_rows(binding)
    pages: list[_Page] = []
    failure: EvidenceIncompleteError | None = None
    for request in requests[1:]:
        try:
            pages.append(_page(request))
        except EvidenceIncompleteError as error:
            failure = failure or error
    try:
        return Records(
            bound=bound,
            open=_unpaged(pages),
            closed=_listing(pages, POSITIONS_HISTORY, key, window_start_ms),
            orders=_orders(pages, key, window_start_ms),
        )
    except EvidenceIncompleteError as error:
        raise failure or error from error


def _page(request: StoredRequest) -> _Page:
    parts = urlsplit(request.path)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    filters = dict(pairs)
    if request.method != "GET" or parts.scheme or parts.netloc or len(filters) != len(pairs):
        raise EvidenceIncompleteError(Reason.EVIDENCE_INCOMPLETE, f"not a plain GET: {request.path}")
    return _Page(request, parts.path, filters, read_rows(request))


def _unpaged(pages: Iterable[_Page]) -> tuple[Row, ...]:
    found = [page for page in pages if page.endpoint == POSITIONS]
    for page in found:
        _refuse_filters(page, {"instType": {"SWAP"}})  # as at binding: a filter could hide a hedge
    if not found:
        raise _incomplete(POSITIONS, "was not fetched for the claim")
    return _merge(found)


def _orders(pages: Sequence[_Page], key: PositionKey, window_start_ms: int) -> tuple[Row, ...]:
    present = [name for name in (ORDERS_HISTORY, ORDERS_ARCHIVE) if any(p.endpoint == name for p in pages)]
    reaching = [name for name in present if _reaches(pages, name, window_start_ms)]
    if not reaching:
        raise _incomplete(ORDERS_HISTORY, "does not reach back to the start of the cover")
    merged: list[Row] = []
    for name in present:
        merged.extend(_listing(pages, name, key, None))
    return _distinct(merged)


def _reaches(pages: Iterable[_Page], endpoint: str, since_ms: int) -> bool:
    asked = [page.request.requested_at_ms for page in pages if page.endpoint == endpoint]
    return bool(asked) and max(asked) - _REACH_MS[endpoint] <= since_ms


def _listing(
    pages: Sequence[_Page], endpoint: str, key: PositionKey, since_ms: int | None
) -> tuple[Row, ...]:
    mine = [page for page in pages if page.endpoint == endpoint]
    allowed = {"instType": {"SWAP"}, "instId": {key.inst_id}}
    if endpoint == POSITIONS_HISTORY:
        allowed["posId"] = {key.pos_id}
    complete = False
    previous: _Page | None = None
    for page in mine:
        _refuse_filters(page, allowed)
        begin = page.filters.get("begin", "0")
        if not begin.isdecimal() or int(begin) > key.c_time_ms - OPENING_FILL_TOLERANCE_MS:
            raise _incomplete(endpoint, "begins after the position was opened")
        if "after" in page.filters:
            if previous is None or not _follows(page, previous):
                raise _incomplete(endpoint, f"leaves a gap before {page.request.path}")
        elif previous is not None and not complete:
            raise _incomplete(endpoint, "starts again before its last page")
        complete = len(page.rows) < _limit(page)
        previous = page
    if not complete:
        raise _incomplete(endpoint, "misses its last page")
    if since_ms is not None and not _reaches(mine, endpoint, since_ms):
        raise _incomplete(endpoint, "does not reach back to the start of the cover")
    return _merge(mine)


def _follows(page: _Page, previous: _Page) -> bool:
    cursor = page.filters["after"]
    if len(previous.rows) < _limit(previous) or not cursor.isdecimal():
        return False
    if page.endpoint == POSITIONS_HISTORY:
        # `after` is exclusive: the oldest uTime itself would lose rows of the same millisecond
        times = [str(row.get("uTime")) for row in previous.rows]
        return all(time.isdecimal() for time in times) and int(cursor) > min(int(time) for time in times)
    return any(row.get("ordId") == cursor for row in previous.rows)


def _limit(page: _Page) -> int:
    text = page.filters.get("limit", str(PAGE_LIMIT))
    if not text.isdecimal() or not 1 <= int(text) <= PAGE_LIMIT:
        raise _incomplete(page.endpoint, f"was asked with limit {text!r}")
    return int(text)


def _refuse_filters(page: _Page, allowed: Mapping[str, set[str]]) -> None:
    # A filter by category, type, state or end could hide the very row that matters.
    cursors = set() if page.endpoint == POSITIONS else {"after", "limit"}
    if page.endpoint in {ORDERS_HISTORY, ORDERS_ARCHIVE}:
        cursors.add("begin")
    for name, value in page.filters.items():
        if name not in cursors and value not in allowed.get(name, set()):
            raise _incomplete(page.endpoint, f"was filtered by {name}={value}")


def _merge(pages: Iterable[_Page]) -> tuple[Row, ...]:
    return _distinct(row for page in pages for row in page.rows)


def _distinct(rows: Iterable[Row]) -> tuple[Row, ...]:
    # Pages overlap by their cursors, and history and archive by their spans. Rows that differ both stay:
    # the rules call that a contradiction.
    kept: list[Row] = []
    seen: set[str] = set()
    for row in rows:
        mark = repr(sorted(row.items()))
        if mark not in seen:
            seen.add(mark)
            kept.append(row)
    return tuple(kept)


def _incomplete(endpoint: str, what: str) -> EvidenceIncompleteError:
    return EvidenceIncompleteError(Reason.EVIDENCE_INCOMPLETE, f"{endpoint} {what}")
