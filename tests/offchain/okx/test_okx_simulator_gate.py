"""What the simulator refuses, asked by hand, so that client and server cannot share a fault unseen."""

import base64
import hashlib
import hmac
from collections.abc import Callable

import httpx
import pytest
from liqpass.adapters.okx.signing import Credentials, okx_timestamp
from liqpass.adapters.okx.simulator.server import SimulatorServer
from okx_doubles import NOW_MS, WEB, Stopwatch

PATH = "/api/v5/account/positions"


def headers(key: Credentials, path: str = PATH, stamp: str = "", verb: str = "GET") -> dict[str, str]:
    stamp = stamp or okx_timestamp(NOW_MS)
    mac = hmac.new(key.secret.encode(), f"{stamp}{verb}{path}".encode(), hashlib.sha256)
    return {
        "OK-ACCESS-KEY": key.api_key,
        "OK-ACCESS-SIGN": base64.b64encode(mac.digest()).decode(),
        "OK-ACCESS-TIMESTAMP": stamp,
        "OK-ACCESS-PASSPHRASE": key.passphrase,
    }


def ask(server: SimulatorServer, path: str, given: dict[str, str], verb: str = "GET") -> tuple[int, str]:
    response = WEB.request(verb, server.url + path, headers=given)
    return response.status_code, response.json()["code"]


def test_gate__good_request__code_0(server: SimulatorServer, reader: Credentials) -> None:
    assert ask(server, PATH, headers(reader)) == (200, "0")


@pytest.mark.parametrize(
    ("name", "code"), [("KEY", "50103"), ("PASSPHRASE", "50104"), ("SIGN", "50106"), ("TIMESTAMP", "50107")]
)
def test_gate__header_missing__its_code_without_data(
    server: SimulatorServer, reader: Credentials, name: str, code: str
) -> None:
    given = headers(reader)
    del given[f"OK-ACCESS-{name}"]

    response = WEB.get(server.url + PATH, headers=given)

    assert response.status_code == 401
    assert response.json()["code"] == code
    assert "data" not in response.json()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"OK-ACCESS-KEY": "unknown"}, "50119"),
        ({"OK-ACCESS-PASSPHRASE": "wrong"}, "50105"),
        ({"OK-ACCESS-SIGN": "wrong"}, "50113"),
        ({"OK-ACCESS-TIMESTAMP": okx_timestamp(NOW_MS + 1)}, "50113"),
        ({"OK-ACCESS-TIMESTAMP": okx_timestamp(NOW_MS - 30_001)}, "50102"),
        ({"OK-ACCESS-TIMESTAMP": okx_timestamp(NOW_MS + 30_001)}, "50102"),
        ({"OK-ACCESS-TIMESTAMP": "yesterday"}, "50112"),
        ({"OK-ACCESS-TIMESTAMP": "2026-13-41T20:34:06.316Z"}, "50112"),
        ({"OK-ACCESS-TIMESTAMP": "2026-09-21T20:34:06Z"}, "50112"),
        ({"x-simulated-trading": "1"}, "50101"),
    ],
)
def test_gate__one_thing_wrong__its_code(
    server: SimulatorServer, reader: Credentials, change: dict[str, str], code: str
) -> None:
    assert ask(server, PATH, {**headers(reader), **change}) == (401, code)


@pytest.mark.parametrize("off_ms", [-30_000, 30_000])
def test_gate__timestamp_at_the_edge__accepted(
    server: SimulatorServer, reader: Credentials, off_ms: int
) -> None:
    assert ask(server, PATH, headers(reader, stamp=okx_timestamp(NOW_MS + off_ms))) == (200, "0")


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        (PATH, f"{PATH}?instId=BTC-USDT-SWAP"),
        (f"{PATH}?instId=BTC-USDT-SWAP", PATH),
        (f"{PATH}?instId=BTC-USDT-SWAP&posId=1", f"{PATH}?posId=1&instId=BTC-USDT-SWAP"),
        (f"{PATH}?instId=BTC-USDT-SWAP", f"{PATH}?instId=BTC%2DUSDT-SWAP"),
    ],
)
def test_gate__other_bytes_sent_than_signed__50113(
    server: SimulatorServer, reader: Credentials, signed: str, sent: str
) -> None:
    assert ask(server, sent, headers(reader, signed)) == (401, "50113")
    assert ask(server, sent, headers(reader, sent)) == (200, "0")


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE", "PATCH"])
def test_gate__another_verb__refused(server: SimulatorServer, reader: Credentials, verb: str) -> None:
    assert ask(server, PATH, headers(reader, verb=verb), verb) == (405, "50115")


def test_gate__secret_of_another_key__50113(server: SimulatorServer, reader: Credentials) -> None:
    trader = server.exchange.account("trader-1").keys["trader"].credentials
    mixed = Credentials(reader.api_key, trader.secret, reader.passphrase)

    assert ask(server, PATH, headers(mixed)) == (401, "50113")


