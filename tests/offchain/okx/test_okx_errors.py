from collections.abc import Callable

import httpx
import pytest
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.errors import (
    AccountFrozenError,
    ClockSkewError,
    DataError,
    KeyBrokenError,
    OkxError,
    RetryableError,
    UnknownCodeError,
    UnreadableError,
)
from liqpass.adapters.okx.simulator.faults import Damage, Fault
from liqpass.adapters.okx.simulator.server import SimulatorServer
from okx_doubles import Scripted

Make = Callable[..., tuple[OkxClient, Scripted]]
Envelope = Callable[..., httpx.Response]

KEY_CODES = "50035 50100 50101 50103 50104 50105 50106 50107 50110 50111 50113 50114 50119 50120"
CLASSES = {
    RetryableError: "50001 50004 50011 50013 50026 50040",
    KeyBrokenError: KEY_CODES,
    DataError: "51000 51001 51603 50014 50015",
    AccountFrozenError: "50020 50021 50022",
    UnknownCodeError: "50000 59999 1 00",
}
CASES = [(code, kind) for kind, codes in CLASSES.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "kind"), CASES)
@pytest.mark.parametrize("status", [200, 401])
def test_answer__error_code__its_class_and_code(
    client: OkxClient, server: SimulatorServer, code: str, kind: type[OkxError], status: int
) -> None:
    server.faults.armed.append(Fault(Damage.CODE, "/account/positions", 5, code, status))

    with pytest.raises(OkxError) as failed:
        client.positions()

    assert type(failed.value) is kind
    assert failed.value.code == code
    assert code in str(failed.value)


@pytest.mark.parametrize(("code", "kind"), CASES)
def test_answer__error_code__repeated_only_if_worth_it(
    client: OkxClient, server: SimulatorServer, code: str, kind: type[OkxError]
) -> None:
    server.faults.armed.append(Fault(Damage.CODE, "/account/positions", 1, code))

    if kind is RetryableError:
        assert client.positions().rows == ()
    else:
        with pytest.raises(kind):
            client.positions()
        assert client.positions().rows == ()


@pytest.mark.parametrize("code", ["50102", "50112"])
def test_answer__clock_refused_twice__clock_error_after_one_resync(
    scripted: Make, envelope: Envelope, code: str
) -> None:
    client, network = scripted(
        envelope(code, status=401), envelope(data=[{"ts": "1790022846316"}]), envelope(code, status=401)
    )

    with pytest.raises(ClockSkewError) as failed:
        client.positions()

    assert failed.value.code == code
    assert [request.url.path for request in network.requests] == [
        "/api/v5/account/positions",
        "/api/v5/public/time",
        "/api/v5/account/positions",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html></html>",
        b"",
        b'{"code":"0","msg":"","data":[{"uTime":"1"',
        b'{"code":"0","code":"0","msg":"","data":[]}',
        b'{"code":"0","msg":"","data":[{"type":"1","type":"3"}]}',
        b'{"code":0,"msg":"","data":[]}',
        b'{"code":"0","msg":""}',
        b'{"code":"0","msg":"","data":{}}',
        b'{"code":"0","msg":"","data":["row"]}',
        b'{"code":"0","data":[]}',
        b'{"code":"0","msg":"","data":[{"x":NaN}]}',
        b'{"code":"0","msg":"","data":[{"x":"\xff"}]}',
        b'{"code":"0","msg":"","data":[{"x":' + b"[" * 9 + b"]" * 9 + b"}]}",
        b"[]",
        b'"0"',
    ],
)
def test_answer__not_the_json_it_should_be__unreadable_and_retryable(scripted: Make, body: bytes) -> None:
    client, network = scripted(httpx.Response(200, content=body))

    with pytest.raises(UnreadableError) as failed:
        client.positions()

    assert isinstance(failed.value, RetryableError)
    assert failed.value.code is None
    assert len(network.requests) == 5


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_answer__busy_without_json__retryable(scripted: Make, status: int) -> None:
    client, _ = scripted(httpx.Response(status, content=b"<html>busy</html>"))

    with pytest.raises(RetryableError, match=f"HTTP {status}") as failed:
        client.positions()

    assert type(failed.value) is RetryableError


@pytest.mark.parametrize(
    ("status", "kind"), [(503, RetryableError), (403, UnreadableError), (204, UnreadableError)]
)
def test_answer__code_0_with_another_status__failure(
    scripted: Make, envelope: Envelope, status: int, kind: type[OkxError]
) -> None:
    client, _ = scripted(envelope(status=status))

    with pytest.raises(RetryableError) as failed:
        client.positions()

    assert type(failed.value) is kind


@pytest.mark.parametrize("damage", [Damage.HTML, Damage.REDIRECT, Damage.OVERSIZE, Damage.CUT])
def test_answer__damaged_over_real_http__unreadable_then_fine(
    client: OkxClient, server: SimulatorServer, damage: Damage
) -> None:
    server.faults.armed.append(Fault(damage, "/account/positions", 5))

    with pytest.raises(UnreadableError):
        client.positions()

    assert client.positions().rows == ()


def test_answer__duplicate_key_in_a_row__unreadable(client: OkxClient, server: SimulatorServer) -> None:
    server.exchange.add_filler(
        "trader-1",
        "positions",
        "BTC-USDT-SWAP",
        1,
        newest_ms=server.exchange.now_ms(),
        step_ms=0,
        pos_id=None,
    )
    server.faults.armed.append(Fault(Damage.DUPLICATE_KEY, "/positions-history", 5, column="type"))

    with pytest.raises(UnreadableError):
        client.positions_history()

    assert [row["type"] for row in client.positions_history().rows] == ["2"]


def test_answer__number_instead_of_string__passed_on_for_the_rules(
    client: OkxClient, server: SimulatorServer
) -> None:
    server.exchange.add_filler(
        "trader-1", "positions", "BTC-USDT-SWAP", 1, newest_ms=1790022846316, step_ms=0, pos_id=None
    )
    pos_id = int(server.exchange.account("trader-1").history[0]["posId"])
    server.faults.armed.append(Fault(Damage.NUMBER, "/positions-history", column="posId"))

    (row,) = client.positions_history().rows

    assert row["posId"] == pos_id > 2**53
