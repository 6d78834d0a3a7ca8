"""The role map of the scripts covers exactly the functions that the contracts restrict."""

from __future__ import annotations

import re

import pytest
from ape_runs import REPOSITORY

from scripts._roles import FUNCTION_ROLES, Role

SOURCES = {name: (name, "libraries/Governed") for name in ("Checkout", "PayoutVault", "X402InsuranceV2")}
_RESTRICTED = re.compile(r"function\s+(\w+)\([^)]*\)\s*(?:external|public)[^{;]*\brestricted(?:Or)?\b")


@pytest.mark.parametrize("contract", FUNCTION_ROLES)
def test_function_roles__against_the_sources__are_complete(contract: str) -> None:
    restricted = {
        name
        for source in SOURCES[contract]
        for name in _RESTRICTED.findall((REPOSITORY / "contracts" / f"{source}.sol").read_text())
    }

    assert set(FUNCTION_ROLES[contract]) == restricted
    assert restricted >= {"pause", "unpause", "setTreasury", "rescue"}


def test_function_roles__none_is_admin__because_admin_manages_roles_only() -> None:
    assert Role.ADMIN not in {role for functions in FUNCTION_ROLES.values() for role in functions.values()}
