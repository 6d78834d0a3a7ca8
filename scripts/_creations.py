"""Which contracts a deployment creates, in which order, with which constructor arguments."""

from __future__ import annotations

from collections.abc import Mapping

from scripts._parameters import ZERO_ADDRESS, Parameters

# Name in the record → contract. Where USDC is not ours to deploy, its two are left out.
CONTRACTS = {
    "MockUSDCImplementation": "MockUSDC",
    "MockUSDC": "MockUSDCProxy",
    "AccessManager": "LiqPassAccessManager",
    "Checkout": "Checkout",
    "PayoutVault": "PayoutVault",
}
_MOCKS = ("MockUSDCImplementation", "MockUSDC")
# Name in the record → ABI that the package ships.
ABIS = {"AccessManager": "LiqPassAccessManager", "Checkout": "Checkout", "PayoutVault": "PayoutVault"}


def names(parameters: Parameters) -> list[str]:
    """Record names in order of creation."""
    return [name for name in CONTRACTS if parameters.usdc.address is None or name not in _MOCKS]


def arguments_of(
    name: str, parameters: Parameters, addresses: Mapping[str, str], deployer: str
) -> dict[str, str | int]:
    """Constructor arguments by their names in the source. Raises KeyError without an earlier contract."""
    if name == "MockUSDCImplementation":
        return {}
    if name == "MockUSDC":
        implementation = addresses["MockUSDCImplementation"]
        return {"implementation": implementation, "name": parameters.usdc.name, "controller": deployer}
    if name == "AccessManager":
        return {"initialAdmin_": deployer}  # until the handover
    governed: dict[str, str | int] = {
        "usdc_": parameters.usdc.address or addresses["MockUSDC"],
        "treasury_": parameters.treasury,
        "authority_": addresses["AccessManager"],
    }
    if name == "Checkout":
        return governed
    return governed | {
        "dailyCap_": parameters.daily_cap,
        "hotWalletMax_": parameters.hot_wallet_max,
        "predecessor_": parameters.predecessor or ZERO_ADDRESS,
    }
