"""The AccessManager compared with the parameters: holders, delays, functions, guardians, intruders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from eth_utils.abi import function_abi_to_4byte_selector
from web3 import Web3
from web3.contract import Contract

from scripts._connection import Connection
from scripts._governance import Governance, RoleState, read_governance
from scripts._handover import selector_of
from scripts._parameters import Parameters
from scripts._record import Record
from scripts._roles import FUNCTION_ROLES, GUARDIANS, Role

Fields = tuple[str, str, str, str]  # subject, what, expected, found


def governance_checks(
    connection: Connection, parameters: Parameters, record: Record, contracts: Mapping[str, Contract]
) -> Iterator[Fields]:
    """Subject, what, expected and found of each comparison. Raises RpcError when the node does not answer."""
    manager = contracts["AccessManager"]
    governed = {name: contracts[name] for name in FUNCTION_ROLES if name in contracts}
    targets = [contract.address for contract in governed.values()]
    first = record.contracts["AccessManager"].block
    state = read_governance(connection, manager, targets, first)
    yield from _holders(parameters, state)
    yield from _separation(parameters, record.deployer, state)
    yield from _functions(governed, state)
    yield from _waiting(contracts, state)


def _holders(parameters: Parameters, state: Governance) -> Iterator[Fields]:
    for role in Role:
        holders, found = parameters.roles[role], state.roles[role]
        subject = f"role {role.name}"
        wanted = ", ".join(f"{account} ({holders.delay_s} s)" for account in sorted(holders.accounts))
        yield subject, "holders (delay)", wanted, _members(found)
        yield subject, "administered by", Role.ADMIN.name, _name(found.admin)
        yield subject, "guarded by", GUARDIANS.get(role, Role.ADMIN).name, _name(found.guardian)
        yield subject, "grant delay", "0 s", f"{found.grant_delay_s} s"
    strangers = [
        f"role {role}: {_members(found)}"
        for role, found in state.roles.items()
        if role not in set(Role) and found.members
    ]
    yield "roles", "others with members", "none", "; ".join(strangers) or "none"


def _separation(parameters: Parameters, deployer: str, state: Governance) -> Iterator[Fields]:
    held = [
        _name(role)
        for role, found in state.roles.items()
        if deployer in {member.account for member in found.members}
    ]
    if deployer == parameters.treasury:
        held.append("treasury")
    yield "roles", "deployer holds", "nothing", ", ".join(held) or "nothing"
    approvers, payers = (
        {member.account for member in state.roles[role].members} for role in (Role.APPROVER, Role.PAYER)
    )
    both = ", ".join(sorted(approvers & payers))
    yield "roles", "both APPROVER and PAYER", "nobody", both or "nobody"


def _functions(governed: Mapping[str, Contract], state: Governance) -> Iterator[Fields]:
    for name, contract in governed.items():
        abi = list(contract.abi)
        found = state.targets[contract.address]
        by_selector = {
            function_abi_to_4byte_selector(entry): entry["name"]
            for entry in abi
            if entry["type"] == "function"
        }
        wanted = {selector_of(abi, function): role for function, role in FUNCTION_ROLES[name].items()}  # type: ignore[arg-type]
        for selector in sorted({*wanted, *found.functions}, key=lambda s: by_selector.get(s, s.hex())):
            # What was never set is ADMIN's: the manager's default.
            function = by_selector.get(selector, "0x" + selector.hex())
            expected, actual = wanted.get(selector, Role.ADMIN), found.functions.get(selector, Role.ADMIN)
            yield name, f"{function}()", _name(expected), _name(actual)
        yield name, "closed by the manager", "no", "yes" if found.closed else "no"
        yield name, "delay of its administration", "0 s", f"{found.admin_delay_s} s"
    ours = {contract.address for contract in governed.values()}
    others = sorted(target for target in state.targets if target not in ours)
    yield "roles", "other governed contracts", "none", ", ".join(others) or "none"


def _waiting(contracts: Mapping[str, Contract], state: Governance) -> Iterator[Fields]:
    """Delays exist so that somebody looks: an announced call is shown until it is executed or cancelled."""
    by_address = {contract.address: contract for contract in contracts.values()}
    calls = []
    for waiting in state.waiting:
        contract = by_address.get(Web3.to_checksum_address(waiting.target))
        words = f"{waiting.target} 0x{waiting.data[:4].hex()}"
        if contract is not None:
            function, arguments = contract.decode_function_input(waiting.data)
            words = f"{function.fn_name}({', '.join(map(str, arguments.values()))}) of {contract.address}"
        when = datetime.fromtimestamp(waiting.ready_at_s, UTC).isoformat()
        calls.append(f"{words} by {waiting.caller} from {when} on")
    yield "roles", "announced calls waiting", "none", "; ".join(calls) or "none"


def _members(role: RoleState) -> str:
    return ", ".join(f"{member.account} ({member.delay_s} s)" for member in role.members) or "nobody"


def _name(role: int) -> str:
    return Role(role).name if role in set(Role) else f"role {role}"
