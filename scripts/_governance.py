"""Who may do what, as the AccessManager itself says: candidates from its logs, the truth from its views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.abi import event_abi_to_log_topic
from web3 import Web3
from web3.contract import Contract
from web3.types import EventData

from scripts._connection import Connection
from scripts._roles import Role

_LEAST_SPAN = 100  # blocks; a node that refuses even so few has another complaint


@dataclass(frozen=True, slots=True)
class Membership:
    """`delay_s` is the greater of the delay in force and that to come; a grant to come counts."""

    account: str
    delay_s: int


@dataclass(frozen=True, slots=True)
class RoleState:
    """One role as the manager has it."""

    members: tuple[Membership, ...]
    admin: int
    guardian: int
    grant_delay_s: int


@dataclass(frozen=True, slots=True)
class TargetState:
    """`functions`: role by selector, of every selector whose role was ever set."""

    functions: dict[bytes, int]
    closed: bool
    admin_delay_s: int


@dataclass(frozen=True, slots=True)
class ScheduledCall:
    """An announced call that is neither executed, cancelled nor expired; `ready_at_s` in unix seconds."""

    caller: str
    target: str
    data: bytes
    ready_at_s: int


@dataclass(frozen=True, slots=True)
class Governance:
    """Every role and target that the manager has ever spoken of, and the calls announced to it."""

    roles: dict[int, RoleState]
    targets: dict[str, TargetState]
    waiting: tuple[ScheduledCall, ...]


def read_governance(
    connection: Connection, manager: Contract, targets: Sequence[str], first_block: int
) -> Governance:
    """Roles and targets in the logs since `first_block`, ours too, as the manager has them now."""
    seen: dict[int, set[str]] = {int(role): set() for role in Role}
    functions: dict[str, set[bytes]] = {target: set() for target in targets}
    scheduled: dict[bytes, Any] = {}
    for log in _logs(connection, manager, first_block):
        arguments = log["args"]
        if log["event"] == "OperationScheduled":
            scheduled[bytes(arguments["operationId"])] = arguments
            continue  # whom a call is announced to is not thereby governed
        role = arguments.get("roleId")
        if role is not None:
            seen.setdefault(int(role), set())
            if "account" in arguments:
                seen[int(role)].add(arguments["account"])
        if "target" in arguments:
            functions.setdefault(arguments["target"], set())
            if "selector" in arguments:
                functions[arguments["target"]].add(bytes(arguments["selector"]))
    return Governance(
        roles={role: _role(manager, role, accounts) for role, accounts in sorted(seen.items())},
        targets={target: _target(manager, target, chosen) for target, chosen in sorted(functions.items())},
        waiting=tuple(_waiting(manager, scheduled)),
    )


def _waiting(manager: Contract, scheduled: dict[bytes, Any]) -> Iterator[ScheduledCall]:
    for operation, arguments in scheduled.items():
        ready_at_s = int(manager.functions.getSchedule(operation).call())  # 0 once it is over
        if ready_at_s:
            yield ScheduledCall(
                arguments["caller"], arguments["target"], bytes(arguments["data"]), ready_at_s
            )


def _role(manager: Contract, role: int, accounts: set[str]) -> RoleState:
    views = manager.functions
    members = []
    for account in sorted(accounts):
        since, delay, pending, _ = views.getAccess(role, account).call()
        if since != 0:
            members.append(Membership(account, max(delay, pending)))
    return RoleState(
        members=tuple(members),
        admin=int(views.getRoleAdmin(role).call()),
        guardian=int(views.getRoleGuardian(role).call()),
        grant_delay_s=int(views.getRoleGrantDelay(role).call()),
    )


def _target(manager: Contract, target: str, selectors: set[bytes]) -> TargetState:
    views = manager.functions
    return TargetState(
        functions={
            selector: int(views.getTargetFunctionRole(target, selector).call())
            for selector in sorted(selectors)
        },
        closed=bool(views.isTargetClosed(target).call()),
        admin_delay_s=int(views.getTargetAdminDelay(target).call()),
    )


def _logs(connection: Connection, manager: Contract, first_block: int) -> Iterator[EventData]:
    by_topic: dict[str, Any] = {}
    for entry in manager.abi:
        if entry["type"] == "event":
            by_topic[event_abi_to_log_topic(entry).hex()] = manager.events[entry["name"]]()
    head = int(connection.web3.eth.block_number)
    for raw in _raw_logs(connection, manager.address, first_block, head):
        decoder = by_topic.get(bytes(raw["topics"][0]).hex())
        if decoder is not None:
            yield decoder.process_log(raw)


def _raw_logs(connection: Connection, address: str, first: int, last: int) -> Iterator[Any]:
    """Halves the span where a node refuses it: each provider has a limit of its own."""
    try:
        found = connection.web3.eth.get_logs(
            {"address": Web3.to_checksum_address(address), "fromBlock": first, "toBlock": last}
        )
    except Exception:  # web3.py and providers raise whatever they like; the smallest span decides
        if last - first < _LEAST_SPAN:
            raise
        middle = (first + last) // 2
        yield from _raw_logs(connection, address, first, middle)
        yield from _raw_logs(connection, address, middle + 1, last)
        return
    yield from found
