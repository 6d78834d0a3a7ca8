"""`ape run status`: green after a deployment, and red for each thing that is not as it should be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ape_run, change_parameters, deployments_folder
from eth_utils.abi import function_abi_to_4byte_selector
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.contracts import abi_of
from web3 import HTTPProvider, Web3
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
    with Anvil() as node:
        folder = deployments_folder(tmp_path_factory.mktemp("status"))
        result = ape_run("deploy", node.url, folder)
        assert result.exit_code == 0, result.output
        record = json.loads((folder / "local.json").read_text())
        web3 = Web3(HTTPProvider(node.url))
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


def selector(contract: Contract, name: str) -> bytes:
    return function_abi_to_4byte_selector(contract.get_function_by_name(name).abi)


def test_status__right_after_deployment__finds_no_difference(world: World) -> None:
    assert world.differences() == []


def test_status__paused__differs(world: World) -> None:
    world.send(world.contracts["Checkout"].functions.pause(), GUARDIAN)

    assert world.differences() == [("Checkout", "paused", "False", "True")]


def test_status__caps_lowered__differ(world: World) -> None:
    vault = world.contracts["PayoutVault"].functions
    world.send(vault.lowerDailyCap(499_999_999), GUARDIAN)
    world.send(vault.lowerHotWalletMax(1), GUARDIAN)

    assert world.differences() == [
        ("PayoutVault", "daily cap", "500.00", "499.999999"),
        ("PayoutVault", "hot wallet maximum", "550.00", "0.000001"),
    ]


def test_status__treasury_changed__differs(world: World) -> None:
    world.govern(world.contracts["PayoutVault"].functions.setTreasury(STRANGER_ADDRESS))

    assert world.differences() == [
        ("PayoutVault", "treasury", world.address(TREASURY), STRANGER_ADDRESS),
    ]


def test_status__role_granted_to_a_stranger__differs(world: World) -> None:
    manager = world.contracts["AccessManager"].functions
    world.govern(manager.grantRole(5, STRANGER_ADDRESS, 0))

    payer = world.address(PAYER)
    assert world.differences() == [
        ("role PAYER", "holders (delay)", f"{payer} (0 s)", f"{payer} (0 s), {STRANGER_ADDRESS} (0 s)"),
    ]


def test_status__unknown_role_granted__differs(world: World) -> None:
    world.govern(world.contracts["AccessManager"].functions.grantRole(77, STRANGER_ADDRESS, 60))

    assert world.differences() == [
        ("roles", "others with members", "none", f"role 77: {STRANGER_ADDRESS} (60 s)"),
    ]


def test_status__approver_granted_to_the_payer__differs_twice(world: World) -> None:
    approver, payer = world.address(APPROVER), world.address(PAYER)
    world.govern(world.contracts["AccessManager"].functions.grantRole(4, payer, 0))

    assert world.differences() == [
        (
            "role APPROVER",
            "holders (delay)",
            f"{approver} (0 s)",
            f"{payer} (0 s), {approver} (0 s)",
        ),
        ("roles", "both APPROVER and PAYER", "nobody", payer),
    ]


def test_status__deployer_holds_a_role__differs_twice(world: World) -> None:
    deployer, guardian = world.address(DEPLOYER), world.address(GUARDIAN)
    world.govern(world.contracts["AccessManager"].functions.grantRole(3, deployer, 0))

    assert world.differences() == [
        ("role GUARDIAN", "holders (delay)", f"{guardian} (0 s)", f"{guardian} (0 s), {deployer} (0 s)"),
        ("roles", "deployer holds", "nothing", "GUARDIAN"),
    ]


def test_status__role_revoked__differs(world: World) -> None:
    world.govern(world.contracts["AccessManager"].functions.revokeRole(4, world.address(APPROVER)))

    assert world.differences() == [
        ("role APPROVER", "holders (delay)", f"{world.address(APPROVER)} (0 s)", "nobody"),
    ]


def test_status__delay_of_a_holder_changed__differs(world: World) -> None:
    payer = world.address(PAYER)
    world.govern(world.contracts["AccessManager"].functions.grantRole(5, payer, 30))

    assert world.differences() == [
        ("role PAYER", "holders (delay)", f"{payer} (0 s)", f"{payer} (30 s)"),
    ]


def test_status__delay_being_lowered__is_still_seen_as_it_is(world: World) -> None:
    ruler = world.address(RULERS)
    world.govern(world.contracts["AccessManager"].functions.grantRole(1, ruler, 10 * TWO_DAYS_S))

    assert world.differences() == [
        ("role CONFIG", "holders (delay)", f"{ruler} (172800 s)", f"{ruler} (1728000 s)"),
    ]


def test_status__guardian_and_admin_of_a_role_changed__differ(world: World) -> None:
    manager = world.contracts["AccessManager"].functions
    world.govern(manager.setRoleGuardian(1, 5))
    world.govern(manager.setRoleAdmin(4, 1))
    world.govern(manager.setGrantDelay(5, 60))
    world.node.increase_time(6 * 24 * 3600)  # OpenZeppelin lets a grant delay change after five days

    assert world.differences() == [
        ("role CONFIG", "guarded by", "GUARDIAN", "PAYER"),
        ("role APPROVER", "administered by", "ADMIN", "CONFIG"),
        ("role PAYER", "grant delay", "0 s", "60 s"),
    ]


def test_status__functions_given_to_other_roles__differ(world: World) -> None:
    manager, vault = world.contracts["AccessManager"].functions, world.contracts["PayoutVault"]
    chosen = [selector(vault, "setDailyCap"), selector(vault, "fund")]
    world.govern(manager.setTargetFunctionRole(vault.address, chosen, 5))

    assert world.differences() == [
        ("PayoutVault", "fund()", "ADMIN", "PAYER"),
        ("PayoutVault", "setDailyCap()", "CONFIG", "PAYER"),
    ]


def test_status__target_closed_and_another_governed__differ(world: World) -> None:
    manager = world.contracts["AccessManager"].functions
    world.govern(manager.setTargetClosed(world.contracts["PayoutVault"].address, True))
    world.govern(manager.setTargetFunctionRole(STRANGER_ADDRESS, [b"\1\2\3\4"], 5))

    assert world.differences() == [
        ("PayoutVault", "closed by the manager", "no", "yes"),
        ("roles", "other governed contracts", "none", STRANGER_ADDRESS),
    ]


def test_status__authority_changed__differs(world: World) -> None:
    manager = world.contracts["AccessManager"]
    token = world.contracts["MockUSDC"].address
    world.govern(manager.functions.updateAuthority(world.contracts["Checkout"].address, token))

    assert world.differences() == [("Checkout", "authority", manager.address, token)]


def test_status__announced_call__differs_until_it_is_cancelled(world: World) -> None:
    manager, vault = world.contracts["AccessManager"].functions, world.contracts["PayoutVault"]
    data = vault.functions.setDailyCap(501_000_000)._encode_transaction_data()
    world.node.set_next_timestamp(4_000_000_000)
    world.send(manager.schedule(vault.address, data, 0), RULERS)

    ruler = world.address(RULERS)
    assert world.differences() == [
        (
            "roles",
            "announced calls waiting",
            "none",
            f"setDailyCap(501000000) of {vault.address} by {ruler} from 2096-10-04T07:06:40+00:00 on",
        ),
    ]
    world.send(manager.cancel(ruler, vault.address, data), GUARDIAN)
    assert world.differences() == []


def test_status__other_code__differs_and_asks_it_nothing_more(world: World) -> None:
    checkout = world.contracts["Checkout"].address
    code = world.node.rpc("eth_getCode", checkout, "latest")
    world.node.rpc("anvil_setCode", checkout, code[:-2] + "ff")

    found = world.differences()

    assert [(subject, what) for subject, what, _, _ in found] == [("Checkout", "code hash")]
    assert found[0][2] != found[0][3]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda record: record["contracts"]["Checkout"].update(codeHash="0x" + "ab" * 32),
            {("Checkout", "code hash")},
        ),
        (
            lambda record: record["contracts"]["Checkout"].update(
                address=record["contracts"]["PayoutVault"]["address"]
            ),
            {("Checkout", "code hash"), ("Checkout", "created by its transaction")},
        ),
        (
            lambda record: record["contracts"]["PayoutVault"].update(block=1),
            {("PayoutVault", "created by its transaction")},
        ),
        (
            lambda record: record["contracts"]["PayoutVault"].update(transaction="0x" + "12" * 32),
            {("PayoutVault", "created by its transaction")},
        ),
        (
            lambda record: record["contracts"]["PayoutVault"]["arguments"].update(dailyCap_=1),
            {("PayoutVault", "arguments")},
        ),
        (lambda record: record["contracts"].pop("PayoutVault"), {("record", "contracts")}),
        (lambda record: record["roles"]["PAYER"].update(delay=1), {("record", "roles")}),
        (lambda record: record.update(handover=None), {("record", "finished")}),
        (lambda record: record.update(generation=2), {("record", "generation")}),
        (lambda record: record.update(genesisHash="0x00"), {("record", "genesis block")}),
    ],
)
def test_status__tampered_record__differs(
    world: World, change: Callable[[dict[str, Any]], Any], expected: set[tuple[str, str]]
) -> None:
    world.edit_record(change)

    assert {(subject, what) for subject, what, _, _ in world.differences()} == expected


def test_status__another_deployer_in_the_record__differs(world: World) -> None:
    world.edit_record(lambda record: record.update(deployer=STRANGER_ADDRESS))

    assert {(subject, what) for subject, what, _, _ in world.differences()} == {
        ("AccessManager", "arguments"),
        ("MockUSDC", "arguments"),
    }


def test_status__parameters_name_another_holder__differs(world: World) -> None:
    def change(document: dict[str, Any]) -> None:
        document["roles"]["PAYER"]["holders"]["value"] = [STRANGER_ADDRESS]

    change_parameters(world.folder, "local", change)

    payer = world.address(PAYER)
    found = world.differences()
    assert [(subject, what) for subject, what, _, _ in found] == [
        ("record", "roles"),
        ("role PAYER", "holders (delay)"),
    ]
    assert found[1][2:] == (f"{STRANGER_ADDRESS} (0 s)", f"{payer} (0 s)")


def test_status__parameters_against_the_rules__differs(world: World) -> None:
    def change(document: dict[str, Any]) -> None:
        document["roles"]["PAYER"]["holders"]["value"] = [world.address(APPROVER)]

    change_parameters(world.folder, "local", change)

    assert world.differences()[0][:3] == ("parameters", "allowed by docs/roles.md", "yes")


def test_status__usdc_where_none_belongs__differs(world: World) -> None:
    token = world.contracts["MockUSDC"].functions
    world.send(token.mint(world.contracts["Checkout"].address, 1), DEPLOYER)
    world.send(token.mint(world.contracts["PayoutVault"].address, 550_000_001), DEPLOYER)

    assert world.differences() == [
        ("Checkout", "USDC held", "0.00", "0.000001"),
        ("PayoutVault", "USDC held", "at most 550.00", "550.000001"),
    ]


def test_status__usdc_paused_and_vault_denied__differ(world: World) -> None:
    token = world.contracts["MockUSDC"].functions
    world.send(token.blacklist(world.contracts["PayoutVault"].address), DEPLOYER)
    world.send(token.pause(), DEPLOYER)

    assert world.differences() == [
        ("USDC", "paused by its issuer", "False", "True"),
        ("PayoutVault", "denied by USDC's issuer", "False", "True"),
    ]


def test_status__table__shows_what_is_and_what_should_be(world: World) -> None:
    world.send(world.contracts["PayoutVault"].functions.pause(), GUARDIAN)

    result = ape_run("status", world.node.url, world.folder)

    assert result.exit_code == 1
    line = next(line for line in result.output.splitlines() if "DIFFERS" in line)
    assert line.split() == ["DIFFERS", "PayoutVault", "paused", "True", "False"]
    assert result.output.count("DIFFERS") == 1
    assert ", 1 differences" in result.output
