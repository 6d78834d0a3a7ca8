import json
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import urlsplit

import httpx
import pytest
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.errors import (
    ClockSkewError,
    DataError,
    KeyBrokenError,
    PagingError,
    RetryableError,
    UnreadableError,
)
from liqpass.adapters.okx.signing import Credentials
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.adapters.okx.simulator.faults import Damage, Fault
from liqpass.adapters.okx.simulator.server import SimulatorServer
from okx_doubles import NOW_MS, Scripted, SetClock, Stopwatch

Connect = Callable[..., OkxClient]
Make = Callable[..., tuple[OkxClient, Scripted]]
Envelope = Callable[..., httpx.Response]


def test_account_config__read_only_key__uid_and_permissions(
    client: OkxClient, server: SimulatorServer
) -> None:
    account = server.exchange.account("trader-1")

    config = client.account_config()

    assert (config.uid, config.main_uid) == (account.uid, account.main_uid)
    assert config.permissions == frozenset({"read_only"})
    assert (config.account_level, config.position_mode) == ("2", "long_short_mode")
    assert config.response.path == "/api/v5/account/config"


def test_account_config__sub_account__main_uid_of_its_parent(
    connect: Connect, server: SimulatorServer
) -> None:
    parent = server.exchange.account("trader-1")
    child = server.exchange.add_account("trader-1-sub", main_account="trader-1")

    config = connect(child.keys["reader"].credentials).account_config()

    assert (config.uid, config.main_uid) == (child.uid, parent.uid)


@pytest.mark.parametrize("perm", ["read_only,trade", "read_only,withdraw,trade", "read_only,withdraw"])
def test_account_config__key_that_can_do_more__not_read_only(
    connect: Connect, server: SimulatorServer, perm: str
) -> None:
    key = server.exchange.add_key("trader-1", "more", perm)

    config = connect(key.credentials).account_config()

    assert (config.permissions, config.read_only) == (frozenset(perm.split(",")), False)


@pytest.mark.parametrize(
    ("perm", "read_only"),
    [
        ("read_only", True),
        ("read_only,", True),
        ("", False),
        ("trade", False),
        ("READ_ONLY", False),
        ("read_only , trade", False),
        ("read-only", False),
    ],
)
def test_account_config__perm_as_text__only_exactly_read_only(
    scripted: Make, envelope: Envelope, perm: str, read_only: bool
) -> None:
    row = {"uid": "1", "mainUid": "1", "perm": perm, "acctLv": "2", "posMode": "net_mode"}
    client, _ = scripted(envelope(data=[row]))

    assert client.account_config().read_only is read_only


@pytest.mark.parametrize(
    "change",
    [{"uid": 1}, {"uid": ""}, {"mainUid": None}, {"perm": ["read_only"]}, {"acctLv": 2}, {"posMode": None}],
)
def test_account_config__field_of_another_type__unreadable(
    scripted: Make, envelope: Envelope, change: dict[str, object]
) -> None:
    row = {"uid": "1", "mainUid": "1", "perm": "read_only", "acctLv": "2", "posMode": "net_mode", **change}
    client, _ = scripted(envelope(data=[row]))

    with pytest.raises(UnreadableError):
        client.account_config()


@pytest.mark.parametrize("rows", [0, 2])
def test_account_config__not_one_account__unreadable(scripted: Make, envelope: Envelope, rows: int) -> None:
    client, _ = scripted(envelope(data=[{}] * rows))

    with pytest.raises(UnreadableError, match=f"{rows} accounts"):
        client.account_config()


@pytest.mark.parametrize("skew_ms", [40_000, -40_000])
def test_clock__40_s_off__repaired_by_one_resync(connect: Connect, reader: Credentials, skew_ms: int) -> None:
    client = connect(reader, SetClock(NOW_MS + skew_ms))

    assert client.positions().rows == ()
    assert client.clock_offset_ms == -skew_ms
    assert client.account_config().read_only


@pytest.mark.parametrize("off_ms", [30_000, -30_000])
def test_clock__exactly_at_the_window__accepted_as_it_is(
    connect: Connect, reader: Credentials, off_ms: int
) -> None:
    client = connect(reader, SetClock(NOW_MS + off_ms))

    client.positions()

    assert client.clock_offset_ms == 0


