"""Recording a live account: nobody can be told in the record, and the rules read it as before."""

import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from liqpass.adapters.okx.anonymous import Anonymiser
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.responses import RawResponse, rows_of
from liqpass.adapters.okx.signing import Credentials
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.adapters.okx.simulator.server import SimulatorServer
from liqpass.domain.decision import Verdict
from liqpass.domain.eligibility import decide
from liqpass.domain.evidence import Bundle, Env, StoredRequest, Venue
from liqpass.domain.okx_records import read_closed_position, read_open_position, read_order
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.position import Subject
from liqpass.domain.window import Window
from liqpass.entrypoints.cli.okx import okx
from okx_doubles import NOW_MS, SetClock

BTC, ETH = "BTC-USDT-SWAP", "ETH-USDT-SWAP"
HOUR_MS = 3_600_000


@pytest.fixture
def lived(server: SimulatorServer, clock: SetClock) -> SimulatorServer:
    """trader-1 was liquidated in BTC an hour after NOW_MS and still holds ETH."""
    clock.time_ms = NOW_MS + HOUR_MS
    gone = server.exchange.open_position("trader-1", BTC, contracts=Decimal(10), age_ms=3 * HOUR_MS)
    server.exchange.open_position("trader-1", ETH, contracts=Decimal(10), age_ms=HOUR_MS)
    server.exchange.close_position("trader-1", gone.pos_id, Close.FULL_LIQUIDATION)
    return server


def probe(server: SimulatorServer, credentials: Credentials, out: Path) -> Result:
    answers = f"{credentials.api_key}\n{credentials.secret}\n{credentials.passphrase}\n"
    arguments = ["probe", "--simulator", server.url, "--out", str(out)]
    return CliRunner(mix_stderr=False).invoke(okx, arguments, input=answers)


def ids_of(server: SimulatorServer) -> set[str]:
    """Everything that tells who trader-1 is, on OKX and to OKX."""
    account = server.exchange.account("trader-1")
    keys = [key.credentials for key in account.keys.values()]
    found = {account.uid, account.main_uid, "trader-1"}
    found |= {text for key in keys for text in (key.api_key, key.secret, key.passphrase)}
    rows = [*account.history, *account.orders]
    found |= {row[name] for row in rows for name in ("posId", "ordId") if name in row}
    found |= {row[name] for row in rows for name in ("cTime", "uTime", "fillTime") if name in row}
    return found | {text for position in account.positions.values() for text in (position.pos_id,)}


def test_probe__account_with_a_life__record_without_any_of_its_ids(
    lived: SimulatorServer, reader: Credentials, tmp_path: Path
) -> None:
    out = tmp_path / "probe.json"

    result = probe(lived, reader, out)

    assert result.exit_code == 0, result.stderr
    text = out.read_text()
    for secret in ids_of(lived):
        assert secret not in text + result.stdout + result.stderr
    assert [line.split(": ") for line in result.stdout.splitlines()[-6:-1]] == [
        ["/api/v5/account/config", "1 rows"],
        ["/api/v5/account/positions", "1 rows"],
        ["/api/v5/account/positions-history", "1 rows"],
        ["/api/v5/trade/orders-history", "3 rows"],
        ["/api/v5/trade/orders-history-archive", "3 rows"],
    ]
    assert "no key, user id" in result.stdout


def test_probe__record__rows_link_and_the_rules_read_them(
    lived: SimulatorServer, reader: Credentials, tmp_path: Path
) -> None:
    out = tmp_path / "probe.json"
    probe(lived, reader, out)

    found = {each["path"].split("?")[0][8:]: each for each in json.loads(out.read_text())}
    rows = {name: json.loads(each["body"])["data"] for name, each in found.items()}

    (config,), (opened,), (closed,) = (
        rows[name] for name in ("account/config", "account/positions", "account/positions-history")
    )
    orders = [read_order(row) for row in rows["trade/orders-history"]]
    assert (config["perm"], config["posMode"], config["uid"]) == (
        "read_only",
        "long_short_mode",
        config["mainUid"],
    )
    assert read_open_position(opened).key.inst_id == ETH
    assert read_closed_position(closed).key.inst_id == BTC
    categories = [order.category for order in orders if order is not None]
    assert (len(categories), categories.count("full_liquidation")) == (3, 1)
    assert rows["trade/orders-history"] == rows["trade/orders-history-archive"]


def test_probe__key_that_may_trade__refused_and_nothing_written(
    lived: SimulatorServer, tmp_path: Path
) -> None:
    trader = lived.exchange.account("trader-1").keys["trader"].credentials
    out = tmp_path / "probe.json"

    result = probe(lived, trader, out)

    assert (result.exit_code, out.exists()) == (1, False)
    assert "exactly read_only" in result.stderr


def test_probe__file_exists__refused_before_asking_for_a_key(
    lived: SimulatorServer, reader: Credentials, tmp_path: Path
) -> None:
    out = tmp_path / "probe.json"
    out.write_text("mine")

    result = probe(lived, reader, out)

    assert (result.exit_code, out.read_text()) == (1, "mine")
    assert "exists already" in result.stderr
    assert "API key" not in result.stderr


