"""The one transaction that sets up the AccessManager and gives everything away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from eth_utils.abi import function_abi_to_4byte_selector
from web3 import Web3

from scripts._parameters import Parameters
from scripts._roles import FUNCTION_ROLES, GUARDIANS, LABELLED_ROLES, Role


@dataclass(frozen=True, slots=True)
class ManagerCall:
    """A call to the AccessManager: for people, and encoded."""

    words: str
    data: bytes


def manager_calls(
    abis: Mapping[str, list[dict[str, Any]]],
    addresses: Mapping[str, str],
    parameters: Parameters,
    deployer: str,
) -> list[ManagerCall]:
    """All calls in their order; the deployer's renunciation comes last, or the rest would be refused.

    `abis` and `addresses` by name: AccessManager, and the governed contracts that there are.
    """
    call = partial(_call, abis["AccessManager"])
    calls = [
        each
        for target in FUNCTION_ROLES
        if target in addresses
        for each in target_calls(abis, target, addresses[target])
    ]
    calls += [call(f"label {role.name}", "labelRole", int(role), role.name) for role in LABELLED_ROLES]
    for role, guardian in GUARDIANS.items():
        words = f"{guardian.name} cancels what {role.name} schedules"
        calls.append(call(words, "setRoleGuardian", int(role), int(guardian)))
    # ADMIN goes last of the roles: with it the deployer's part is over.
    for role in sorted(Role, reverse=True):
        holders = parameters.roles[role]
        for account in holders.accounts:
            words = f"{role.name} to {account}" + (f", delay {holders.delay_s} s" if holders.delay_s else "")
            calls.append(call(words, "grantRole", int(role), account, holders.delay_s))
    calls.append(call("the deployer renounces ADMIN", "renounceRole", int(Role.ADMIN), deployer))
    return calls


def target_calls(
    abis: Mapping[str, list[dict[str, Any]]], target: str, address: str
) -> Iterator[ManagerCall]:
    """Which role may call which function of one governed contract."""
    for role in Role:
        names = [name for name, its_role in FUNCTION_ROLES[target].items() if its_role == role]
        if names:
            selectors = [selector_of(abis[target], name) for name in names]
            words = f"{target}: {', '.join(names)} by {role.name}"
            yield _call(abis["AccessManager"], words, "setTargetFunctionRole", address, selectors, int(role))


def announcement(manager_abi: list[dict[str, Any]], manager: str, call: ManagerCall) -> ManagerCall:
    """AccessManager.schedule of a call to itself, for as soon as ADMIN's delay allows."""
    return _call(manager_abi, f"announce {call.words}", "schedule", manager, call.data, 0)


def _call(manager_abi: list[dict[str, Any]], words: str, function: str, *arguments: Any) -> ManagerCall:
    manager = Web3().eth.contract(abi=manager_abi)
    return ManagerCall(words, bytes.fromhex(manager.encode_abi(function, args=list(arguments))[2:]))


def multicall_data(manager_abi: list[dict[str, Any]], calls: list[ManagerCall]) -> bytes:
    """AccessManager.multicall of all of them: one transaction, all or nothing."""
    manager = Web3().eth.contract(abi=manager_abi)
    return bytes.fromhex(manager.encode_abi("multicall", args=[[call.data for call in calls]])[2:])


def selector_of(abi: list[dict[str, Any]], name: str) -> bytes:
    """Selector of the only function of that name. Raises ValueError when there is not exactly one."""
    found = [entry for entry in abi if entry["type"] == "function" and entry["name"] == name]
    if len(found) != 1:
        raise ValueError(f"{len(found)} functions are named {name}")
    selector: bytes = function_abi_to_4byte_selector(found[0])  # type: ignore[arg-type]
    return selector
