"""Which contracts a deployment creates, in which order, with which constructor arguments."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from liqpass.domain.parametric.flight_status import feed_description

from scripts._parameters import ZERO_ADDRESS, Parameters

# Name in the record → contract, in order of creation. Where USDC is not ours to deploy, mocks are left out.
CONTRACTS = {
    "MockUSDCImplementation": "MockUSDC",
    "MockUSDC": "MockUSDCProxy",
    "AccessManager": "LiqPassAccessManager",
    "Checkout": "Checkout",
    "PayoutVault": "PayoutVault",
    "X402InsuranceV2": "X402InsuranceV2",
    "OpenParametric": "OpenParametric",
    "MockFeed": "MockFeed",
}
# What a target of `ape run deploy` adds to LiqPass itself, which every target stands on.
TARGETS: dict[str, tuple[str, ...]] = {
    "liqpass": (),
    "x402": ("X402InsuranceV2",),
    "parametric": ("OpenParametric", "MockFeed"),
}
ADDED = tuple(name for names in TARGETS.values() for name in names)
# Only where USDC is a mock, too: elsewhere the flights that people insure have feeds of their own.
_MOCKS = ("MockUSDCImplementation", "MockUSDC", "MockFeed")
_MOCK_FLIGHT = feed_description("KE081", "2026-03-15", "ICN")
# Name in the record → ABI that the package ships.
ABIS = {
    "AccessManager": "LiqPassAccessManager",
    "Checkout": "Checkout",
    "PayoutVault": "PayoutVault",
    "X402InsuranceV2": "X402InsuranceV2",
    "OpenParametric": "OpenParametric",
}


def names(parameters: Parameters, added: Collection[str]) -> list[str]:
    """Record names in order of creation: LiqPass itself, and of what targets add those in `added`."""
    return [
        name
        for name in CONTRACTS
        if (parameters.usdc.address is None or name not in _MOCKS) and (name in added or name not in ADDED)
    ]


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
    if name == "MockFeed":
        return {"owner_": deployer, "description_": _MOCK_FLIGHT}
    usdc = parameters.usdc.address or addresses["MockUSDC"]
    if name == "OpenParametric":
        return {"usdc_": usdc}
    return _governed(name, parameters, usdc, addresses["AccessManager"])


def _governed(name: str, parameters: Parameters, usdc: str, manager: str) -> dict[str, str | int]:
    """Arguments of what the manager governs."""
    governed: dict[str, str | int] = {
        "usdc_": usdc,
        "treasury_": parameters.treasury,
        "authority_": manager,
    }
    if name == "Checkout":
        return governed
    if name == "X402InsuranceV2":
        return governed | {
            "platformPenaltyRate_": parameters.x402.penalty_rate_bps,
            "defaultTimeout_": parameters.x402.default_timeout_minutes,
        }
    return governed | {
        "dailyCap_": parameters.daily_cap,
        "hotWalletMax_": parameters.hot_wallet_max,
        "predecessor_": parameters.predecessor or ZERO_ADDRESS,
    }
