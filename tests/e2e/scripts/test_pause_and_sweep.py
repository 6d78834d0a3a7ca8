"""`ape run pause` and `ape run sweep`: by whom, what changes, and that nothing is sent in vain."""

from __future__ import annotations

import json

import pytest
from bond_world import HOURS_48_S, BondWorld
from click.testing import Result
from eth_utils.abi import function_abi_to_4byte_selector
from operator_world import (
    APPROVER,
    DEPLOYER,
    GUARDIAN,
    PAYER,
    RULERS,
    TREASURY,
    World,
    transaction_in,
)


def pause(world: World, *options: str, account: int = GUARDIAN) -> Result:
    return world.ape("pause", *options, "--account", f"TEST::{account}")


def sweep(world: World, *options: str, account: int = PAYER) -> Result:
    return world.ape("sweep", *options, "--account", f"TEST::{account}")


def state(world: World) -> tuple[bool, bool, bool]:
    """Whether Checkout, PayoutVault and X402InsuranceV2 are paused."""
    contracts = (world.checkout, world.vault, BondWorld(world).insurance)
    checkout, vault, insurance = (contract.functions.paused().call() for contract in contracts)
    return checkout, vault, insurance


@pytest.mark.parametrize(
    ("option", "after"),
    [
        ("--all", (True, True, True)),
        ("--checkout", (True, False, False)),
        ("--vault", (False, True, False)),
        ("--x402", (False, False, True)),
    ],
)
def test_pause__each_choice__is_one_transaction_and_can_be_lifted(
    world: World, option: str, after: tuple[bool, bool, bool]
) -> None:
    sent = world.nonce(GUARDIAN)

    stopped = pause(world, option)
    stopped_state = state(world)
    lifted = pause(world, option, "--lift", account=RULERS)

    transaction_in(stopped)
    assert stopped_state == after
    assert world.nonce(GUARDIAN) - sent == 1
    transaction_in(lifted)
    assert state(world) == (False, False, False)


def test_pause__stopped_and_lifted_twice__works_each_time(world: World) -> None:
    results = [
        pause(world, "--all"),
        pause(world, "--all", "--lift", account=RULERS),
        pause(world, "--all"),
        pause(world, "--all", "--lift", account=RULERS),
    ]

    assert len({transaction_in(result) for result in results}) == 4
    assert state(world) == (False, False, False)


def test_pause__one_paused_already__pauses_the_others(world: World) -> None:
    world.send(world.vault.functions.pause(), GUARDIAN)

    result = pause(world, "--all")

    transaction_in(result)
    assert "is paused" in result.output
    assert state(world) == (True, True, True)


def test_pause__x402_not_deployed__stops_the_two_others_and_refuses_it_alone(world: World) -> None:
    path = world.folder / "deployments" / "local.json"
    record = json.loads(path.read_text())
    del record["contracts"]["X402InsuranceV2"]
    insurance = BondWorld(world).insurance
    path.write_text(json.dumps(record))

    alone = pause(world, "--x402")
    result = pause(world, "--all")

    assert alone.exit_code == 1
    assert "X402InsuranceV2 is not deployed on this chain" in alone.output
    transaction_in(result)
    contracts = (world.checkout, world.vault, insurance)
    assert [contract.functions.paused().call() for contract in contracts] == [True, True, False]


def test_pause__x402_without_roles__stops_the_two_others_and_refuses_it_alone(world: World) -> None:
    manager, bonds = world.contracts["AccessManager"], BondWorld(world)
    pausing = bonds.insurance.get_function_by_name("pause").abi
    selectors = [function_abi_to_4byte_selector(pausing)]
    unset = (bonds.insurance.address, selectors, 0)
    data = manager.encode_abi("setTargetFunctionRole", unset)
    world.send(manager.functions.schedule(manager.address, data, 0), RULERS)
    bonds.pass_time(HOURS_48_S)
    world.send(manager.functions.setTargetFunctionRole(*unset), RULERS)

    alone = pause(world, "--x402")
    result = pause(world, "--all")

    assert alone.exit_code == 1
    assert "it does not hold GUARDIAN; nothing was sent" in alone.output
    assert "X402InsuranceV2 has no roles yet, only ADMIN may stop it: it is left out" in result.output
    transaction_in(result)
    assert state(world) == (True, True, False)


def test_pause__paused_already_or_not_paused__succeeds_and_sends_nothing(world: World) -> None:
    before = world.nonces()
    lifted = pause(world, "--all", "--lift", account=RULERS)
    after_lift = world.nonces()
    pause(world, "--all")
    paused = world.nonces()

    again = pause(world, "--all")

    assert (lifted.exit_code, again.exit_code) == (0, 0)
    assert "nothing was sent" in lifted.output
    assert "nothing was sent" in again.output
    assert after_lift == before
    assert world.nonces() == paused


@pytest.mark.parametrize("account", [PAYER, RULERS])
def test_pause__without_the_role__is_refused(world: World, account: int) -> None:
    before = world.nonces()

    result = pause(world, "--all", account=account)

    assert result.exit_code == 1
    assert "it does not hold GUARDIAN; nothing was sent" in result.output
    assert world.nonces() == before


def test_pause__lift_by_the_guardian__is_refused(world: World) -> None:
    pause(world, "--vault")

    result = pause(world, "--vault", "--lift")

    assert result.exit_code == 1
    assert "it does not hold UNPAUSER; nothing was sent" in result.output
    assert state(world) == (False, True, False)


def test_pause__dry_run_and_nothing_chosen__send_nothing(world: World) -> None:
    before = world.nonces()

    dry = pause(world, "--all", "--dry-run")
    none = pause(world)

    assert (dry.exit_code, none.exit_code) == (0, 2)
    assert "dry run: nothing was sent" in dry.output
    assert state(world) == (False, False, False)
    assert world.nonces() == before


@pytest.mark.parametrize("account", [PAYER, GUARDIAN])
def test_sweep__payer_or_guardian__empties_the_vault_also_when_paused(world: World, account: int) -> None:
    world.send(world.vault.functions.pause(), GUARDIAN)
    treasury = world.address(TREASURY)
    before = world.balance(treasury)

    result = sweep(world, account=account)

    transaction_in(result)
    assert "holds 500.00 USDC" in result.output
    assert "now holds 0.00 USDC" in result.output
    assert world.balance(world.vault.address) == 0
    assert world.balance(treasury) - before == 500_000_000


def test_sweep__refilled__sweeps_again_and_empty_sends_nothing(world: World) -> None:
    first = sweep(world)
    sent = world.nonces()
    empty = sweep(world)
    after_empty = world.nonces()
    world.send(world.usdc.functions.mint(world.vault.address, 7_000_000), DEPLOYER)
    second = sweep(world)

    assert transaction_in(first) != transaction_in(second)
    assert empty.exit_code == 0
    assert "nothing to sweep: nothing was sent" in empty.output
    assert after_empty == sent
    assert world.balance(world.vault.address) == 0


@pytest.mark.parametrize("account", [APPROVER, RULERS])
def test_sweep__without_the_role__is_refused(world: World, account: int) -> None:
    before = world.nonces()

    result = sweep(world, account=account)

    assert result.exit_code == 1
    assert "it holds neither PAYER nor GUARDIAN; nothing was sent" in result.output
    assert world.nonces() == before


def test_sweep__dry_run__sends_nothing(world: World) -> None:
    before = world.nonces()

    result = sweep(world, "--dry-run")

    assert result.exit_code == 0, result.output
    assert "dry run: nothing was sent" in result.output
    assert world.nonces() == before
