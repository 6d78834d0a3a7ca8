"""A finished deployment, and the means to disturb it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ape_runs import ape_run, deployments_folder
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.contracts import abi_of
from node_connection import NodeProvider, own_node
from web3 import Web3
from web3.contract import Contract

TWO_DAYS_S = 48 * 3600
DEPLOYER, RULERS, GUARDIAN, APPROVER, PAYER, TREASURY, STRANGER = range(7)
STRANGER_ADDRESS = "0x976EA74026E726554dB657fA54763abd0C3a0aa9"


@dataclass(frozen=True)
class World:
    """A finished deployment and the means to disturb it."""

    node: Anvil
    folder: Path
    web3: Web3
    contracts: dict[str, Contract]

    def address(self, account: int) -> str:
        return self.node.account(account).address

    def send(self, call: Any, account: int) -> None:
        receipt = self.web3.eth.wait_for_transaction_receipt(
            call.transact({"from": self.address(account), "gas": 1_000_000})
        )
        assert receipt["status"] == 1

    def govern(self, call: Any) -> None:
        """What those who write the rules do: announce, wait 48 hours, execute."""
        manager = self.contracts["AccessManager"].functions
        data = call._encode_transaction_data()
        self.send(manager.schedule(call.address, data, 0), RULERS)
        self.node.increase_time(TWO_DAYS_S)
        self.send(manager.execute(call.address, data), RULERS)

    def edit_record(self, change: Callable[[dict[str, Any]], Any]) -> None:
        path = self.folder / "local.json"
        record = json.loads(path.read_text())
        change(record)
        path.write_text(json.dumps(record))

    def differences(self) -> list[tuple[str, str, str, str]]:
        """Subject, check, expected and found of each check that failed; the exit code must agree."""
        result = ape_run("status", self.node.url, self.folder, "--json")
        report = json.loads(result.output[result.output.index("{") :])
        wrong = [check for check in report["checks"] if not check["ok"]]
        assert result.exit_code == (1 if wrong else 0)
        assert report["ok"] is not bool(wrong)
        assert len(report["checks"]) >= 8
        return [(check["subject"], check["what"], check["expected"], check["found"]) for check in wrong]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Anvil() as node, own_node(node.url):
        folder = deployments_folder(tmp_path_factory.mktemp("status"))
        result = ape_run("deploy", node.url, folder)
        assert result.exit_code == 0, result.output
        record = json.loads((folder / "local.json").read_text())
        web3 = Web3(NodeProvider(node.url))
        names = {
            "AccessManager": "LiqPassAccessManager",
            "Checkout": "Checkout",
            "PayoutVault": "PayoutVault",
            "MockUSDC": "MockUSDC",
        }
        contracts = {
            name: web3.eth.contract(record["contracts"][name]["address"], abi=abi_of(abi))
            for name, abi in names.items()
        }
        yield World(node, folder, web3, contracts)


@pytest.fixture
def world(deployed: World) -> Iterator[World]:
    """The same deployment for every test: chain, record and parameters are put back after each."""
    files = {path: path.read_text() for path in deployed.folder.rglob("*") if path.is_file()}
    snapshot = deployed.node.snapshot()
    yield deployed
    deployed.node.revert(snapshot)
    for path, text in files.items():
        path.write_text(text)
