"""A governed contract deployed after the handover: only ADMIN can give the manager its roles, after 48 hours.

Until then every restricted function of it belongs to ADMIN, the manager's default: nobody else can call one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.safe_transaction import SafeCall, write_safe_batch

from scripts._checks import Check
from scripts._connection import Connection
from scripts._creations import ABIS
from scripts._handover import announcement, multicall_data, target_calls
from scripts._parameters import Parameters
from scripts._record import Record
from scripts._roles import FUNCTION_ROLES, Role


def late_targets(record: Record, wrong: Sequence[Check]) -> list[str]:
    """Those whose roles are all that is wrong; none when anything else is."""
    assert record.handover is not None  # noqa: S101 - the deployment has ended
    late = [
        name
        for name in FUNCTION_ROLES
        if name in record.contracts and record.contracts[name].block > record.handover.block
    ]
    explained = all(check.subject in late and check.what.endswith("()") for check in wrong)
    return late if explained else []


def write_admin_files(
    connection: Connection, parameters: Parameters, record: Record, path: Path, name: str
) -> tuple[Path, Path]:
    """Two Safe files beside the record, for ADMIN: to announce the roles of `name`, and to set them."""
    abis = {each: abi_of(abi) for each, abi in ABIS.items()}
    manager, manager_abi = record.contracts["AccessManager"].address, abis["AccessManager"]
    calls = list(target_calls(abis, name, record.contracts[name].address))
    announced = [announcement(manager_abi, manager, call) for call in calls]
    written = []
    for step, chosen in (("1-announce", announced), ("2-set", calls)):
        text = write_safe_batch(
            [SafeCall(manager, 0, multicall_data(manager_abi, chosen))],
            chain_id=connection.chain_id,
            safe=parameters.roles[Role.ADMIN].accounts[0],
            name=f"LiqPass: roles of {name}, {step}",
            description="; ".join(call.words for call in chosen),
            created_at_ms=int(connection.web3.eth.get_block("latest")["timestamp"]) * 1000,
        )
        file = path.with_name(f"{path.stem}.{name}.roles-{step}.safe.json")
        file.write_text(text)
        written.append(file)
    return written[0], written[1]
