"""A canary in key, secret and passphrase must come out nowhere: repr, log, message, traceback, locals."""

import logging
import pickle
import traceback
from collections.abc import Callable

import httpx
import pytest
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.errors import OkxError
from liqpass.adapters.okx.signing import Credentials
from liqpass.adapters.okx.simulator.server import SimulatorServer
from okx_doubles import Scripted, SetClock

CANARIES = ("CANARY-KEY-51f0", "CANARY-SECRET-a7c2", "CANARY-PHRASE-9d3e")


@pytest.fixture
def canary() -> Credentials:
    return Credentials(*CANARIES)


def traces(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


def everything(error: BaseException) -> str:
    """The error as a crash reporter would keep it, with the local variables of each frame and all causes."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format()) + repr(error) + str(error) + repr(error.args) + repr(vars(error))


def test_credentials__shown_in_any_way__hidden(canary: Credentials) -> None:
    assert repr(canary) == str(canary) == f"{canary}" == "Credentials(hidden)"
    assert traces(repr([canary]) + repr({"x": canary})) == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("down"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("odd"),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(302, headers={"location": "https://evil.example"}),
        httpx.Response(401, content=b'{"code":"50113","msg":"bad sign of CANARY-KEY-51f0"}'),
        httpx.Response(401, content=b'{"code":"50110","msg":"IP 1.2.3.4 not in list of CANARY-KEY-51f0"}'),
        httpx.Response(200, content=b'{"code":"59999","msg":"CANARY-KEY-51f0"}'),
    ],
)
def test_client__any_failure__no_canary_in_error_traceback_or_log(
    canary: Credentials, caplog: pytest.LogCaptureFixture, answer: httpx.Response | Exception
) -> None:
    caplog.set_level(logging.DEBUG)
    network = Scripted([answer])
    client = OkxClient(
        "https://www.okx.com", canary, SetClock(), sleep=lambda _: None, http_transport=network
    )

    with pytest.raises(OkxError) as failed:
        client.account_config()

    assert network.requests[0].headers["ok-access-key"] == CANARIES[0]
    assert traces(everything(failed.value)) == []
    assert traces(caplog.text) == []
    assert traces(repr(client)) == []


def test_client__refused_by_a_real_server__no_canary_in_error_or_log(
    connect: Callable[..., OkxClient], canary: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(OkxError) as failed:
        connect(canary).claim_responses("BTC-USDT-SWAP", "1")

    assert traces(everything(failed.value)) == []
    assert traces(caplog.text) == []
    assert "HTTP Request: GET" in caplog.text


def test_client__connection_refused_by_the_machine__no_canary(
    canary: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = OkxClient("http://127.0.0.1:1", canary, SetClock(), allow_any_host=True, sleep=lambda _: None)

    with pytest.raises(OkxError) as failed:
        client.positions()

    assert traces(everything(failed.value)) == []
    assert traces(caplog.text) == []


def test_client__success__answers_hold_no_canary(
    connect: Callable[..., OkxClient], server: SimulatorServer
) -> None:
    key = server.exchange.account("trader-1").keys["reader"].credentials

    answers = connect(key).claim_responses("BTC-USDT-SWAP", "1")

    kept = pickle.dumps(answers).decode("latin-1") + repr(answers)
    assert [part for part in (key.api_key, key.secret, key.passphrase) if part in kept] == []


def test_account_config__shown__no_uid(client: OkxClient, server: SimulatorServer) -> None:
    uid = server.exchange.account("trader-1").uid

    config = client.account_config()

    assert config.uid == uid
    assert uid not in repr(config)