@pytest.mark.parametrize("off_ms", [30_001, -30_001])
def test_clock__one_ms_beyond_the_window__resynchronised(
    connect: Connect, reader: Credentials, off_ms: int
) -> None:
    client = connect(reader, SetClock(NOW_MS + off_ms))

    client.positions()

    assert client.clock_offset_ms == -off_ms


def test_clock__round_trip__offset_from_its_middle(scripted: Make, envelope: Envelope) -> None:
    class Ticking(SetClock):
        def now_ms(self) -> int:
            self.time_ms += 100
            return self.time_ms

    network = Scripted([envelope(data=[{"ts": "10000"}])])
    client = OkxClient(
        "https://www.okx.com", Credentials("k", "s", "p"), Ticking(1000), http_transport=network
    )

    assert client.sync_clock() == 10_000 - 1_150


@pytest.mark.parametrize(
    "data", [[], [{}], [{"ts": 5}], [{"ts": "-5"}], [{"ts": "9" * 16}], [{"ts": "1"}] * 2]
)
def test_clock__time_that_is_none__unreadable(scripted: Make, envelope: Envelope, data: list[object]) -> None:
    client, _ = scripted(envelope(data=data))

    with pytest.raises(UnreadableError):
        client.sync_clock()


def test_clock__still_refused_after_resync__raises(client: OkxClient, server: SimulatorServer) -> None:
    server.faults.armed.append(Fault(Damage.CODE, "/account/positions", 2, "50102", 401))

    with pytest.raises(ClockSkewError):
        client.positions()


def test_key__wrong_passphrase__broken_50105(connect: Connect, reader: Credentials) -> None:
    with pytest.raises(KeyBrokenError) as refused:
        connect(Credentials(reader.api_key, reader.secret, "wrong")).account_config()

    assert refused.value.code == "50105"


def test_key__wrong_secret__broken_50113(connect: Connect, reader: Credentials) -> None:
    with pytest.raises(KeyBrokenError) as refused:
        connect(Credentials(reader.api_key, "wrong", reader.passphrase)).account_config()

    assert refused.value.code == "50113"


def test_key__unknown__broken_50119(connect: Connect, reader: Credentials) -> None:
    with pytest.raises(KeyBrokenError) as refused:
        connect(Credentials("unknown", reader.secret, reader.passphrase)).account_config()

    assert refused.value.code == "50119"


def test_key__demo_key_in_production__broken_50101(connect: Connect, server: SimulatorServer) -> None:
    demo = server.exchange.add_key("trader-1", "demo", "read_only", demo=True).credentials

    assert connect(demo).account_config().read_only
    with pytest.raises(KeyBrokenError) as refused:
        connect(Credentials(demo.api_key, demo.secret, demo.passphrase)).account_config()
    assert refused.value.code == "50101"


def test_key__without_read_permission__broken_50120(connect: Connect, server: SimulatorServer) -> None:
    key = server.exchange.add_key("trader-1", "none", "trade")

    with pytest.raises(KeyBrokenError) as refused:
        connect(key.credentials).account_config()

    assert refused.value.code == "50120"


def test_order__opening_order__resolves_to_the_position(client: OkxClient, server: SimulatorServer) -> None:
    position = server.exchange.open_position("trader-1", "BTC-USDT-SWAP", contracts=Decimal(10))

    (order,) = client.order("BTC-USDT-SWAP", position.ord_id).rows
    (row,) = client.positions("BTC-USDT-SWAP").rows

    assert (order["category"], order["posSide"], order["tdMode"]) == ("normal", "long", "isolated")
    assert int(row["cTime"]) - int(order["fillTime"]) == 1
    assert row["posId"] == position.pos_id


def test_order__unknown__data_error_51603(client: OkxClient) -> None:
    with pytest.raises(DataError) as refused:
        client.order("BTC-USDT-SWAP", "1")

    assert refused.value.code == "51603"


def test_positions__unknown_instrument__data_error_51001(client: OkxClient) -> None:
    with pytest.raises(DataError) as refused:
        client.positions("DOGE-USDT-SWAP")

    assert refused.value.code == "51001"


