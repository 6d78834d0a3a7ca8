"""A deployment that dies at any transaction goes on to the same addresses and deploys nothing twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ape_runs import ape_run, deployments_folder, nonce_of
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.signer import LocalSigner
from power_cut import CutRpc, PowerCutError, kill
from web3 import HTTPProvider, Web3

from scripts._build import Build
from scripts._connection import Connection
from scripts._creations import ADDED
from scripts._deployment import Deployment, begin
from scripts._parameters import load_parameters

TRANSACTIONS = 9
GENESIS_S = 1_700_000_000


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
        Deployment(
            connection, engine, build, parameters, signer.address, record, path, ADDED, lambda _: None
        ).run()
    return record.addresses()


@pytest.fixture(scope="module")
def undisturbed(chain: Anvil, build: Build, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where everything is when nothing goes wrong."""
    with as_before(chain):
        return deploy(chain, deployments_folder(tmp_path_factory.mktemp("undisturbed")), build)


@pytest.mark.parametrize(
    ("at", "after", "journal_is_lost"),
    [
        *((at, after, False) for at in range(1, TRANSACTIONS + 1) for after in (False, True)),
        *((at, True, True) for at in (2, 4, TRANSACTIONS)),
    ],
)
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
        assert [*blocks, record["handover"]["block"]] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
        for name in undisturbed:
            receipt = chain.rpc("eth_getTransactionReceipt", record["contracts"][name]["transaction"])
            assert receipt["contractAddress"].lower() == addresses[name].lower()
        assert len(record["handover"]["transaction"]) == 66
        assert "expected" not in record


@pytest.mark.parametrize(("at", "after"), [(2, False), (4, True)], ids=["before the 2nd", "after the 4th"])
def test_deploy__process_killed__goes_on_to_the_same_addresses(
    chain: Anvil, folder: Path, build: Build, undisturbed: dict[str, str], at: int, after: bool
) -> None:
    with as_before(chain):
        child = os.fork()
        if child == 0:  # kill -9 in the middle of the broadcast: no handler, no finally, no atexit runs
            deploy(chain, folder, build, CutRpc(chain.url, at, after=after, cut=kill))
            os._exit(0)
        _, status = os.waitpid(child, 0)

        resumed = ape_run("deploy", chain.url, folder)

        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert resumed.exit_code == 0, resumed.output
        record = json.loads((folder / "local.json").read_text())
        assert {name: entry["address"] for name, entry in record["contracts"].items()} == undisturbed
        assert nonce_of(chain, chain.account(0).address) == TRANSACTIONS
