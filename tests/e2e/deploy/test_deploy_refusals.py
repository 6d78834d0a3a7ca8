"""What `ape run deploy` refuses: each with its reason, an exit code, and nothing sent."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ape_runs import ape_run, change_parameters, deployments_folder, nonce_of
from click.testing import Result
from eth_account import Account
from liqpass.adapters.chain.anvil import Anvil

from scripts._build import commit_of

Change = Callable[[dict[str, Any]], None]
ZERO = "0x" + "00" * 20
SEPOLIA_USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
RULERS, GUARDIAN, APPROVER, PAYER, TREASURY = 1, 2, 3, 4, 5  # development accounts in parameters/local.yaml


@pytest.fixture(scope="module")
def idle() -> Iterator[Anvil]:
    """One node for all: nothing is ever sent to it."""
    with Anvil() as running:
        yield running


def constant(name: str, value: Any) -> Change:
    """Set a constant by its dotted path."""

    def change(document: dict[str, Any]) -> None:
        *path, last = name.split(".")
        for key in path:
            document = document[key]
        document[last]["value"] = value

    return change


def holders(role: str, *indices: int) -> Change:
    with_keys = [Anvil().account(index).address for index in indices]
    return constant(f"roles.{role}.holders", with_keys)


def assert_refused(node: Anvil, folder: Path, result: Result, reason: str) -> None:
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert reason in result.output
    assert nonce_of(node, node.account(0).address) == 0
    assert not list(folder.glob("*.json"))
    assert not (folder.parent / "journal").exists()


REFUSED: dict[str, tuple[Change, str]] = {
    "wrong chain id": (
        constant("chain_id", 84532),
        "the node serves chain 31337, the parameters of local are for 84532",
    ),
    "no code at USDC": (
        constant("usdc.address", SEPOLIA_USDC),
        f"there is no contract at the USDC address {SEPOLIA_USDC}",
    ),
    "zero treasury": (constant("treasury", ZERO), "treasury is the zero address"),
    "zero holder": (constant("roles.PAYER.holders", [ZERO]), "roles.PAYER.holders is the zero address"),
    "zero USDC": (constant("usdc.address", ZERO), "usdc.address is the zero address"),
    "placeholder": (
        constant("treasury", "REPLACE: a Safe"),
        "treasury is still a placeholder: 'REPLACE: a Safe'",
    ),
    "wrong capitals": (
        constant("treasury", "0x9965507d1a55bcC2695C58ba16FB37d819B0A4dc"),
        "treasury must be an address with its EIP-55 capitals",
    ),
    "address without quotes": (constant("treasury", 0x9965507D1A55), "treasury must be in quotation marks"),
    "nobody holds a role": (
        constant("roles.GUARDIAN.holders", []),
        "roles.GUARDIAN.holders must be a list of at least one",
    ),
    "amount as a float": (constant("daily_cap_usdc", 500.0), "daily_cap_usdc must be an amount such as"),
    "no source": (lambda document: document["treasury"].update(source=" "), "treasury has no source"),
    "unknown constant": (lambda document: document.update(owner={}), "owner is unknown"),
    "missing constant": (lambda document: document.pop("predecessor"), "predecessor is missing"),
    "cap below a payout": (
        constant("daily_cap_usdc", "49.99"),
        "daily_cap_usdc 49.99 is below largest_payout_usdc 50.00",
    ),
    "hot wallet below the cap": (
        constant("hot_wallet_max_usdc", "499.99"),
        "hot_wallet_max_usdc 499.99 is below daily_cap_usdc 500.00",
    ),
    "cap of 97 bits": (constant("hot_wallet_max_usdc", str(2**96 // 10**6 + 1)), "hot_wallet_max_usdc"),
    "predecessor without code": (
        constant("predecessor", SEPOLIA_USDC),
        f"there is no contract at the predecessor's address {SEPOLIA_USDC}",
    ),
    "penalty above 10 %": (
        constant("x402.penalty_rate_bps", 1001),
        "x402.penalty_rate_bps is 1001; at most 1000 (10 %)",
    ),
    "negative penalty": (constant("x402.penalty_rate_bps", -1), "x402.penalty_rate_bps must be an integer"),
    "no time-out": (
        constant("x402.default_timeout_minutes", 0),
        "x402.default_timeout_minutes must be an integer of at least 1",
    ),
    "time-out above 7 days": (
        constant("x402.default_timeout_minutes", 10_081),
        "x402.default_timeout_minutes is 10081; at most 10080 (7 days)",
    ),
    "hasty admin": (
        constant("roles.ADMIN.delay_s", 172799),
        "roles.ADMIN.delay_s is 172799; at least 172800",
    ),
    "hasty config": (constant("roles.CONFIG.delay_s", 0), "roles.CONFIG.delay_s is 0; at least 172800"),
    "delayed guardian": (constant("roles.GUARDIAN.delay_s", 1), "roles.GUARDIAN.delay_s is 1; must be 0"),
    "delayed payer": (constant("roles.PAYER.delay_s", 60), "roles.PAYER.delay_s is 60; must be 0"),
    "approver pays": (holders("PAYER", APPROVER), "APPROVER) and among those who pay (PAYER)"),
    "one of two payers approves": (
        holders("PAYER", PAYER, APPROVER),
        "APPROVER) and among those who pay (PAYER)",
    ),
    "guardian approves": (
        holders("APPROVER", GUARDIAN),
        "among those who stop (GUARDIAN) and among those who approve",
    ),
    "guardian pays": (holders("PAYER", GUARDIAN), "among those who stop (GUARDIAN) and among those who pay"),
    "guardian of itself": (
        holders("CONFIG", GUARDIAN),
        "those who write the rules (ADMIN, CONFIG, UNPAUSER) and among those who stop",
    ),
    "guardian unpauses": (
        holders("UNPAUSER", GUARDIAN),
        "those who write the rules (ADMIN, CONFIG, UNPAUSER) and among those who stop",
    ),
    "admin approves": (
        holders("APPROVER", RULERS),
        "those who write the rules (ADMIN, CONFIG, UNPAUSER) and among those who approve",
    ),
    "config pays": (
        holders("PAYER", RULERS),
        "those who write the rules (ADMIN, CONFIG, UNPAUSER) and among those who pay",
    ),
    "holder twice": (holders("PAYER", PAYER, PAYER), "roles.PAYER names an account twice"),
    "payer is the treasury": (holders("PAYER", TREASURY), "holds PAYER: a sweep would pay that key"),
    "guardian is the treasury": (holders("GUARDIAN", TREASURY), "holds GUARDIAN: a sweep would pay that key"),
    "approver is the treasury": (holders("APPROVER", TREASURY), "holds APPROVER: a sweep would pay that key"),
    "deployer keeps a role": (holders("GUARDIAN", 0), "is to hold GUARDIAN: it must end with nothing"),
    "deployer is the treasury": (
        constant("treasury", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        "is the treasury: it must end with nothing",
    ),
}


@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_deploy__bad_parameters__is_refused(idle: Anvil, folder: Path, change: Change, reason: str) -> None:
    change_parameters(folder, "local", change)

    result = ape_run("deploy", idle.url, folder)

    assert_refused(idle, folder, result, reason)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("usdc.name", "USD Coin", "name() of USDC {usdc} is 'USDC', not 'USD Coin'"),
        ("usdc.version", "1", "version() of USDC {usdc} is '2', not '1'"),
        ("usdc.decimals", 18, "decimals() of USDC {usdc} is 6, not 18"),
    ],
)
def test_deploy__another_token_at_the_usdc_address__is_refused(
    token: tuple[Anvil, str], tmp_path: Path, name: str, value: Any, reason: str
) -> None:
    node, usdc = token
    folder = deployments_folder(tmp_path)
    sent = nonce_of(node, node.account(0).address)
    change_parameters(folder, "local", constant("usdc.address", usdc))
    change_parameters(folder, "local", constant(name, value))

    result = ape_run("deploy", node.url, folder)

    assert result.exit_code == 1
    assert reason.format(usdc=usdc) in result.output
    assert nonce_of(node, node.account(0).address) == sent


def test_deploy__no_token_at_the_usdc_address__is_refused(token: tuple[Anvil, str], tmp_path: Path) -> None:
    node, _ = token
    folder = deployments_folder(tmp_path)
    stranger = Account.create().address
    node.rpc("anvil_setCode", stranger, "0x60006000fd")
    change_parameters(folder, "local", constant("usdc.address", stranger))

    result = ape_run("deploy", node.url, folder)

    assert result.exit_code == 1
    assert f"{stranger} is no USDC: name() fails" in result.output


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Anvil, str]]:
    """A node with a USDC on it, and its address."""
    with Anvil() as node:
        folder = deployments_folder(tmp_path_factory.mktemp("token"))
        result = ape_run("deploy", node.url, folder)
        assert result.exit_code == 0, result.output
        yield node, json.loads((folder / "local.json").read_text())["usdc"]


def test_deploy__no_such_parameters__is_refused(idle: Anvil, folder: Path) -> None:
    (folder / "parameters" / "local.yaml").unlink()

    result = ape_run("deploy", idle.url, folder)

    assert_refused(idle, folder, result, "local.yaml: there is no such file of parameters")


def test_deploy__constant_twice__is_refused(idle: Anvil, folder: Path) -> None:
    path = folder / "parameters" / "local.yaml"
    path.write_text(path.read_text() + 'treasury: {value: "0x0", source: "again"}\n')

    result = ape_run("deploy", idle.url, folder)

    assert_refused(idle, folder, result, "twice: treasury")


def test_deploy__live_network_with_placeholders__is_refused(folder: Path) -> None:
    with Anvil(chain_id=84532) as node:
        result = ape_run("deploy", node.url, folder, "--account", "TEST::0", "--yes", network="base:sepolia")

        assert_refused(node, folder, result, "roles.APPROVER.holders is still a placeholder")


def test_deploy__live_network_with_public_keys_and_a_mock__is_refused(folder: Path) -> None:
    (folder / "parameters" / "local.yaml").rename(folder / "parameters" / "base-sepolia.yaml")
    change_parameters(folder, "base-sepolia", constant("chain_id", 84532))
    with Anvil(chain_id=84532) as node:
        result = ape_run("deploy", node.url, folder, "--account", "TEST::0", "--yes", network="base:sepolia")

        assert_refused(node, folder, result, "a mock in place of USDC is for local chains only")
        assert (
            "the deployer 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 is a development account"
            in result.output
        )
        assert (
            "PAYER's holder 0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65 is a development account"
            in result.output
        )


def test_deploy__live_network_without_account__is_refused(folder: Path) -> None:
    (folder / "parameters" / "local.yaml").rename(folder / "parameters" / "base-sepolia.yaml")
    with Anvil(chain_id=84532) as node:
        result = ape_run("deploy", node.url, folder, "--yes", network="base:sepolia")

        assert_refused(node, folder, result, "name the deploying account with --account")


def test_commit_of__sources_that_differ_from_their_commit__is_marked(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "contracts").mkdir()
    source = tmp_path / "contracts" / "A.sol"
    source.write_text("contract A {}")
    git("add", ".")
    git("commit", "-m", "A")
    clean = commit_of(tmp_path)
    (tmp_path / "README.md").write_text("not a source")
    beside = commit_of(tmp_path)
    source.write_text("contract A { }")

    assert len(clean) == 40
    assert beside == clean
    assert commit_of(tmp_path) == clean + "-dirty"


def test_deploy__node_of_another_chain__is_refused(folder: Path) -> None:
    with Anvil(chain_id=8453) as node:
        result = ape_run("deploy", node.url, folder, "--account", "TEST::0", network="base:sepolia")

        assert result.exit_code != 0
        assert nonce_of(node, node.account(0).address) == 0


def test_deploy__unknown_network__is_refused(folder: Path) -> None:
    with Anvil(chain_id=11155111) as node:
        result = ape_run("deploy", node.url, folder, "--account", "TEST::0", network="ethereum:sepolia")

        assert_refused(node, folder, result, "LiqPass has no parameters for ethereum:sepolia")
