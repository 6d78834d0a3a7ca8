"""The networks that LiqPass runs on, as a wallet and a reader need them."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.domain import chains


@dataclass(frozen=True, slots=True)
class Network:
    """`ape` is what ape's `--network` takes; `rpc_url` and `explorer` are empty where there is none."""

    chain_id: int
    name: str
    ape: str
    rpc_url: str = ""
    explorer: str = ""

    def as_json(self) -> dict[str, object]:
        """What the page's scripts read."""
        return {
            "chainId": self.chain_id,
            "name": self.name,
            "rpcUrl": self.rpc_url,
            "explorer": self.explorer,
        }


_KNOWN = (
    Network(chains.BASE, "Base", "base:mainnet", "https://mainnet.base.org", "https://basescan.org"),
    Network(
        chains.BASE_SEPOLIA,
        "Base Sepolia",
        "base:sepolia",
        "https://sepolia.base.org",
        "https://sepolia.basescan.org",
    ),
    Network(chains.LOCAL, "Local chain", "ethereum:local:http://127.0.0.1:8545", "http://127.0.0.1:8545"),
)


def network_of(chain_id: int) -> Network:
    """The network of a chain id; one that is not known has its number for a name."""
    found = (network for network in _KNOWN if network.chain_id == chain_id)
    return next(found, Network(chain_id, f"chain {chain_id}", "ECOSYSTEM:NETWORK"))