def test_gate__path_that_okx_has_and_we_do_not__404(server: SimulatorServer, reader: Credentials) -> None:
    path = "/api/v5/trade/cancel-order"

    assert WEB.get(server.url + path, headers=headers(reader, path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v5/public/time", 10),
        ("/api/v5/account/positions", 10),
        ("/api/v5/account/positions-history", 10),
        ("/api/v5/trade/orders-history?instType=SWAP", 40),
        ("/api/v5/trade/orders-history-archive?instType=SWAP", 20),
    ],
)
def test_gate__rate__limit_of_the_endpoint_then_429(
    server: SimulatorServer, reader: Credentials, stopwatch: Stopwatch, path: str, allowed: int
) -> None:
    stopwatch.step_s = 0
    answers = [ask(server, path, headers(reader, path)) for _ in range(allowed + 1)]

    stopwatch.time_s += 2.0
    later = ask(server, path, headers(reader, path))

    assert answers == [(200, "0")] * allowed + [(429, "50011")]
    assert later == (200, "0")


def test_gate__rate__counted_per_account(server: SimulatorServer, stopwatch: Stopwatch) -> None:
    stopwatch.step_s = 0
    keys = [server.exchange.account(name).keys["reader"].credentials for name in ("trader-1", "trader-2")]

    codes = [ask(server, PATH, headers(keys[n % 2]))[1] for n in range(20)]

    assert codes == ["0"] * 20


HISTORY = "/api/v5/account/positions-history"
ORDERS = "/api/v5/trade/orders-history"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{HISTORY}?limit=101", "51000"),
        (f"{HISTORY}?limit=0", "51000"),
        (f"{HISTORY}?after=yesterday", "51000"),
        (f"{HISTORY}?instId=DOGE-USDT-SWAP", "51001"),
        (ORDERS, "50014"),
        (f"{ORDERS}?instType=SWAP&begin=x", "51000"),
        ("/api/v5/trade/order?instId=BTC-USDT-SWAP", "50014"),
        ("/api/v5/trade/order?ordId=1", "50014"),
        ("/api/v5/trade/order?instId=BTC-USDT-SWAP&ordId=1", "51603"),
    ],
)
def test_query__parameter_missing_or_wrong__its_code(
    server: SimulatorServer, reader: Credentials, path: str, code: str
) -> None:
    assert ask(server, path, headers(reader, path)) == (200, code)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("after=3", [2, 1]),
        ("before=3", [5, 4]),
        ("before=1&after=5", [4, 3, 2]),
        ("limit=2", [5, 4]),
        ("after=4&limit=1", [3]),
        ("after=1", []),
        ("type=2", [5, 4, 3, 2, 1]),
        ("type=3", []),
        ("mgnMode=cross", []),
        ("posId=9", []),
        ("instId=ETH-USDT-SWAP", []),
        ("instType=FUTURES", []),
    ],
)
def test_query__positions_history__older_newer_and_filters(
    server: SimulatorServer, reader: Credentials, query: str, expected: list[int]
) -> None:
    base_ms = NOW_MS - 10_000
    server.exchange.add_filler(
        "trader-1", "positions", "BTC-USDT-SWAP", 5, newest_ms=base_ms + 5, step_ms=1, pos_id="8"
    )
    for digit in "12345":
        for name in ("after", "before"):
            query = query.replace(f"{name}={digit}", f"{name}={base_ms + int(digit)}")
    path = f"{HISTORY}?{query}" if query else HISTORY

    rows = WEB.get(server.url + path, headers=headers(reader, path)).json()["data"]

    assert [int(row["uTime"]) - base_ms for row in rows] == expected


DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("path", "days"),
    [(ORDERS, 7), (f"{ORDERS}-archive", 90), (HISTORY, 90)],
    ids=["orders", "archive", "positions"],
)
def test_query__reach__older_rows_are_gone(
    server: SimulatorServer, reader: Credentials, path: str, days: int
) -> None:
    kind = "positions" if path == HISTORY else "orders"
    lag_ms = 0 if kind == "positions" else 1  # an order's cTime is 1 ms before its uTime's position
    for newest_ms in (NOW_MS - days * DAY_MS + lag_ms, NOW_MS - days * DAY_MS + lag_ms - 1):
        server.exchange.add_filler(
            "trader-1", kind, "BTC-USDT-SWAP", 1, newest_ms=newest_ms, step_ms=0, pos_id=None
        )
    path += "?instType=SWAP"

    rows = WEB.get(server.url + path, headers=headers(reader, path)).json()["data"]

    assert len(rows) == 1


def test_control__outside_loopback__403(server: SimulatorServer) -> None:
    send: Callable[..., httpx.Response] = _asgi(server, ("192.0.2.7", 4000))

    assert send("POST", "/sim/actions", b'{"action":"reset"}').status_code == 403
    assert send("GET", "/sim/state", b"").status_code == 403
    assert send("GET", "/api/v5/public/time", b"").status_code == 200


def _asgi(server: SimulatorServer, address: tuple[str, int]) -> Callable[..., httpx.Response]:
    """The simulator's own application, asked as if from another address."""
    from anyio import run  # noqa: PLC0415
    from liqpass.adapters.okx.simulator.app import simulator_app  # noqa: PLC0415

    def send(verb: str, path: str, body: bytes) -> httpx.Response:
        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(simulator_app(server.simulation), client=address)
            async with httpx.AsyncClient(transport=transport, base_url="http://okx") as client:
                return await client.request(verb, path, content=body)

        return run(exchange)

    return send
