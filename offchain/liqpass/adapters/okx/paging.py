"""Reading a list to its end, and being able to show that the end was reached.

A page shorter than the limit is the last one. Everything that would let a row slip through (rows out of
order, rows newer than the cursor, a full page of rows that tie) raises PagingError instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from liqpass.adapters.okx.errors import PagingError
from liqpass.adapters.okx.responses import Listing, RawResponse, Row

PAGE_LIMIT = 100
MAX_PAGES = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """How a list is paged: rows are ordered by the integer in `column`, newest first.

    `tie` is 0 where the column is unique (ordId) and 1 where rows may share a value (uTime): asking for rows
    older than oldest + 1 repeats the tied ones, which are dropped as duplicates, instead of losing some.
    """

    column: str
    tie: int

    def position(self, row: Row) -> int:
        """Where the row stands in its list. Raises PagingError."""
        value = row.get(self.column)
        if not (isinstance(value, str) and value.isascii() and value.isdigit()):
            raise PagingError(f"a row cannot be placed in its list: {self.column} is not a decimal string")
        return int(value)


BY_UPDATE_TIME = Cursor("uTime", tie=1)
BY_ORDER_ID = Cursor("ordId", tie=0)


def read_all(
    fetch: Callable[[Mapping[str, str]], tuple[tuple[Row, ...], RawResponse]],
    params: Mapping[str, str],
    cursor: Cursor,
    pause: Callable[[], None],
) -> Listing:
    """Every row that matches `params`, and every answer. `pause` runs between two pages.

    Raises PagingError where completeness cannot be shown, and whatever `fetch` raises.
    """
    rows: list[Row] = []
    responses: list[RawResponse] = []
    after: int | None = None
    for _ in range(MAX_PAGES):
        asked = {**params, **({} if after is None else {"after": str(after)}), "limit": str(PAGE_LIMIT)}
        page, raw = fetch(asked)
        responses.append(raw)
        if len(page) > PAGE_LIMIT:
            raise PagingError(f"OKX answered {len(page)} rows, above the limit of {PAGE_LIMIT}")
        if len(page) < PAGE_LIMIT and after is None:
            return Listing(_distinct(page), tuple(responses))
        _check_order(page, cursor, after)
        rows.extend(page)
        if len(page) < PAGE_LIMIT:
            return Listing(_distinct(rows), tuple(responses))
        oldest = cursor.position(page[-1]) + cursor.tie
        if oldest == after:
            raise PagingError(
                f"{PAGE_LIMIT} or more rows share one {cursor.column}: there may be more behind"
            )
        after = oldest
        pause()
    raise PagingError(f"the list has more than {MAX_PAGES} pages")


def _check_order(page: tuple[Row, ...], cursor: Cursor, after: int | None) -> None:
    positions = [cursor.position(row) for row in page]
    if after is not None and any(position >= after for position in positions):
        raise PagingError(f"OKX answered rows that are not older than the {cursor.column} asked for")
    slack = 1 - cursor.tie
    if any(older + slack > newer for newer, older in pairwise(positions)):
        raise PagingError(f"OKX answered rows that are not ordered by {cursor.column}, newest first")


def _distinct(rows: list[Row] | tuple[Row, ...]) -> tuple[Row, ...]:
    """Drops exact repetitions only: rows that differ in any field are both kept, for the rules to judge."""
    kept: list[Row] = []
    by_identity: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        same_key = by_identity.setdefault(
            tuple(str(row.get(name)) for name in ("posId", "ordId", "uTime")), []
        )
        if row not in same_key:
            same_key.append(row)
            kept.append(row)
    return tuple(kept)
