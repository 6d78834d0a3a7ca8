"""The commands, as a person runs them."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from liqpass.adapters.okx.signing import Credentials
from liqpass.adapters.okx.simulator.server import SimulatorServer
from liqpass.entrypoints.cli.okx import okx
from okx_doubles import WEB


@contextmanager
def simulating(*arguments: str) -> Iterator[tuple[str, list[dict[str, str]], subprocess.Popen[str]]]:
    """The command in a process of its own: its URL, its made-up keys, and the process."""
    command = [
        sys.executable,
        "-c",
        "from liqpass.entrypoints.cli.okx import okx; okx()",
        "simulate",
        *arguments,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, url = process.stdout.readline().split()
            assert word == "ready"
            keys = [json.loads(process.stdout.readline()) for _ in range(6)]
            yield url, keys, process
        finally:
            process.kill()


def check(credentials: Credentials, *arguments: str) -> Result:
    answers = f"{credentials.api_key}\n{credentials.secret}\n{credentials.passphrase}\n"
    return CliRunner(mix_stderr=False).invoke(okx, ["check", *arguments], input=answers)


def test_simulate__port_taken__says_so(server: SimulatorServer) -> None:
    port = server.url.rpartition(":")[2]

    result = CliRunner(mix_stderr=False).invoke(okx, ["simulate", "--port", port])

    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in result.stderr


def test_simulate__scenario_senseless__says_so(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text('[{"action": "explode"}]')

    result = CliRunner(mix_stderr=False).invoke(okx, ["simulate", "--scenario-file", str(scenario)])

    assert result.exit_code == 1
    assert "explode" in result.stderr or "action" in result.stderr


def test_simulate__clock_node_not_there__says_so() -> None:
    result = CliRunner(mix_stderr=False).invoke(okx, ["simulate", "--clock-rpc", "http://127.0.0.1:1"])

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


@contextmanager
def local_chain(chain_id: int, block_time_s: int) -> Iterator[str]:
    """The URL of a node that knows its chain id and its latest block."""
    answers = {
        "eth_chainId": hex(chain_id),
        "eth_getBlockByNumber": {"number": "0x1", "hash": "0x" + "11" * 32, "timestamp": hex(block_time_s)},
    }

    class Node(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps(
                {"jsonrpc": "2.0", "id": asked["id"], "result": answers[asked["method"]]}
            ).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Node) as node:
        threading.Thread(target=node.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{node.server_port}"
        node.shutdown()


def test_simulate__scenario_file_and_chain_clock__ready_line_keys_position_and_block_time(
    tmp_path: Path,
) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(
        "- {action: open, account: trader-2, instId: BTC-USDT-SWAP, contracts: '10', ageMs: 7200000}\n"
    )

    with (
        local_chain(31337, 1_790_000_000) as node,
        simulating("--scenario-file", str(scenario), "--clock-rpc", node) as (url, keys, process),
    ):
        state = WEB.get(f"{url}/sim/state").json()
        time = WEB.get(f"{url}/api/v5/public/time").json()
        process.send_signal(signal.SIGINT)
        ended_with = process.wait(10)

    assert ended_with == 0
    assert url.startswith("http://127.0.0.1:")
    assert [(key["account"], key["label"], key["perm"]) for key in keys[:2]] == [
        ("trader-1", "reader", "read_only"),
        ("trader-1", "trader", "read_only,trade"),
    ]
    assert set(keys[0]) == {"account", "label", "perm", "apiKey", "secret", "passphrase"}
    (row,) = state["accounts"]["trader-2"]["positions"]
    assert row["cTime"] == "1789992800000"
    assert time == {"code": "0", "msg": "", "data": [{"ts": "1790000000000"}]}


def test_simulate__clock_of_a_public_chain__refused() -> None:
    with local_chain(8453, 1_790_000_000) as node:
        result = CliRunner(mix_stderr=False).invoke(okx, ["simulate", "--clock-rpc", node])

    assert result.exit_code == 1
    assert "chain id 8453, not 31337" in result.stderr


def test_check__read_only_key__shown_without_uid_or_key(server: SimulatorServer, reader: Credentials) -> None:
    result = check(reader, "--simulator", server.url)

    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert (shown["perm"], shown["readOnly"], shown["posMode"]) == (["read_only"], True, "long_short_mode")
    uid = server.exchange.account("trader-1").uid
    for hidden in (uid, reader.api_key, reader.secret, reader.passphrase):
        assert hidden not in result.stdout + result.stderr


def test_check__key_that_may_trade__shown_and_ends_with_1(server: SimulatorServer) -> None:
    trader = server.exchange.account("trader-1").keys["trader"].credentials

    result = check(trader, "--simulator", server.url)

    assert result.exit_code == 1
    assert json.loads(result.stdout)["perm"] == ["read_only", "trade"]
    assert "exactly read_only" in result.stderr


def test_check__wrong_passphrase__says_so(server: SimulatorServer, reader: Credentials) -> None:
    result = check(Credentials(reader.api_key, reader.secret, "wrong"), "--simulator", server.url)

    assert result.exit_code == 1
    assert "the passphrase is wrong" in result.stderr


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:80", "https://evil.example", "http://127.0.0.1.evil.example"]
)
def test_check__simulator_elsewhere__refused_before_asking_for_a_key(url: str) -> None:
    result = CliRunner(mix_stderr=False).invoke(okx, ["check", "--simulator", url])

    assert result.exit_code == 1
    assert "must run on this machine" in result.stderr


def test_check__host_not_of_okx__refused(reader: Credentials) -> None:
    result = check(reader, "--host", "evil.example")

    assert result.exit_code == 1
    assert "not a host of OKX" in result.stderr


def test_simulate__port_that_cannot_be__usage_error() -> None:
    result = CliRunner().invoke(okx, ["simulate", "--port", "99999"])

    assert (result.exit_code, "0<=x<=65535" in result.output) == (2, True)
