from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.errors import PagingError
from liqpass.adapters.okx.paging import BY_ORDER_ID, BY_UPDATE_TIME, MAX_PAGES, Cursor, read_all
from liqpass.adapters.okx.responses import Listing, RawResponse
from liqpass.adapters.okx.simulator.server import SimulatorServer

Row = dict[str, Any]
NEWEST_MS = 1_790_022_000_000


def fill(server: SimulatorServer, rows: str, count: int, step_ms: int, pos_id: str | None = None) -> None:
    server.exchange.add_filler(
        "trader-1", rows, "BTC-USDT-SWAP", count, newest_ms=NEWEST_MS, step_ms=step_ms, pos_id=pos_id
    )


def read(rows: list[Row], cursor: Cursor, column: str, limit: int = 100) -> tuple[Listing, list[str | None]]:
    """Reads a list that lies in memory, served as OKX would; returns the cursors asked for too."""
    asked: list[str | None] = []

    def fetch(params: Mapping[str, str]) -> tuple[tuple[Row, ...], RawResponse]:
        asked.append(params.get("after"))
        older = [row for row in rows if "after" not in params or int(row[column]) < int(params["after"])]
        newest_first = sorted(older, key=lambda row: -int(row[column]))
        return tuple(newest_first[:limit]), RawResponse("GET", "/", 200, 0, 0, b"")

    return read_all(fetch, {}, cursor, lambda: None), asked


def test_positions_history__250_rows__three_pages_in_order(
    client: OkxClient, server: SimulatorServer, sleeps: list[float]
) -> None:
    fill(server, "positions", 250, 1000)

    listing = client.positions_history("BTC-USDT-SWAP")

    times = [int(row["uTime"]) for row in listing.rows]
    assert times == [NEWEST_MS - 1000 * n for n in range(250)]
    stem = "/api/v5/account/positions-history?instType=SWAP&instId=BTC-USDT-SWAP"
    assert [raw.path for raw in listing.responses] == [
        f"{stem}&limit=100",
        f"{stem}&after={NEWEST_MS - 99_000 + 1}&limit=100",
        f"{stem}&after={NEWEST_MS - 198_000 + 1}&limit=100",
    ]
    assert sleeps == [0.2, 0.2]


@pytest.mark.parametrize(("archive", "pause"), [(False, 0.05), (True, 0.1)])
def test_orders_history__250_rows__three_pages_in_order(
    client: OkxClient, server: SimulatorServer, sleeps: list[float], archive: bool, pause: float
) -> None:
    fill(server, "orders", 250, 1000)
    recorded = [row["ordId"] for row in server.exchange.account("trader-1").orders]

    listing = (client.orders_history_archive if archive else client.orders_history)("BTC-USDT-SWAP")

    assert [row["ordId"] for row in listing.rows] == recorded[::-1]
    assert [raw.path.partition("&after=")[2] for raw in listing.responses] == [
        "",
        f"{recorded[150]}&limit=100",
        f"{recorded[50]}&limit=100",
    ]
    assert sleeps == [pause, pause]


def test_orders_history__exactly_100_rows__second_page_shows_the_end(
    client: OkxClient, server: SimulatorServer
) -> None:
    fill(server, "orders", 100, 1)

    listing = client.orders_history()

    assert len(listing.rows) == 100
    assert len(listing.responses) == 2


@pytest.mark.parametrize("count", [0, 1, 99])
def test_orders_history__less_than_a_page__one_request(
    client: OkxClient, server: SimulatorServer, count: int
) -> None:
    if count:
        fill(server, "orders", count, 1)

    listing = client.orders_history()

    assert (len(listing.rows), len(listing.responses)) == (count, 1)


def test_positions_history__rows_tied_across_the_page_break__none_lost(
    client: OkxClient, server: SimulatorServer
) -> None:
    fill(server, "positions", 90, 1000)
    server.exchange.add_filler(
        "trader-1", "positions", "BTC-USDT-SWAP", 40, newest_ms=NEWEST_MS - 500_000, step_ms=0, pos_id="7"
    )
    recorded = server.exchange.account("trader-1").history

    listing = client.positions_history("BTC-USDT-SWAP")

    life = [(row["posId"], row["cTime"]) for row in listing.rows]
    assert len(life) == len(set(life)) == 130
    assert set(life) == {(row["posId"], row["cTime"]) for row in recorded}


