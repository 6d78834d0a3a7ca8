"""`ape run status`: green after a deployment, and red for each thing that is not as it should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ape_runs import ape_run, change_parameters
from deployed_world import (
    APPROVER,
    DEPLOYER,
    GUARDIAN,
    PAYER,
    STRANGER_ADDRESS,
    TREASURY,
    World,
    deployed,
    world,
)

__all__ = ["deployed", "world"]  # fixtures


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


def test_status__authority_changed__differs(world: World) -> None:
    manager = world.contracts["AccessManager"]
    token = world.contracts["MockUSDC"].address
    world.govern(manager.functions.updateAuthority(world.contracts["Checkout"].address, token))

    assert world.differences() == [("Checkout", "authority", manager.address, token)]


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
        ("MockFeed", "arguments"),
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
