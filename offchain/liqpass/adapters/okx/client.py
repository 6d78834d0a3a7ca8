"""The OKX client of LiqPass: what a read-only key may see, every answer kept byte for byte."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, TypeVar

import httpx
import tenacity

from liqpass.adapters.okx.account import AccountConfig, read_account_config
from liqpass.adapters.okx.errors import ClockSkewError, DataError, RetryableError, UnreadableError
from liqpass.adapters.okx.paging import BY_ORDER_ID, BY_UPDATE_TIME, Cursor, read_all
from liqpass.adapters.okx.responses import Listing, RawResponse, Row, rows_of
from liqpass.adapters.okx.signing import Credentials
from liqpass.adapters.okx.transport import Clock, Endpoint, Transport

ATTEMPTS = 5
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
JITTER_S = 0.5
# Between two pages of one list, so that reading it to the end stays inside the endpoint's own limit
# (facts/okx.md: 10, 40 and 20 requests in 2 s) whatever the latency; what is left over is met by the retry on
# 50011. A fixed pause needs no shared state and no clock that a test would have to move.
PAUSES_S = {
    Endpoint.POSITIONS_HISTORY: 0.2,
    Endpoint.ORDERS_HISTORY: 0.05,
    Endpoint.ORDERS_HISTORY_ARCHIVE: 0.1,
}

_Value = TypeVar("_Value")


class OkxClient:
    """One key at one host. Not for several threads at once.

    `sleep` is called with seconds between retries and pages; tests pass one that returns at once.
    Every method raises OkxError and nothing else; see `errors` for the classes.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        clock: Clock,
        *,
        allow_any_host: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        http_transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._transport = Transport(
            base_url, clock, allow_any_host=allow_any_host, http_transport=http_transport
        )
        self._credentials = credentials
        self._sleep = sleep
        self._offset_ms = 0

    def __repr__(self) -> str:
        return "OkxClient(hidden)"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    @property
    def clock_offset_ms(self) -> int:
        """OKX's time minus ours as last measured, in ms; 0 until OKX has refused a timestamp."""
        return self._offset_ms

    def sync_clock(self) -> int:
        """Measures the offset to OKX's clock against the middle of the round trip; returns it in ms."""

        def measure() -> int:
            raw = self._transport.get(Endpoint.TIME, {}, None, 0)
            rows = rows_of(raw)
            stamp = rows[0].get("ts") if len(rows) == 1 else None
            if not (isinstance(stamp, str) and stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
                raise UnreadableError("OKX answered without its time")
            return int(stamp) - (raw.requested_at_ms + raw.received_at_ms) // 2

        self._offset_ms = self._with_retries(measure)
        return self._offset_ms

    def account_config(self) -> AccountConfig:
        """The account behind the key."""
        return self._signed(Endpoint.ACCOUNT_CONFIG, {}, read_account_config)

    def positions(self, inst_id: str | None = None) -> Listing:
        """The open positions, of one instrument or of all. OKX does not page this list."""
        return self._list(Endpoint.POSITIONS, {} if inst_id is None else {"instId": inst_id})

    def order(self, inst_id: str, ord_id: str) -> Listing:
        """The one order, as a list of one row. Raises DataError (51603) if there is none."""
        found = self._list(Endpoint.ORDER, {"instId": inst_id, "ordId": ord_id})
        if len(found.rows) != 1:
            raise DataError(f"OKX answered {len(found.rows)} orders instead of one")
        return found

    def positions_history(self, inst_id: str | None = None, pos_id: str | None = None) -> Listing:
        """Closed and partly closed positions of three months, all types: a type hides earlier ones."""
        params = {"instType": "SWAP"}
        if inst_id is not None:
            params["instId"] = inst_id
        if pos_id is not None:
            params["posId"] = pos_id
        return self._pages(Endpoint.POSITIONS_HISTORY, params, BY_UPDATE_TIME)

    def orders_history(self, inst_id: str | None = None, begin_ms: int | None = None) -> Listing:
        """Completed swap orders of 7 days, all categories, none with a cTime before `begin_ms`.

        There is no upper bound: one could hide the very liquidation that a claim is about.
        """
        return self._pages(Endpoint.ORDERS_HISTORY, _order_filter(inst_id, begin_ms), BY_ORDER_ID)

    def orders_history_archive(self, inst_id: str | None = None, begin_ms: int | None = None) -> Listing:
        """As `orders_history`, of three months."""
        return self._pages(Endpoint.ORDERS_HISTORY_ARCHIVE, _order_filter(inst_id, begin_ms), BY_ORDER_ID)

    def claim_responses(self, inst_id: str, pos_id: str, begin_ms: int | None = None) -> list[RawResponse]:
        """All that a decision on one position needs, each list to its last page, in the order of asking.

        Positions-history of the position, orders-history and its archive of the instrument (from `begin_ms`
        if given: not after the position's cTime less a second), then all positions open now, hedges included.
        A position that is neither closed in the earlier answers nor open in the last is a gap that the rules
        can see.
        """
        listings = (
            self.positions_history(inst_id, pos_id),
            self.orders_history(inst_id, begin_ms),
            self.orders_history_archive(inst_id, begin_ms),
            self.positions(),
        )
        return [raw for listing in listings for raw in listing.responses]

    def _list(self, endpoint: Endpoint, params: Mapping[str, str]) -> Listing:
        rows, raw = self._signed(endpoint, params, _rows_and_raw)
        return Listing(rows, (raw,))

    def _pages(self, endpoint: Endpoint, params: Mapping[str, str], cursor: Cursor) -> Listing:
        def fetch(asked: Mapping[str, str]) -> tuple[tuple[Row, ...], RawResponse]:
            return self._signed(endpoint, asked, _rows_and_raw)

        return read_all(fetch, params, cursor, lambda: self._sleep(PAUSES_S[endpoint]))

    def _signed(
        self, endpoint: Endpoint, params: Mapping[str, str], read: Callable[[RawResponse], _Value]
    ) -> _Value:
        """Sends and reads, with retries; a refused timestamp is repaired by one resynchronisation."""

        def attempt() -> _Value:
            return read(self._transport.get(endpoint, params, self._credentials, self._offset_ms))

        try:
            return self._with_retries(attempt)
        except ClockSkewError:
            self.sync_clock()
        return self._with_retries(attempt)

    def _with_retries(self, attempt: Callable[[], _Value]) -> _Value:
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_exponential_jitter(
                multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S, jitter=JITTER_S
            ),
            retry=tenacity.retry_if_exception(_worth_repeating),
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(attempt)


def _worth_repeating(error: BaseException) -> bool:
    """A refused timestamp is not: the same clock would be refused again."""
    return isinstance(error, RetryableError) and not isinstance(error, ClockSkewError)


def _rows_and_raw(raw: RawResponse) -> tuple[tuple[Row, ...], RawResponse]:
    return rows_of(raw), raw


def _order_filter(inst_id: str | None, begin_ms: int | None) -> dict[str, str]:
    params = {"instType": "SWAP"}
    if inst_id is not None:
        params["instId"] = inst_id
    if begin_ms is not None:
        params["begin"] = str(begin_ms)
    return params
