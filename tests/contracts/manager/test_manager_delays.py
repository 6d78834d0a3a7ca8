"""CONFIG and ADMIN act 48 hours after they said so; GUARDIAN can stop CONFIG meanwhile."""

import pytest
from governance import APPROVER, CONFIG, DELAY_S, GUARDIAN, PAYER, selector_of
from logs import event, events_of
from reverts import reverts_with

WEEK_S = 7 * 86_400
NEW_CAP = 900_000_000


@pytest.fixture
def raise_cap(vault):
    return vault.setDailyCap.encode_input(NEW_CAP)


@pytest.fixture
def scheduled(vault, manager, config, raise_cap):
    """CONFIG's raising of the cap, announced now; the receipt."""
    return manager.schedule(vault, raise_cap, 0, sender=config)


@pytest.fixture
def operation(vault, manager, config, raise_cap):
    return manager.hashOperation(config, vault, raise_cap)


def test_schedule__config__ready_after_48_hours(vault, manager, config, scheduled, operation, raise_cap):
    assert events_of(scheduled) == [
        event(
            manager,
            "OperationScheduled",
            operationId=operation,
            nonce=1,
            schedule=scheduled.timestamp + DELAY_S,
            caller=config,
            target=vault,
            data=raise_cap,
        )
    ]


@pytest.mark.parametrize(("offset", "acts"), [(-1, False), (0, True), (1, True)])
@pytest.mark.parametrize("way", ["manager", "direct"])
def test_execute__config_around_48_hours__only_once_they_are_over(
    way, offset, acts, vault, manager, config, raise_cap, scheduled, operation, clock
):
    def act():
        if way == "manager":
            return manager.execute(vault, raise_cap, sender=config)
        return vault.setDailyCap(NEW_CAP, sender=config)

    clock.next_block_at(scheduled.timestamp + DELAY_S + offset)

    if acts:
        tx = act()
        assert events_of(tx) == [
            event(manager, "OperationExecuted", operationId=operation, nonce=1),
            event(vault, "DailyCapSet", dailyCap=NEW_CAP),
        ]
        assert vault.dailyCap() == NEW_CAP
    else:
        with reverts_with(manager.AccessManagerNotReady, operationId=operation):
            act()


def test_execute__config_a_week_late__reverts(vault, manager, config, raise_cap, scheduled, operation, clock):
    clock.next_block_at(scheduled.timestamp + DELAY_S + WEEK_S)

    with reverts_with(manager.AccessManagerExpired, operationId=operation):
        manager.execute(vault, raise_cap, sender=config)


def test_execute__config_twice__reverts(vault, manager, config, raise_cap, scheduled, operation, clock):
    clock.travel_to(clock.now + DELAY_S)
    manager.execute(vault, raise_cap, sender=config)

    with reverts_with(manager.AccessManagerNotScheduled, operationId=operation):
        manager.execute(vault, raise_cap, sender=config)


def test_schedule__sooner_than_48_hours__reverts(vault, manager, config, raise_cap, clock):
    with reverts_with(
        manager.AccessManagerUnauthorizedCall,
        caller=config,
        target=vault,
        selector=selector_of(vault, "setDailyCap"),
    ):
        manager.schedule(vault, raise_cap, clock.now + DELAY_S - 60, sender=config)


def test_cancel__guardian__stops_config(
    vault, manager, config, guardian, raise_cap, scheduled, operation, clock
):
    tx = manager.cancel(config, vault, raise_cap, sender=guardian)

    assert events_of(tx) == [event(manager, "OperationCanceled", operationId=operation, nonce=1)]
    clock.travel_to(clock.now + DELAY_S)
    with reverts_with(manager.AccessManagerNotScheduled, operationId=operation):
        manager.execute(vault, raise_cap, sender=config)


@pytest.mark.parametrize("role", ["unpauser", "approver", "payer", "deployer", "stranger"])
def test_cancel__anybody_else__reverts(role, vault, manager, config, actors, raise_cap, scheduled):
    with reverts_with(
        manager.AccessManagerUnauthorizedCancel,
        msgsender=actors[role],
        caller=config,
        target=vault,
        selector=selector_of(vault, "setDailyCap"),
    ):
        manager.cancel(config, vault, raise_cap, sender=actors[role])


def test_cancel__guardian_of_admins_call__reverts(manager, admin, guardian, stranger):
    data = manager.grantRole.encode_input(PAYER, stranger, 0)
    manager.schedule(manager, data, 0, sender=admin)

    with reverts_with(
        manager.AccessManagerUnauthorizedCancel,
        msgsender=guardian,
        caller=admin,
        target=manager,
        selector=selector_of(manager, "grantRole"),
    ):
        manager.cancel(admin, manager, data, sender=guardian)


def test_grant_role__admin_at_once__reverts(manager, admin, governed, stranger):
    data = manager.grantRole.encode_input(PAYER, stranger, 0)

    with reverts_with(
        manager.AccessManagerNotScheduled, operationId=manager.hashOperation(admin, manager, data)
    ):
        manager.grantRole(PAYER, stranger, 0, sender=admin)


def test_grant_role__admin_after_delay__grants(manager, admin, governed, stranger, delayed):
    delayed(manager, "grantRole", PAYER, stranger, 0, sender=admin)

    assert tuple(manager.hasRole(PAYER, stranger)) == (True, 0)


@pytest.mark.parametrize(
    "role", ["config", "unpauser", "guardian", "approver", "payer", "deployer", "stranger"]
)
def test_grant_role__anybody_but_admin__reverts(role, manager, governed, actors, stranger):
    with reverts_with(manager.AccessManagerUnauthorizedAccount, msgsender=actors[role], roleId=0):
        manager.grantRole(APPROVER, stranger, 0, sender=actors[role])


def test_update_authority__admin_after_delay__moves_the_vault(
    project, deployer, manager, vault, admin, delayed
):
    successor = deployer.deploy(project.LiqPassAccessManager, deployer)

    tx = delayed(manager, "updateAuthority", vault, successor, sender=admin)

    assert event(vault, "AuthorityUpdated", authority=successor) in events_of(tx)
    assert vault.authority() == successor.address


def test_role_guardian__of_config__is_guardian(manager, governed):
    assert manager.getRoleGuardian(CONFIG) == GUARDIAN
