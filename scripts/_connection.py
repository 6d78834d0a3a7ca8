"""The chain that ape is connected to, and what every script must know of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI, SubprocessProvider
from ape.cli import ConnectedProviderCommand
from ape.exceptions import NetworkMismatchError, ProviderError
from ape_node.provider import NodeSoftwareNotInstalledError
from liqpass.adapters.chain.rpc import BlockId, Web3Rpc
from web3 import Web3
from web3.contract import Contract

# ape's "ecosystem:network" → the name of our files.
CHAINS = {"ethereum:local": "local", "base:sepolia": "base-sepolia", "base:mainnet": "base"}


class NetworkRefusedError(Exception):
    """LiqPass is not for this network, or the node is not of it."""


def words_of(fault: Exception) -> str:
    """A fault of a file or of the node, whose own words are never shown: its address may hold a key."""
    if isinstance(fault, OSError) and fault.filename:
        return f"{fault.filename}: {fault.strerror}"
    return f"the node gives no usable answer ({type(fault).__name__})"


class NetworkCommand(ConnectedProviderCommand):
    """A command on a network. Where no node answers, or one of another chain, it ends with `Error: …` and
    exit code 1, without traceback.
    """

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NetworkMismatchError as fault:
            raise click.ClickException(str(fault)) from fault
        except (ProviderError, NodeSoftwareNotInstalledError) as fault:  # the words show the node's address
            raise click.ClickException("no usable node answers at the address of --network") from fault


@dataclass(frozen=True, slots=True)
class Connection:
    """`chain` names our files, `live` is any chain but a local one."""

    chain: str
    chain_id: int
    live: bool
    web3: Web3
    rpc: Web3Rpc

    @classmethod
    def of(cls, provider: ProviderAPI) -> Connection:
        """Raises NetworkRefusedError for a network without parameters, or a node that ape itself started."""
        network = f"{provider.network.ecosystem.name}:{provider.network.name}"
        chain = CHAINS.get(network)
        if chain is None:
            known = ", ".join(sorted(CHAINS))
            raise NetworkRefusedError(f"LiqPass has no parameters for {network}; it knows {known}")
        # Such a node dies with this command: what it would show or take is nobody's chain.
        if isinstance(provider, SubprocessProvider) and provider.process is not None:
            raise NetworkRefusedError(
                "name the node: --network ethereum:local:http://127.0.0.1:8545 (start one with `anvil`)"
            )
        web3 = provider.web3
        return cls(chain, int(web3.eth.chain_id), chain != "local", web3, Web3Rpc(web3.provider))

    def parameters_path(self, folder: Path) -> Path:
        return folder / "parameters" / f"{self.chain}.yaml"

    def record_path(self, folder: Path) -> Path:
        return folder / f"{self.chain}.json"

    def require_chain_id(self, expected: int) -> None:
        """Raises NetworkRefusedError when the node is of another chain."""
        if self.chain_id != expected:
            raise NetworkRefusedError(
                f"the node serves chain {self.chain_id}, the parameters of {self.chain} are for {expected}"
            )

    @property
    def genesis_hash(self) -> str:
        """Tells one local chain from the next. Raises NetworkRefusedError when the node does not show it."""
        block = self.rpc.block(0)
        if block is None:
            raise NetworkRefusedError("the node does not show its genesis block")
        return block.hash

    def contract(self, address: str, abi: list[dict[str, Any]]) -> Contract:
        return self.web3.eth.contract(self.web3.to_checksum_address(address), abi=abi)

    def code_hash(self, address: str) -> str | None:
        """keccak of the code there now, None without code."""
        return self.code_hash_at(address, "latest")

    def code_hash_at(self, address: str, block: BlockId) -> str | None:
        """keccak of the code there in that block, None without code."""
        code = self.rpc.code(address, block)
        return "0x" + Web3.keccak(code).hex() if code else None
