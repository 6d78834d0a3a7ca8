"""Who may do what in LiqPass: roles, the functions they may call, who guards them (`docs/roles.md`).

Pure data, shared by deploy, status and the benchmarks, so that all speak of the same set-up.
"""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """Role ids in the AccessManager. ADMIN is OpenZeppelin's; 2^64 - 1 (everybody) is never used."""

    ADMIN = 0
    CONFIG = 1
    UNPAUSER = 2
    GUARDIAN = 3
    APPROVER = 4
    PAYER = 5


# ADMIN needs no label: OpenZeppelin refuses to label it.
LABELLED_ROLES = (Role.CONFIG, Role.UNPAUSER, Role.GUARDIAN, Role.APPROVER, Role.PAYER)

# GUARDIAN cancels what CONFIG has scheduled; every other role's guardian is ADMIN, OpenZeppelin's default.
GUARDIANS = {Role.CONFIG: Role.GUARDIAN}

# The manager knows one role a function. `sweep` and `revokeBatch` name GUARDIAN: the vault itself also admits
# whoever may call `executeBatch` (PAYER) or `approveBatch` (APPROVER).
FUNCTION_ROLES: dict[str, dict[str, Role]] = {
    "Checkout": {
        "pause": Role.GUARDIAN,
        "unpause": Role.UNPAUSER,
        "setTreasury": Role.CONFIG,
        "rescue": Role.CONFIG,
    },
    "PayoutVault": {
        "approveBatch": Role.APPROVER,
        "executeBatch": Role.PAYER,
        "revokeBatch": Role.GUARDIAN,
        "sweep": Role.GUARDIAN,
        "pause": Role.GUARDIAN,
        "lowerDailyCap": Role.GUARDIAN,
        "lowerHotWalletMax": Role.GUARDIAN,
        "unpause": Role.UNPAUSER,
        "setDailyCap": Role.CONFIG,
        "setHotWalletMax": Role.CONFIG,
        "setTreasury": Role.CONFIG,
        "rescue": Role.CONFIG,
    },
    "X402InsuranceV2": {
        "pause": Role.GUARDIAN,
        "unpause": Role.UNPAUSER,
        "setMinProviderBond": Role.CONFIG,
        "setPlatformPenaltyRate": Role.CONFIG,
        "setDefaultTimeout": Role.CONFIG,
        "announceLiquidation": Role.CONFIG,
        "callOffLiquidation": Role.CONFIG,
        "liquidateProvider": Role.CONFIG,
        "returnStray": Role.CONFIG,
        "setTreasury": Role.CONFIG,
        "rescue": Role.CONFIG,
    },
}
