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
    assert not {"X402InsuranceV2", "OpenParametric", "MockFeed"} & {*recorded(folder)["contracts"]}
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


def test_deploy__target_parametric_after_the_handover__needs_nobody(node: Anvil, folder: Path) -> None:
    assert ape_run("deploy", node.url, folder, "--target", "liqpass").exit_code == 0
    deployer = node.account(0).address
    before = nonce_of(node, deployer)

    added = ape_run("deploy", node.url, folder, "--target", "parametric")

    assert added.exit_code == 0, added.output
    assert "checks pass; the deployer holds nothing" in added.output
    assert nonce_of(node, deployer) == before + 2
    record = recorded(folder)
    assert "X402InsuranceV2" not in record["contracts"]
    feed = record["contracts"]["MockFeed"]
    description = "KE081 2026-03-15 ICN departure delay, minutes"
    assert feed["arguments"] == {"owner_": deployer, "description_": description}
    web3 = Web3(HTTPProvider(node.url))
    views = web3.eth.contract(feed["address"], abi=abi_of("MockFeed")).functions
    assert (views.description().call(), views.decimals().call()) == (description, 0)
    status = ape_run("status", node.url, folder)
    assert status.exit_code == 0, status.output
    assert "OpenParametric" in status.output


def test_status__open_parametric_denied_by_usdc__differs(node: Anvil, folder: Path) -> None:
    assert ape_run("deploy", node.url, folder, "--target", "parametric").exit_code == 0
    contracts = recorded(folder)["contracts"]
    usdc = Web3(HTTPProvider(node.url)).eth.contract(contracts["MockUSDC"]["address"], abi=abi_of("MockUSDC"))
    call = usdc.functions.blacklist(contracts["OpenParametric"]["address"])
    sent = call.transact({"from": node.account(0).address})
    assert usdc.w3.eth.wait_for_transaction_receipt(sent)["status"] == 1

    status = ape_run("status", node.url, folder, "--json")

    assert status.exit_code == 1
    checks = json.loads(status.output[status.output.index("{") :])["checks"]
    wrong = [check for check in checks if not check["ok"]]
    assert [(check["subject"], check["what"]) for check in wrong] == [
        ("OpenParametric", "denied by USDC's issuer")
    ]


def test_deploy__again_with_another_target__leaves_what_is_there(node: Anvil, folder: Path) -> None:
    assert ape_run("deploy", node.url, folder).exit_code == 0
    before = (folder / "local.json").read_text()

    result = ape_run("deploy", node.url, folder, "--target", "liqpass")

    assert result.exit_code == 0, result.output
    assert (folder / "local.json").read_text() == before


def test_deploy__unknown_target__is_refused(node: Anvil, folder: Path) -> None:
    result = ape_run("deploy", node.url, folder, "--target", "bond")

    assert result.exit_code == 2
    assert "'bond' is not one of 'liqpass', 'x402', 'parametric'" in result.output
    assert not (folder / "local.json").exists()
