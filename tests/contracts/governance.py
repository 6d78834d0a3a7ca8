"""Who may do what, as design §2.0 says.

The tests' own table, so that a deployment cannot agree with itself.
"""

from typing import Any

from eth_hash.auto import keccak

ADMIN, CONFIG, UNPAUSER, GUARDIAN, APPROVER, PAYER = range(6)

DELAY_S = 48 * 3600
"""Execution delay of ADMIN and CONFIG."""

FUNCTION_ROLES: dict[str, dict[str, int]] = {
    "Checkout": {
        "pause": GUARDIAN,
        "unpause": UNPAUSER,
        "setTreasury": CONFIG,
        "rescue": CONFIG,
    },
    "PayoutVault": {
        "approveBatch": APPROVER,
        "executeBatch": PAYER,
        "revokeBatch": GUARDIAN,
        "sweep": GUARDIAN,
        "lowerDailyCap": GUARDIAN,
        "lowerHotWalletMax": GUARDIAN,
        "setDailyCap": CONFIG,
        "setHotWalletMax": CONFIG,
        "pause": GUARDIAN,
        "unpause": UNPAUSER,
        "setTreasury": CONFIG,
        "rescue": CONFIG,
    },
    "X402InsuranceV2": {
        "pause": GUARDIAN,
        "unpause": UNPAUSER,
        "setMinProviderBond": CONFIG,
        "setPlatformPenaltyRate": CONFIG,
        "setDefaultTimeout": CONFIG,
        "announceLiquidation": CONFIG,
        "callOffLiquidation": CONFIG,
        "liquidateProvider": CONFIG,
        "returnStray": CONFIG,
        "setTreasury": CONFIG,
        "rescue": CONFIG,
    },
}
"""The role that the manager stores for each restricted function."""

ALSO_ADMITTED: dict[str, int] = {"revokeBatch": APPROVER, "sweep": PAYER}
"""Second roles: whoever may approve may revoke, whoever may execute may sweep."""

OPEN_FUNCTIONS: dict[str, set[str]] = {
    "Checkout": {"pay", "payWithPermit", "payWithAuthorization"},
    "PayoutVault": {"fund"},
    "X402InsuranceV2": {
        "depositBond",
        "depositBondWithPermit",
        "depositBondWithAuthorization",
        "withdrawBond",
        "announceExit",
        "cancelExit",
        "approveCoverage",
        "setSettler",
        "setDeliveryKey",
        "setPayoutAddress",
        "settleAndInsure",
        "purchaseInsurance",
        "confirmService",
        "confirmServices",
        "refundService",
        "claimInsurance",
        "claimMany",
        "withdrawCredit",
        "payCredit",
        "collect",
    },
}
"""Functions for anyone."""

MANAGER_ONLY = {"setAuthority"}
"""Functions that only the manager itself may call, on ADMIN's delayed instruction."""


def selector_of(contract: Any, function: str) -> bytes:
    """The four bytes that name `function`, which must not be overloaded."""
    return bytes(keccak(contract.contract_type.mutable_methods[function].selector.encode())[:4])


def assign_functions(manager: Any, contract: Any, name: str, sender: Any) -> None:
    """Tell the manager which role each restricted function of `contract` belongs to."""
    functions = FUNCTION_ROLES[name]
    for role in sorted(set(functions.values())):
        selectors = [selector_of(contract, function) for function in functions if functions[function] == role]
        manager.setTargetFunctionRole(contract, selectors, role, sender=sender)
