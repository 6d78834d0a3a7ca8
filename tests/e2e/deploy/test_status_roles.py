"""`ape run status` is red for each change of roles, delays and the functions they may call."""

from __future__ import annotations

from deployed_world import (
    APPROVER,
    DEPLOYER,
    GUARDIAN,
    PAYER,
    RULERS,
    STRANGER_ADDRESS,
    TWO_DAYS_S,
    World,
    deployed,
    world,
)
from eth_utils.abi import function_abi_to_4byte_selector
from web3.contract import Contract

__all__ = ["deployed", "world"]  # fixtures


def selector(contract: Contract, name: str) -> bytes:
    return function_abi_to_4byte_selector(contract.get_function_by_name(name).abi)


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
