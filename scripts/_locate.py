"""Finding transactions of ours that left no receipt in the journal, because the journal is lost."""

from __future__ import annotations

from liqpass.adapters.chain.settlement import contract_address
from web3.contract import Contract

from scripts._connection import Connection
from scripts._roles import Role


class LocateError(Exception):
    """The chain shows the effect, but the node does not show where it came from."""


def block_of_creation(connection: Connection, address: str, first_block: int) -> int:
    """The first block in which there is code at `address`, by bisection from `first_block` on."""
    low, high = first_block, int(connection.web3.eth.block_number)
    while low < high:
        middle = (low + high) // 2
        if connection.code_hash_at(address, middle) is None:
            low = middle + 1
        else:
            high = middle
    return low


def creation_in_block(connection: Connection, number: int, address: str) -> str:
    """Hash of the transaction in that block that created `address`. Raises LocateError."""
    block = connection.web3.eth.get_block(number, full_transactions=True)
    for transaction in block["transactions"]:
        assert not isinstance(transaction, bytes)  # noqa: S101 - full transactions were asked for
        if transaction.get("to") is None:  # noqa: SIM102 - only a creation has an address to compare
            if contract_address(transaction["from"], transaction["nonce"]) == address:
                return "0x" + transaction["hash"].hex().removeprefix("0x")
    raise LocateError(f"block {number} has no transaction that creates {address}")


def handover_log(manager: Contract, deployer: str, first_block: int) -> tuple[str, int]:
    """Transaction and block in which the deployer renounced ADMIN. Raises LocateError."""
    logs = manager.events.RoleRevoked().get_logs(
        from_block=first_block, argument_filters={"roleId": int(Role.ADMIN), "account": deployer}
    )
    if not logs:
        raise LocateError(f"no log of {manager.address} shows {deployer} renouncing ADMIN")
    return "0x" + logs[-1]["transactionHash"].hex().removeprefix("0x"), int(logs[-1]["blockNumber"])
