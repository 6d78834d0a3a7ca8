"""`ape run deploy --target`: what is left out, and added when the roles have been given away already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ape_runs import ape_run, nonce_of
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.contracts import abi_of
from web3 import HTTPProvider, Web3

ADMIN = 1  # the local parameters' development account
TWO_DAYS_S = 48 * 3600


def recorded(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "local.json").read_text()))


def send_safe_file(node: Anvil, path: Path) -> None:
    """What ADMIN's Safe does with a file: its calls, in one go."""
    web3 = Web3(HTTPProvider(node.url))
    batch = json.loads(path.read_text())
    assert batch["chainId"] == "31337"
    assert batch["meta"]["createdFromSafeAddress"] == node.account(ADMIN).address
    for call in batch["transactions"]:
        sent = web3.eth.send_transaction(
            {"from": node.account(ADMIN).address, "to": call["to"], "data": call["data"], "gas": 2_000_000}
        )
        assert web3.eth.wait_for_transaction_receipt(sent)["status"] == 1


def test_deploy__target_liqpass__leaves_the_bond_out_and_status_agrees(node: Anvil, folder: Path) -> None:
    result = ape_run("deploy", node.url, folder, "--target", "liqpass")

    assert result.exit_code == 0, result.output
    assert "X402InsuranceV2" not in recorded(folder)["contracts"]
    status = ape_run("status", node.url, folder)
    assert status.exit_code == 0, status.output
    assert "X402InsuranceV2" not in status.output


def test_deploy__target_x402_after_the_handover__needs_admin_and_then_agrees(
    node: Anvil, folder: Path
) -> None:
    assert ape_run("deploy", node.url, folder, "--target", "liqpass").exit_code == 0
    before = nonce_of(node, node.account(0).address)

    added = ape_run("deploy", node.url, folder, "--target", "x402")

    assert added.exit_code == 0, added.output
    assert nonce_of(node, node.account(0).address) == before + 1
    assert "the roles were given away before it" in added.output
    status = ape_run("status", node.url, folder)
    assert status.exit_code == 1
    assert (
        ", 11 differences" in status.output
    )  # each restricted function is ADMIN's until ADMIN says otherwise
    send_safe_file(node, folder / "local.X402InsuranceV2.roles-1-announce.safe.json")
    node.increase_time(TWO_DAYS_S)
    send_safe_file(node, folder / "local.X402InsuranceV2.roles-2-set.safe.json")
    status = ape_run("status", node.url, folder)
    assert status.exit_code == 0, status.output


def test_deploy__target_added_late__gives_its_restricted_functions_to_nobody_but_admin(
    node: Anvil, folder: Path
) -> None:
    assert ape_run("deploy", node.url, folder, "--target", "liqpass").exit_code == 0
    assert ape_run("deploy", node.url, folder, "--target", "x402").exit_code == 0
    contracts = recorded(folder)["contracts"]
    manager = Web3(HTTPProvider(node.url)).eth.contract(
        contracts["AccessManager"]["address"], abi=abi_of("LiqPassAccessManager")
    )
    pause = bytes(Web3.keccak(text="pause()")[:4])

    allowed = [
        index
        for index in range(10)
        if manager.functions.canCall(
            node.account(index).address, contracts["X402InsuranceV2"]["address"], pause
        ).call()[0]
    ]

    assert allowed == []


def test_deploy__again_with_another_target__leaves_what_is_there(node: Anvil, folder: Path) -> None:
    assert ape_run("deploy", node.url, folder).exit_code == 0
    before = (folder / "local.json").read_text()

    result = ape_run("deploy", node.url, folder, "--target", "liqpass")

    assert result.exit_code == 0, result.output
    assert (folder / "local.json").read_text() == before


def test_deploy__unknown_target__is_refused(node: Anvil, folder: Path) -> None:
    result = ape_run("deploy", node.url, folder, "--target", "bond")

    assert result.exit_code == 2
    assert "'bond' is not one of 'liqpass', 'x402'" in result.output
    assert not (folder / "local.json").exists()
