"""`ape run deploy` on a local chain: what it leaves behind, and that it does nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

from ape_runs import ape_run, nonce_of
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.contracts import read_deployment

# Two of the mock USDC, AccessManager, Checkout, PayoutVault, X402InsuranceV2, OpenParametric, the mock feed,
# handover.
TRANSACTIONS = 9


def test_deploy__twice__records_everything_and_sends_nothing_the_second_time(
    node: Anvil, folder: Path
) -> None:
    deployer = node.account(0).address

    first = ape_run("deploy", node.url, folder)
    text = (folder / "local.json").read_text()
    second = ape_run("deploy", node.url, folder)

    assert first.exit_code == 0, first.output
    assert "checks pass; the deployer holds nothing" in first.output
    assert second.exit_code == 0, second.output
    assert nonce_of(node, deployer) == TRANSACTIONS
    assert (folder / "local.json").read_text() == text
    record = json.loads(text)
    assert text == json.dumps(record, indent=2, sort_keys=True) + "\n"
    assert sorted(record["contracts"]) == [
        "AccessManager",
        "Checkout",
        "MockFeed",
        "MockUSDC",
        "MockUSDCImplementation",
        "OpenParametric",
        "PayoutVault",
        "X402InsuranceV2",
    ]
    assert record["handover"]["block"] == TRANSACTIONS
    assert "expected" not in record
    assert record["roles"]["CONFIG"] == {"id": 1, "holders": [node.account(1).address], "delay": 172800}
    deployment = read_deployment(folder / "local.json", chain_id=31337)
    assert deployment.vault.lower() == record["contracts"]["PayoutVault"]["address"].lower()
    status = ape_run("status", node.url, folder)
    assert status.exit_code == 0, status.output
    assert ", 0 differences" in status.output


def test_deploy__journal_folder_of_the_environment__the_deployers_journal_is_there(
    node: Anvil, folder: Path
) -> None:
    """Two journals of one signer would not know of each other's transactions."""
    result = ape_run("deploy", node.url, folder)

    assert result.exit_code == 0, result.output
    assert (folder.parent / "journal" / f"31337-{node.account(0).address}.sqlite3").is_file()


def test_deploy__autosign_of_a_test_account__deploys(node: Anvil, folder: Path) -> None:
    result = ape_run("deploy", node.url, folder, "--autosign")

    assert result.exit_code == 0, result.output
    assert nonce_of(node, node.account(0).address) == TRANSACTIONS


def test_deploy__dry_run__sends_and_writes_nothing(node: Anvil, folder: Path) -> None:
    result = ape_run("deploy", node.url, folder, "--dry-run")

    assert result.exit_code == 0, result.output
    assert "dry run: nothing was sent" in result.output
    assert "0xDc64a140Aa3E981100a9becA4E685f962f0cF6C9" in result.output  # the vault's, from the nonce
    assert "the deployer renounces ADMIN" in result.output
    assert nonce_of(node, node.account(0).address) == 0
    assert not (folder / "local.json").exists()
    assert not (folder.parent / "journal").exists()


def test_deploy__record_of_a_local_chain_that_is_gone__starts_anew(folder: Path) -> None:
    with Anvil(genesis_timestamp_s=1_700_000_000) as gone:
        before = ape_run("deploy", gone.url, folder)
        old = json.loads((folder / "local.json").read_text())
    with Anvil(genesis_timestamp_s=1_700_000_001) as node:
        stale = ape_run("status", node.url, folder)
        dry = ape_run("deploy", node.url, folder, "--dry-run")
        after_dry = sorted(path.name for path in folder.glob("*.json"))
        result = ape_run("deploy", node.url, folder)
        sent = nonce_of(node, node.account(0).address)

    assert before.exit_code == 0, before.output
    assert stale.exit_code == 1
    assert "DIFFERS" in stale.output
    assert dry.exit_code == 0, dry.output
    assert after_dry == ["local.json"]
    assert result.exit_code == 0, result.output
    assert "is of a local chain that is gone: starting anew" in result.output
    assert sent == TRANSACTIONS
    assert json.loads((folder / "local.json").read_text())["genesisHash"] != old["genesisHash"]
    kept = folder / f"local.{old['genesisHash'][2:10]}.json"
    assert json.loads(kept.read_text()) == old
    assert sorted(folder.glob("*.json")) == sorted([folder / "local.json", kept])


def test_deploy__parameters_changed_afterwards__is_refused(node: Anvil, folder: Path) -> None:
    assert ape_run("deploy", node.url, folder).exit_code == 0
    path = folder / "parameters" / "local.yaml"
    path.write_text(path.read_text().replace('"500.00"', '"499.00"'))

    result = ape_run("deploy", node.url, folder)

    assert result.exit_code == 1
    assert "PayoutVault was deployed with other arguments than the parameters now say" in result.output
    assert nonce_of(node, node.account(0).address) == TRANSACTIONS


def test_status__without_a_record__says_so(node: Anvil, folder: Path) -> None:
    result = ape_run("status", node.url, folder)

    assert result.exit_code == 1
    assert "there is no deployment record" in result.output
