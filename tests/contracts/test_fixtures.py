"""The system that all tests stand on is the one that design §2.0 describes."""

import pytest
from governance import (
    ADMIN,
    APPROVER,
    CONFIG,
    DELAY_S,
    GUARDIAN,
    PAYER,
    UNPAUSER,
)

HOLDERS = {
    ADMIN: ("admin", DELAY_S),
    CONFIG: ("config", DELAY_S),
    UNPAUSER: ("unpauser", 0),
    GUARDIAN: ("guardian", 0),
    APPROVER: ("approver", 0),
    PAYER: ("payer", 0),
}


@pytest.mark.parametrize("role", HOLDERS)
def test_roles__after_handover__one_holder_each_with_its_delay(role, manager, governed, actors):
    holder, delay = HOLDERS[role]

    held = {name: manager.hasRole(role, account) for name, account in actors.items()}

    assert tuple(held.pop(holder)) == (True, delay)
    assert all(tuple(has) == (False, 0) for has in held.values())


def test_config__guardian__is_the_guardian_role(manager, governed):
    assert manager.getRoleGuardian(CONFIG) == GUARDIAN