def test_anonymous__liquidated_position__same_verdict(
    server: SimulatorServer, clock: SetClock, client: OkxClient
) -> None:
    position = server.exchange.open_position("trader-1", BTC, contracts=Decimal(10), age_ms=2 * HOUR_MS)
    (bound,) = client.positions().responses
    clock.time_ms = NOW_MS + HOUR_MS
    server.exchange.close_position("trader-1", position.pos_id, Close.FULL_LIQUIDATION)
    clock.time_ms = NOW_MS + 2 * HOUR_MS
    answers = [bound, *client.claim_responses(BTC, position.pos_id)]

    recorded = anonymised(answers)

    shift_ms = answers[0].requested_at_ms - recorded[0].requested_at_ms
    start_ms = NOW_MS + 600_000 - shift_ms
    window = Window(start_ms, start_ms + 24 * HOUR_MS)
    (row,) = rows_of(recorded[0])
    subject = Subject(read_open_position(row).key, "11" * 32)
    bundle = Bundle(
        claim_id="5b3c3a0e-7d0e-4a7e-9b1c-0d6f6d8f3a11",
        policy_no=1,
        venue=Venue.OKX,
        env=Env.SIMULATOR,
        subject=subject,
        window=window,
        event=None,
        perm_ok=True,
        requests=tuple(_stored(raw) for raw in recorded),
        salt="00" * 32,
    )
    decision = decide(bundle, window, subject, CONSERVATIVE)
    assert (decision.verdict, subject.key.pos_id == position.pos_id) == (Verdict.ELIGIBLE, False)
    assert decision.event is not None
    assert decision.event.time_ms == NOW_MS + HOUR_MS - shift_ms


def test_anonymous__many_pages__cursors_and_order_survive(
    server: SimulatorServer, clock: SetClock, client: OkxClient
) -> None:
    clock.time_ms = NOW_MS + HOUR_MS
    server.exchange.add_filler("trader-1", "orders", BTC, 230, newest_ms=NOW_MS, step_ms=1000, pos_id=None)

    pages = anonymised(client.orders_history_archive().responses)

    rows = [rows_of(page) for page in pages]
    assert [len(page) for page in rows] == [100, 100, 30]
    numbers = [int(row["ordId"]) for page in rows for row in page]
    assert numbers == sorted(numbers, reverse=True)
    assert [
        f"after={page[-1]['ordId']}&" in raw.path for page, raw in zip(rows, pages[1:], strict=False)
    ] == [
        True,
        True,
    ]


def test_anonymous__fields_that_nobody_knows__masked_in_shape(envelope: Callable[..., Any]) -> None:
    row = {
        "uid": "446501812351",
        "mainUid": "446501812351",
        "ip": "203.0.113.57",
        "label": "Büro-Key 7",
        "newIn2027": "Ab-12_zZ",
        "nested": [{"clOrdId": "mine0001", "tradeId": "0", "empty": "", "flag": True, "none": None}],
        "ordId": 2497956918703120999,
        "instId": BTC,
        "liqPenalty": "-211.832264",
        "uTime": "1790022846317",
    }
    raw = answer(envelope, row)

    (found,) = rows_of(anonymised([raw])[0])

    assert found.keys() == row.keys()
    assert found["uid"] == found["mainUid"] != row["uid"]
    assert (found["instId"], found["liqPenalty"]) == (BTC, "-211.832264")
    inner = found["nested"][0]
    assert (inner["tradeId"], inner["empty"], inner["flag"], inner["none"]) == ("0", "", True, None)
    for name in ("ip", "label", "newIn2027"):
        assert found[name] != row[name]
        assert _shape(found[name]) == _shape(row[name].replace("ü", "x"))
    assert (type(found["ordId"]), len(str(found["ordId"]))) == (int, 19)
    assert found["uTime"] < row["uTime"]


def test_anonymous__two_runs__different_pseudonyms_and_times(envelope: Callable[..., Any]) -> None:
    raw = answer(envelope, {"ordId": "2497956918703120999", "uTime": "1790022846317"})

    one, other = (rows_of(anonymised([raw], seed)[0])[0] for seed in (1, 2))

    assert one["ordId"] != other["ordId"]
    assert one["uTime"] != other["uTime"]


def anonymised(responses: list[RawResponse] | tuple[RawResponse, ...], seed: int = 5) -> list[RawResponse]:
    anonymiser = Anonymiser(responses, random.Random(seed))
    return [anonymiser.anonymous(raw) for raw in responses]


def answer(envelope: Callable[..., Any], row: dict[str, Any]) -> RawResponse:
    return RawResponse("GET", "/api/v5/trade/order", 200, NOW_MS, NOW_MS, envelope(data=[row]).content)


def _shape(text: str) -> str:
    return "".join("9" if c.isdigit() else "a" if c.islower() else "A" if c.isupper() else c for c in text)


def _stored(raw: RawResponse) -> StoredRequest:
    return StoredRequest(
        raw.method, raw.path, raw.http_status, raw.requested_at_ms, raw.received_at_ms, raw.body.decode()
    )
