"""Scenarios through the control paths and through a file, while the simulator runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.errors import RetryableError, UnreadableError
from liqpass.adapters.okx.simulator.accounts import SimulatorError
from liqpass.adapters.okx.simulator.actions import read_scenario
from liqpass.adapters.okx.simulator.server import SimulatorServer
from okx_doubles import NOW_MS, WEB


def act(server: SimulatorServer, **action: Any) -> dict[str, Any]:
    response = WEB.post(f"{server.url}/sim/actions", json=action)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.fixture
def pos_id(server: SimulatorServer) -> str:
    opened = act(
        server, action="open", account="trader-1", instId="BTC-USDT-SWAP", contracts="10", ageMs=7_200_000
    )
    found: str = opened["posId"]
    return found


def test_action__open__client_sees_the_position(client: OkxClient, pos_id: str) -> None:
    (row,) = client.positions().rows

    assert (row["posId"], row["cTime"]) == (pos_id, str(NOW_MS - 7_200_000))


@pytest.mark.parametrize(
    ("kind", "row_type", "still_open"),
    [
        ("full_liquidation", "3", 0),
        ("partial_liquidation", "4", 1),
        ("adl", "6", 0),
        ("adl_partial", "5", 1),
        ("delivery", "2", 0),
        ("manual", "2", 0),
        ("manual_partial", "1", 1),
    ],
)
def test_action__close__client_sees_it(
    server: SimulatorServer, client: OkxClient, pos_id: str, kind: str, row_type: str, still_open: int
) -> None:
    act(server, action="close", account="trader-1", posId=pos_id, kind=kind)

    assert [row["type"] for row in client.positions_history(pos_id=pos_id).rows] == [row_type]
    assert len(client.positions().rows) == still_open


def test_action__close_outside_the_window__at_that_time(
    server: SimulatorServer, client: OkxClient, pos_id: str
) -> None:
    at_ms = NOW_MS - 3_600_000
    act(server, action="close", account="trader-1", posId=pos_id, kind="full_liquidation", atMs=at_ms)

    (row,) = client.positions_history(pos_id=pos_id).rows
    newest = client.orders_history().rows[0]
    assert (row["uTime"], newest["fillTime"]) == (str(at_ms), str(at_ms))


def test_action__reopen__same_pos_id_new_ctime(
    server: SimulatorServer, client: OkxClient, pos_id: str
) -> None:
    act(server, action="close", account="trader-1", posId=pos_id, kind="manual")
    act(server, action="open", account="trader-1", instId="BTC-USDT-SWAP", contracts="10")

    (row,) = client.positions().rows
    assert (row["posId"], row["cTime"]) == (pos_id, str(NOW_MS))


def test_action__adjust_and_increase__client_sees_them(
    server: SimulatorServer, client: OkxClient, pos_id: str
) -> None:
    act(server, action="adjust", account="trader-1", posId=pos_id, lever="10")
    act(server, action="increase", account="trader-1", posId=pos_id, contracts="5")

    (row,) = client.positions().rows
    assert (row["lever"], row["pos"], row["uTime"]) == ("10", "15", str(NOW_MS))


def test_action__filler__that_many_rows(server: SimulatorServer, client: OkxClient) -> None:
    act(server, action="filler", account="trader-1", rows="orders", instId="BTC-USDT-SWAP", count=250)

    assert len(client.orders_history().rows) == 250


def test_action__fail_next_five__then_fine(server: SimulatorServer, client: OkxClient) -> None:
    act(server, action="fail", path="/positions", count=5, code="50013", status=503)

    with pytest.raises(RetryableError) as failed:
        client.positions()
    assert failed.value.code == "50013"
    assert client.positions().rows == ()


def test_action__html__unreadable(server: SimulatorServer, client: OkxClient) -> None:
    act(server, action="fail", damage="html", count=5, status=403)

    with pytest.raises(UnreadableError, match="403"):
        client.positions()


def test_action__clock_skew__client_follows(server: SimulatorServer, client: OkxClient) -> None:
    act(server, action="clock_skew", ms=40_000)

    assert client.positions().rows == ()
    assert client.clock_offset_ms == 40_000


def test_action__account_with_keys__usable(server: SimulatorServer) -> None:
    act(
        server, action="account", account="buyer", positionMode="net_mode", keys={"all": "read_only,withdraw"}
    )

    account = server.exchange.account("buyer")
    assert {label: key.permissions for label, key in account.keys.items()} == {
        "reader": "read_only",
        "trader": "read_only,trade",
        "all": "read_only,withdraw",
    }


def test_action__reset__demo_accounts_only(server: SimulatorServer, client: OkxClient, pos_id: str) -> None:
    act(server, action="account", account="buyer")
    act(server, action="fail", count=5)

    answer = act(server, action="reset")

    assert answer == {"accounts": ["trader-1", "trader-2", "trader-3"]}
    assert client.positions().rows == ()


def test_state__position_open__shown(server: SimulatorServer, pos_id: str) -> None:
    state = WEB.get(f"{server.url}/sim/state").json()

    assert state["nowMs"] == str(NOW_MS)
    assert [row["posId"] for row in state["accounts"]["trader-1"]["positions"]] == [pos_id]
    assert state["accounts"]["trader-1"]["orderRows"] == 1


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        b"[]",
        b'{"action":"explode"}',
        b'{"action":"open","account":"trader-1","instId":"BTC-USDT-SWAP","contracts":"0"}',
        b'{"action":"open","account":"trader-1","instId":"BTC-USDT-SWAP","contracts":"1","extra":"1"}',
        b'{"action":"open","account":"nobody","instId":"BTC-USDT-SWAP","contracts":"1"}',
        b'{"action":"filler","account":"trader-1","rows":"orders","instId":"DOGE","count":1}',
        b'{"action":"close","account":"trader-1","posId":"1","kind":"manual"}',
        b'{"action":"close","account":"trader-1","posId":"1","kind":"vanish"}',
        b'{"action":"account","account":"trader-1"}',
    ],
)
def test_action__senseless__422_and_nothing_changes(server: SimulatorServer, document: bytes) -> None:
    before = WEB.get(f"{server.url}/sim/state").json()

    response = WEB.post(f"{server.url}/sim/actions", content=document)

    assert response.status_code == 422
    assert response.json()["error"]
    assert WEB.get(f"{server.url}/sim/state").json() == before


SCENARIO = [
    {"action": "account", "account": "buyer"},
    {"action": "open", "account": "buyer", "instId": "ETH-USDT-SWAP", "contracts": "3", "lever": "4"},
]


@pytest.mark.parametrize("as_yaml", [False, True])
def test_scenario_file__json_or_yaml__same_actions(tmp_path: Path, as_yaml: bool) -> None:
    path = tmp_path / "scenario"
    text = json.dumps(SCENARIO)
    path.write_text(text.replace("}, {", "}\n- {").replace("[{", "- {").rstrip("]") if as_yaml else text)

    actions = read_scenario(path)

    assert [action.action for action in actions] == ["account", "open"]


@pytest.mark.parametrize("text", ["{", "x: [", "42", '[{"action":"explode"}]'])
def test_scenario_file__unusable__says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scenario"
    path.write_text(text)

    with pytest.raises(SimulatorError, match="scenario"):
        read_scenario(path)
