"""A deployment that dies at any transaction goes on to the same addresses and deploys nothing twice."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from conftest import REPOSITORY, ape_run, deployments_folder, nonce_of
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.signer import LocalSigner
from web3 import HTTPProvider, Web3

from scripts._build import Build
from scripts._connection import Connection
from scripts._deployment import Deployment, begin
from scripts._parameters import load_parameters

TRANSACTIONS = 6
GENESIS_S = 1_700_000_000


class PowerCutError(BaseException):
    """Not an Exception: nothing in the code may catch it, as nothing catches the end of the process."""


class CutRpc(Web3Rpc):
    """Dies with the `at`-th broadcast, before or after the node has it."""

    def __init__(self, url: str, at: int, *, after: bool) -> None:
        super().__init__(HTTPProvider(url))
        self._left, self._after = at, after

    def send_raw(self, raw: bytes) -> None:
        self._left -= 1
        if self._left == 0:
            if self._after:
                super().send_raw(raw)
            raise PowerCutError
        super().send_raw(raw)


@pytest.fixture(scope="module")
def build() -> Build:
    return Build()


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil(genesis_timestamp_s=GENESIS_S) as running:
        yield running


@contextmanager
def as_before(node: Anvil) -> Iterator[None]:
    snapshot = node.snapshot()
    try:
        yield
    finally:
        node.revert(snapshot)


def deploy(node: Anvil, folder: Path, build: Build, rpc: Web3Rpc | None = None) -> dict[str, str]:
    """What `ape run deploy` does on a local chain, with any node in between; addresses by name."""
    web3 = Web3(HTTPProvider(node.url))
    connection = Connection("local", 31337, False, web3, rpc or Web3Rpc(HTTPProvider(node.url)))
    parameters = load_parameters(connection.parameters_path(folder))
    path = connection.record_path(folder)
    signer = LocalSigner(node.account(0))
    record = begin(connection, parameters, signer.address, path, lambda _: None)
    with Engine.open(
        connection.rpc, signer, Policy.local(), chain_id=31337, journal_folder=folder.parent / "journal"
    ) as engine:
        Deployment(connection, engine, build, parameters, signer.address, record, path, lambda _: None).run()
    return record.addresses()


@pytest.fixture(scope="module")
def undisturbed(chain: Anvil, build: Build, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where everything is when nothing goes wrong."""
    with as_before(chain):
        return deploy(chain, deployments_folder(tmp_path_factory.mktemp("undisturbed")), build)


@pytest.mark.parametrize(
    ("after", "journal_is_lost"),
    [(False, False), (True, False), (True, True)],
    ids=["before sending", "after sending", "after sending, journal lost"],
)
@pytest.mark.parametrize("at", range(1, TRANSACTIONS + 1))
def test_deploy__cut_at_each_broadcast__goes_on_to_the_same_addresses(
    chain: Anvil,
    folder: Path,
    build: Build,
    undisturbed: dict[str, str],
    at: int,
    after: bool,
    journal_is_lost: bool,
) -> None:
    with as_before(chain):
        with pytest.raises(PowerCutError):
            deploy(chain, folder, build, CutRpc(chain.url, at, after=after))
        sent_before = nonce_of(chain, chain.account(0).address)
        if journal_is_lost:
            shutil.rmtree(folder.parent / "journal")

        addresses = deploy(chain, folder, build)

        assert sent_before == (at if after else at - 1)
        assert addresses == undisturbed
        assert nonce_of(chain, chain.account(0).address) == TRANSACTIONS
        record = json.loads((folder / "local.json").read_text())
        blocks = [record["contracts"][name]["block"] for name in undisturbed]
        assert [*blocks, record["handover"]["block"]] == [1, 2, 3, 4, 5, 6]
        for name in undisturbed:
            receipt = chain.rpc("eth_getTransactionReceipt", record["contracts"][name]["transaction"])
            assert receipt["contractAddress"].lower() == addresses[name].lower()
        assert len(record["handover"]["transaction"]) == 66
        assert "expected" not in record


@pytest.mark.parametrize(("at", "after"), [(2, False), (6, True)], ids=["before the 2nd", "after the 6th"])
def test_deploy__process_killed__goes_on_to_the_same_addresses(
    chain: Anvil, folder: Path, undisturbed: dict[str, str], at: int, after: bool
) -> None:
    with as_before(chain), KillingProxy(chain.url, at, after=after) as proxy:
        killed = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ape")),
                *("run", "deploy", "--network", f"ethereum:local:{proxy.url}"),
                *("--deployments", str(folder), "--journal", str(folder.parent / "journal")),
            ],
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        proxy.victim = killed
        assert killed.wait(timeout=120) == -signal.SIGKILL

        resumed = ape_run("deploy", chain.url, folder)

        assert resumed.exit_code == 0, resumed.output
        record = json.loads((folder / "local.json").read_text())
        assert {name: entry["address"] for name, entry in record["contracts"].items()} == undisturbed
        assert nonce_of(chain, chain.account(0).address) == TRANSACTIONS


class KillingProxy:
    """Stands between a process and its node, and kills the process at its `at`-th broadcast."""

    def __init__(self, node_url: str, at: int, *, after: bool) -> None:
        self.victim: subprocess.Popen[bytes] | None = None
        self._left, self._after, self._node_url = at, after, node_url
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                answer = proxy.answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> KillingProxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        if self.victim is not None and self.victim.poll() is None:
            self.victim.kill()

    def answer(self, body: bytes) -> bytes:
        if json.loads(body)["method"] == "eth_sendRawTransaction":
            self._left -= 1
            if self._left == 0:
                answer = self._forward(body) if self._after else b""
                assert self.victim is not None
                self.victim.kill()
                return answer
        return self._forward(body)

    def _forward(self, body: bytes) -> bytes:
        request = Request(self._node_url, body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as response:
            found: bytes = response.read()
        return found
