"""`ape run deploy` as on Base Sepolia: a node of that chain id, with blocks and USDC as they are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ape_runs import REPOSITORY, ape_run, change_parameters, deployments_folder, nonce_of
from eth_account import Account
from eth_account.signers.local import LocalAccount
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.contracts import abi_of
from web3 import HTTPProvider, Web3

USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
PASSPHRASE = "a passphrase of this test"
TRANSACTIONS = 6  # AccessManager, Checkout, PayoutVault, X402InsuranceV2, OpenParametric, handover


@pytest.fixture(scope="module")
def sepolia() -> Iterator[Anvil]:
    """Blocks come by themselves, every second: without them nothing is ever confirmed twice."""
    with Anvil(chain_id=84532, block_time_s=1, slots_in_an_epoch=1) as node:
        built = json.loads((REPOSITORY / ".build" / "__local__.json").read_text())["contractTypes"][
            "MockUSDC"
        ]
        node.rpc("anvil_setCode", USDC, built["runtimeBytecode"]["bytecode"])
        web3 = Web3(HTTPProvider(node.url))
        call = web3.eth.contract(USDC, abi=abi_of("MockUSDC")).functions.initialize(
            "USDC", node.account(9).address
        )
        web3.eth.wait_for_transaction_receipt(call.transact({"from": node.account(9).address}))
        yield node


@pytest.fixture
def deployer(tmp_path: Path, sepolia: Anvil) -> LocalAccount:
    """An account that ape holds as a keyfile, with some ether."""
    account: LocalAccount = Account.create()
    # Two rounds instead of 262,144: the key guards nothing.
    keyfile = Account.encrypt(account.key, PASSPHRASE, kdf="pbkdf2", iterations=2)
    folder = tmp_path / "ape" / "accounts"
    folder.mkdir(parents=True)
    (folder / "deployer.json").write_text(json.dumps(keyfile))
    # The Solidity libraries as `make` compiled with them.
    (folder.parent / "packages").symlink_to(REPOSITORY / "node_modules" / ".cache" / "ape" / "packages")
    sepolia.rpc("anvil_setBalance", account.address, hex(10**18))
    return account


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Parameters of Base Sepolia with accounts that nobody knows the keys of."""
    found = deployments_folder(tmp_path)

    def fill_in(document: dict[str, Any]) -> None:
        document["treasury"] = {"value": Account.create().address, "source": "this test"}
        ruler = Account.create().address
        for role, terms in document["roles"].items():
            account = ruler if role in ("ADMIN", "CONFIG", "UNPAUSER") else Account.create().address
            terms["holders"] = {"value": [account], "source": "this test"}

    change_parameters(found, "base-sepolia", fill_in)
    return found


def deploy(node: Anvil, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, because ape reads where its accounts are at its start."""
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("ape")),
            *("run", "deploy", "--network", f"base:sepolia:{node.url}", "--account", "deployer"),
            *("--deployments", str(folder), "--journal", str(folder.parent / "journal"), *options),
        ],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "APE_DATA_FOLDER": str(folder.parent / "ape"),
            "APE_ACCOUNTS_deployer_PASSPHRASE": PASSPHRASE,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_deploy__base_sepolia__hands_over_and_keeps_what_explorers_ask_for(
    sepolia: Anvil, folder: Path, deployer: LocalAccount
) -> None:
    result = deploy(sepolia, folder, "--allow-dirty", "--yes", "--autosign")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "checks pass; the deployer holds nothing" in result.stdout
    assert nonce_of(sepolia, deployer.address) == TRANSACTIONS
    record = json.loads((folder / "base-sepolia.json").read_text())
    assert (record["chainId"], record["usdc"], record["deployer"]) == (84532, USDC, deployer.address)
    assert sorted(record["contracts"]) == [
        "AccessManager",
        "Checkout",
        "OpenParametric",
        "PayoutVault",
        "X402InsuranceV2",
    ]
    for name, entry in record["contracts"].items():
        request = json.loads((folder / f"base-sepolia.{name}.input.json").read_text())
        assert request["language"] == "Solidity"
        assert f"contracts/{entry['contract']}.sol" in request["sources"]
        assert request["settings"]["viaIR"] is True
    status = ape_run("status", sepolia.url, folder, network="base:sepolia")
    assert status.exit_code == 0, status.output