@pytest.mark.parametrize("count", [100, 101, 250])
def test_positions_history__a_page_or_more_of_ties__raises(
    client: OkxClient, server: SimulatorServer, count: int
) -> None:
    fill(server, "positions", count, 0)

    with pytest.raises(PagingError, match="share one uTime"):
        client.positions_history("BTC-USDT-SWAP")


def test_positions_history__99_ties_behind_one_row__all_read(
    client: OkxClient, server: SimulatorServer
) -> None:
    fill(server, "positions", 99, 0)
    server.exchange.add_filler(
        "trader-1", "positions", "BTC-USDT-SWAP", 1, newest_ms=NEWEST_MS + 1, step_ms=0, pos_id=None
    )

    assert len(client.positions_history("BTC-USDT-SWAP").rows) == 100


@given(st.lists(st.integers(0, 30), max_size=300).filter(lambda xs: all(xs.count(x) < 100 for x in set(xs))))
def test_read_all__any_ties_below_a_page__every_row_once(times: list[int]) -> None:
    rows = [{"uTime": str(time), "posId": str(number)} for number, time in enumerate(times)]

    listing, _ = read(rows, BY_UPDATE_TIME, "uTime")

    assert sorted(int(row["posId"]) for row in listing.rows) == list(range(len(rows)))


def test_read_all__same_row_twice_in_different_versions__both_kept() -> None:
    rows: list[Row] = [
        {"posId": "1", "uTime": "5", "type": "1"},
        {"posId": "1", "uTime": "5", "type": "3"},
        {"posId": "1", "uTime": "5", "type": "3"},
    ]

    listing, _ = read(rows, BY_UPDATE_TIME, "uTime")

    assert [row["type"] for row in listing.rows] == ["1", "3"]


@pytest.mark.parametrize("value", [5, None, "", "1.5", "-1", "٣"])
def test_read_all__full_page_without_usable_cursor__raises(value: object) -> None:
    page = (*({"ordId": str(200 - n)} for n in range(99)), {"ordId": value})

    with pytest.raises(PagingError, match="ordId is not a decimal string"):
        read_all(lambda _: (page, RawResponse("GET", "/", 200, 0, 0, b"")), {}, BY_ORDER_ID, lambda: None)


def test_read_all__server_ignores_the_cursor__raises() -> None:
    page = tuple({"ordId": str(200 - n)} for n in range(100))

    with pytest.raises(PagingError, match="not older"):
        read_all(lambda _: (page, RawResponse("GET", "/", 200, 0, 0, b"")), {}, BY_ORDER_ID, lambda: None)


@pytest.mark.parametrize("order", [[1, 2], [2, 2]])
def test_read_all__orders_not_newest_first__raises(order: list[int]) -> None:
    page = tuple({"ordId": str(900 - n)} for n in range(98)) + tuple({"ordId": str(n)} for n in order)

    with pytest.raises(PagingError, match="not ordered by ordId"):
        read_all(lambda _: (page, RawResponse("GET", "/", 200, 0, 0, b"")), {}, BY_ORDER_ID, lambda: None)


def test_read_all__more_rows_than_the_limit__raises() -> None:
    page = tuple({"ordId": str(900 - n)} for n in range(101))

    with pytest.raises(PagingError, match="101 rows"):
        read_all(lambda _: (page, RawResponse("GET", "/", 200, 0, 0, b"")), {}, BY_ORDER_ID, lambda: None)


def test_read_all__list_without_end__stops_at_the_page_limit() -> None:
    asked = 0

    def fetch(_: Mapping[str, str]) -> tuple[tuple[Row, ...], RawResponse]:
        nonlocal asked
        asked += 1
        start = 10**9 - asked * 100
        return tuple({"ordId": str(start - n)} for n in range(100)), RawResponse("GET", "/", 200, 0, 0, b"")

    with pytest.raises(PagingError, match=f"more than {MAX_PAGES} pages"):
        read_all(fetch, {}, BY_ORDER_ID, lambda: None)
    assert asked == MAX_PAGES
