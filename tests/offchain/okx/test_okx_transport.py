import inspect
from collections.abc import Callable, Iterator

import httpx
import pytest
from liqpass.adapters.okx import client as client_module
from liqpass.adapters.okx import transport as transport_module
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.errors import DataError, NotAllowedError, RetryableError, UnreadableError
from liqpass.adapters.okx.responses import MAX_BODY_BYTES
from liqpass.adapters.okx.signing import Credentials, signature
from liqpass.adapters.okx.transport import Endpoint, Transport, checked_base_url, path_with_query
from okx_doubles import Scripted, SetClock, Stopwatch

Make = Callable[..., tuple[OkxClient, Scripted]]
Envelope = Callable[..., httpx.Response]


@pytest.mark.parametrize("host", ["www.okx.com", "eea.okx.com", "us.okx.com"])
def test_base_url__host_of_okx__accepted(host: str) -> None:
    assert checked_base_url(f"https://{host}", allow_any_host=False) == f"https://{host}"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://www.okx.com",
        "https://okx.com",
        "https://www.okx.com.evil.example",
        "https://evil.example",
        "https://www.okx.com@evil.example",
        "https://www.okx.com:8443",
        "https://www.okx.com/",
        "https://WWW.okx.com",
        "http://127.0.0.1:8080",
        "",
    ],
)
def test_base_url__anything_else__refused(base_url: str) -> None:
    with pytest.raises(NotAllowedError):
        checked_base_url(base_url, allow_any_host=False)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", "https://localhost", "http://okx.local:65535"])
def test_base_url__any_host_allowed__accepted(base_url: str) -> None:
    assert checked_base_url(base_url, allow_any_host=True) == base_url


@pytest.mark.parametrize(
    "base_url",
    ["ftp://127.0.0.1", "http://user:pass@127.0.0.1", "http://127.0.0.1/path", "http://a?b", "127.0.0.1"],
)
def test_base_url__any_host_allowed_but_no_origin__refused(base_url: str) -> None:
    with pytest.raises(NotAllowedError):
        checked_base_url(base_url, allow_any_host=True)


def test_path__every_endpoint__is_one_of_seven_reads() -> None:
    assert {str(endpoint) for endpoint in Endpoint} == {
        "/api/v5/public/time",
        "/api/v5/account/config",
        "/api/v5/account/positions",
        "/api/v5/account/positions-history",
        "/api/v5/trade/order",
        "/api/v5/trade/orders-history",
        "/api/v5/trade/orders-history-archive",
    }


@pytest.mark.parametrize("path", ["/api/v5/account/balance", "/api/v5/asset/withdrawal", "/", ""])
def test_path__not_on_the_list__refused(path: str) -> None:
    with pytest.raises(NotAllowedError, match="not on the allow-list"):
        path_with_query(path, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["BTC&instId=ETH", "a b", "a/b", "ä", "", "x" * 129, "a%20b", "a#b", "a\n"])
def test_path__value_that_needs_escaping__refused(value: str) -> None:
    with pytest.raises(NotAllowedError, match="characters"):
        path_with_query(Endpoint.ORDER, {"instId": value})


def test_get__asked_for_another_verb__impossible() -> None:
    """No function of the client takes a verb, and the only verb written down in it is GET."""
    for owner in (OkxClient, Transport):
        for name, function in inspect.getmembers(owner, inspect.isfunction):
            assert "method" not in inspect.signature(function).parameters, name
    source = inspect.getsource(transport_module) + inspect.getsource(client_module)
    assert source.count('.stream("GET"') == 1
    for verb in (".post(", ".put(", ".patch(", ".delete(", ".request(", ".send(", "POST"):
        assert verb not in source


def test_get__any_call__one_signed_get_of_exactly_the_bytes_sent(scripted: Make, envelope: Envelope) -> None:
    client, network = scripted(envelope())

    listing = client.positions_history("BTC-USDT-SWAP", "42")

    (request,) = network.requests
    path = "/api/v5/account/positions-history?instType=SWAP&instId=BTC-USDT-SWAP&posId=42&limit=100"
    assert (request.method, request.url.host, request.content) == ("GET", "www.okx.com", b"")
    assert request.url.raw_path == path.encode()
    stamp = request.headers["ok-access-timestamp"]
    assert stamp == "2026-09-21T20:34:06.316Z"
    assert request.headers["ok-access-sign"] == signature(b"secret", stamp, path.encode())
    assert request.headers["accept-encoding"] == "identity"
    assert listing.responses[0].path == path


