"""What deploy and status print."""

from __future__ import annotations

from collections.abc import Collection

from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.settlement import contract_address
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from scripts._checks import Check
from scripts._connection import Connection
from scripts._creations import ABIS, CONTRACTS, arguments_of, names
from scripts._handover import manager_calls
from scripts._parameters import Parameters
from scripts._record import Record


def wide_console() -> Console:
    """Addresses and hashes whole, also where the output goes to a file."""
    return Console(width=max(Console().width, 190), highlight=False)


def plan_tables(
    connection: Connection, parameters: Parameters, record: Record, deployer: str, added: Collection[str]
) -> tuple[Table, Table]:
    """What is there already, what is to be created where, and the calls of the handover."""
    creations = Table(
        title=f"{connection.chain}, chain {connection.chain_id}, deployer {deployer}",
        box=SIMPLE,
        title_justify="left",
    )
    for heading in ("name", "contract", "address", "state", "arguments"):
        creations.add_column(heading, overflow="fold")
    nonce = connection.rpc.nonce(deployer, "latest")
    addresses: dict[str, str] = {}
    for name in names(parameters, {*added, *record.contracts}):
        known = record.contracts.get(name)
        if known is not None:
            addresses[name] = known.address
        else:
            addresses[name] = contract_address(deployer, nonce)
            nonce += 1
        arguments = arguments_of(name, parameters, addresses, deployer)
        text = "\n".join(f"{key} {value}" for key, value in arguments.items())
        state = "to deploy" if known is None else f"deployed in block {known.block}"
        creations.add_row(name, CONTRACTS[name], addresses[name], state, text)
    done = record.handover is not None
    handover = Table(
        title="handover" + (", done" if done else ", one transaction"), box=SIMPLE, title_justify="left"
    )
    handover.add_column("call to AccessManager", overflow="fold")
    abis = {name: abi_of(abi) for name, abi in ABIS.items()}
    for call in manager_calls(abis, addresses, parameters, deployer):
        handover.add_row(call.words)
    return creations, handover


def contracts_table(record: Record) -> Table:
    """The finished deployment."""
    table = Table(title="deployed", box=SIMPLE, title_justify="left")
    for heading in ("name", "address", "block", "transaction"):
        table.add_column(heading, overflow="fold")
    for name, deployed in record.contracts.items():
        table.add_row(name, deployed.address, str(deployed.block), deployed.transaction)
    return table


def checks_table(checks: list[Check]) -> Table:
    """Every comparison; the values side by side where they differ."""
    table = Table(box=SIMPLE, title_justify="left")
    for heading in ("", "of", "check", "is", "should be"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        mark = "[green]ok[/]" if check.ok else "[bold red]DIFFERS[/]"
        table.add_row(mark, check.subject, check.what, check.found, "" if check.ok else check.expected)
    return table