def test_positions__another_account__not_seen(connect: Connect, server: SimulatorServer) -> None:
    server.exchange.open_position("trader-2", "BTC-USDT-SWAP", contracts=Decimal(10))
    keys = {
        name: server.exchange.account(name).keys["reader"].credentials for name in ("trader-1", "trader-2")
    }

    assert connect(keys["trader-1"]).positions().rows == ()
    assert len(connect(keys["trader-2"]).positions().rows) == 1


def test_rate__eleventh_request_in_two_seconds__refused_after_all_attempts(
    client: OkxClient, stopwatch: Stopwatch, sleeps: list[float]
) -> None:
    stopwatch.step_s = 0
    for _ in range(10):
        client.positions()
    assert sleeps == []

    with pytest.raises(RetryableError) as refused:
        client.positions()

    assert refused.value.code == "50011"
    assert len(sleeps) == 4


def test_rate__waits_let_the_window_pass__answer(
    server: SimulatorServer, reader: Credentials, clock: SetClock, stopwatch: Stopwatch
) -> None:
    stopwatch.step_s = 0

    def wait(seconds: float) -> None:
        stopwatch.time_s += seconds

    with OkxClient(server.url, reader, clock, allow_any_host=True, sleep=wait) as client:
        for _ in range(11):
            assert client.positions().rows == ()


def test_claim_responses__liquidated_among_250_orders__every_page_of_every_list_in_order(
    client: OkxClient, server: SimulatorServer, clock: SetClock
) -> None:
    exchange = server.exchange
    position = exchange.open_position("trader-1", "BTC-USDT-SWAP", contracts=Decimal(10), age_ms=7_200_000)
    exchange.add_filler(
        "trader-1", "orders", "BTC-USDT-SWAP", 248, newest_ms=NOW_MS - 1000, step_ms=1000, pos_id=None
    )
    exchange.close_position("trader-1", position.pos_id, Close.FULL_LIQUIDATION)

    answers = client.claim_responses("BTC-USDT-SWAP", position.pos_id)

    assert [urlsplit(raw.path).path.rpartition("/")[2] for raw in answers] == (
        ["positions-history"] + ["orders-history"] * 3 + ["orders-history-archive"] * 3 + ["positions"]
    )
    pages = [json.loads(raw.body)["data"] for raw in answers]
    assert [len(page) for page in pages] == [1, 100, 100, 50, 100, 100, 50, 0]
    (history,), newest_order = pages[0], pages[1][0]
    assert (history["type"], newest_order["category"]) == ("3", "full_liquidation")
    assert history["uTime"] == newest_order["fillTime"] == str(NOW_MS)
    assert {raw.http_status for raw in answers} == {200}


def test_claim_responses__begin_given__older_orders_left_out_newer_never(
    client: OkxClient, server: SimulatorServer
) -> None:
    server.exchange.add_filler(
        "trader-1", "orders", "BTC-USDT-SWAP", 50, newest_ms=NOW_MS, step_ms=1000, pos_id=None
    )

    answers = client.claim_responses("BTC-USDT-SWAP", "1", NOW_MS - 10_000)

    times = [int(row["cTime"]) for row in json.loads(answers[1].body)["data"]]
    assert times == [NOW_MS - 1 - 1000 * n for n in range(10)]
    assert answers[1].path.endswith(f"?instType=SWAP&instId=BTC-USDT-SWAP&begin={NOW_MS - 10_000}&limit=100")


def test_claim_responses__one_page_unreadable__nothing_returned(
    client: OkxClient, server: SimulatorServer
) -> None:
    server.faults.armed.append(Fault(Damage.HTML, "/orders-history-archive", 5))

    with pytest.raises(UnreadableError):
        client.claim_responses("BTC-USDT-SWAP", "1")


def test_claim_responses__list_that_cannot_be_proved_complete__raises(
    client: OkxClient, server: SimulatorServer
) -> None:
    server.exchange.add_filler(
        "trader-1", "positions", "BTC-USDT-SWAP", 120, newest_ms=NOW_MS, step_ms=0, pos_id="9"
    )

    with pytest.raises(PagingError):
        client.claim_responses("BTC-USDT-SWAP", "9")