def test_get__redirect__refused_and_not_followed(scripted: Make) -> None:
    client, network = scripted(httpx.Response(302, headers={"location": "https://evil.example/api"}))

    with pytest.raises(UnreadableError, match="redirect"):
        client.positions()

    assert {request.url.host for request in network.requests} == {"www.okx.com"}
    assert len(network.requests) == 5


def test_get__body_one_byte_too_large__refused(scripted: Make) -> None:
    client, _ = scripted(httpx.Response(200, content=b"x" * (MAX_BODY_BYTES + 1)))

    with pytest.raises(UnreadableError, match="more than 1048576 bytes"):
        client.positions()


def test_get__endless_body__read_only_to_the_limit() -> None:
    sent = 0

    def drops() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield b"x" * 65536

    network = httpx.MockTransport(lambda _: httpx.Response(200, content=drops()))
    transport = Transport("https://www.okx.com", SetClock(), http_transport=network)

    with pytest.raises(UnreadableError):
        transport.get(Endpoint.TIME, {}, None, 0)

    assert sent == MAX_BODY_BYTES + 65536


def test_get__body_that_drips_past_the_time_limit__given_up() -> None:
    drops = 0

    def drip() -> Iterator[bytes]:
        nonlocal drops
        while True:
            drops += 1
            yield b" "

    network = httpx.MockTransport(lambda _: httpx.Response(200, content=drip()))
    transport = Transport(
        "https://www.okx.com", SetClock(), http_transport=network, monotonic_s=Stopwatch(step_s=1.0)
    )

    with pytest.raises(RetryableError, match="more than 10 s"):
        transport.get(Endpoint.TIME, {}, None, 0)

    assert drops == 11


def test_get__compressed_answer__refused_unread(scripted: Make) -> None:
    client, _ = scripted(httpx.Response(200, headers={"content-encoding": "gzip"}, content=b"\x1f\x8b"))

    with pytest.raises(UnreadableError, match="compressed"):
        client.positions()


def test_get__proxy_in_the_environment__ignored(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[..., OkxClient], reader: Credentials
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert connect(reader).positions().rows == ()


def test_get__cookie_set_by_okx__never_sent_back(scripted: Make) -> None:
    body = b'{"code":"0","msg":"","data":[]}'
    client, network = scripted(httpx.Response(200, headers={"set-cookie": "__cf=1; Path=/"}, content=body))

    client.positions()
    client.positions()

    assert "cookie" not in network.requests[1].headers


def test_get__answer__kept_byte_for_byte(scripted: Make) -> None:
    body = b'{ "code":"0","msg":"\\u00e4", "data":[ ] }\n'
    client, _ = scripted(httpx.Response(200, content=body))

    (raw,) = client.positions("BTC-USDT-SWAP").responses

    assert (raw.method, raw.path) == ("GET", "/api/v5/account/positions?instId=BTC-USDT-SWAP")
    assert (raw.http_status, raw.requested_at_ms, raw.received_at_ms) == (200, 1790022846316, 1790022846316)
    assert raw.body == body


def test_get__network_down__retried_five_times_with_growing_waits(
    scripted: Make, sleeps: list[float]
) -> None:
    client, network = scripted(httpx.ConnectError("refused"))

    with pytest.raises(RetryableError, match="cannot be reached") as failed:
        client.positions()

    assert failed.value.code is None
    assert len(network.requests) == 5
    assert [0.5 * 2**n <= wait <= 0.5 * 2**n + 0.5 for n, wait in enumerate(sleeps)] == [True] * 4


def test_get__network_back_after_two_failures__answer(scripted: Make, envelope: Envelope) -> None:
    client, network = scripted(httpx.ReadTimeout("slow"), envelope("50001"), envelope(data=[{"posId": "1"}]))

    assert client.positions().rows == ({"posId": "1"},)
    assert len(network.requests) == 3


def test_order__two_rows__refused(scripted: Make, envelope: Envelope) -> None:
    client, _ = scripted(envelope(data=[{"ordId": "1"}, {"ordId": "2"}]))

    with pytest.raises(DataError):
        client.order("BTC-USDT-SWAP", "1")


def test_transport__credentials_not_given__nothing_signed() -> None:
    network = Scripted([httpx.Response(200, content=b"{}")])
    transport = Transport("https://us.okx.com", SetClock(), http_transport=network)

    transport.get(Endpoint.TIME, {}, None, 0)
    transport.get(Endpoint.ACCOUNT_CONFIG, {}, Credentials("k", "s", "p"), 0)

    assert not [name for name in network.requests[0].headers if name.startswith("ok-access")]
    assert len([name for name in network.requests[1].headers if name.startswith("ok-access")]) == 4
