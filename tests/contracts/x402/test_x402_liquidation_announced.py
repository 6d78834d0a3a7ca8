"""`announceLiquidation` and `callOffLiquidation`: of whom, when, and what follows."""

import pytest
from insured_payments import BOND, IDLE_S, LOCK, NOTICE_S, PRICE, Notice, Standing
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def unhealthy(set_minimum, bonded):
    """A provider whose minimum was raised above its bond, by 1."""
    set_minimum(BOND + 1)
    return bonded


def test_announce__unhealthy__told_and_stops_locks(insurance, unhealthy, config, delayed, executed):
    tx = delayed(insurance, "announceLiquidation", unhealthy, sender=config)

    assert events_of(tx) == [
        executed(insurance, "announceLiquidation", unhealthy),
        event(
            insurance,
            "LiquidationAnnounced",
            provider=unhealthy,
            notice=Notice.UNHEALTHY,
            liquidatableAt=tx.timestamp + NOTICE_S,
        ),
    ]
    account = insurance.accounts(unhealthy)
    assert (account.standing, account.notice, account.liquidatableAt) == (
        Standing.ACTIVE,
        Notice.UNHEALTHY,
        tx.timestamp + NOTICE_S,
    )
    assert account.withdrawable == account.bond == BOND
    assert not insurance.canInsure(unhealthy, PRICE)


def test_announce__healthy_by_exactly_its_minimum__reverts(
    insurance, provider, set_minimum, config, delayed, bonded
):
    set_minimum(BOND)

    with reverts_with(insurance.NotLiquidatable, provider=provider):
        delayed(insurance, "announceLiquidation", provider, sender=config)


@pytest.mark.parametrize("early_s", [0, 1])
def test_announce__until_the_end_of_the_idle_period__reverts(
    early_s, insurance, provider, settle, config, clock, delayed_to
):
    settle()
    end = insurance.accounts(provider).lastLockAt + IDLE_S

    with reverts_with(insurance.NotLiquidatable, provider=provider):
        delayed_to(end - early_s, insurance, "announceLiquidation", provider, sender=config)


def test_announce__a_second_after_the_idle_period__is_idle(
    insurance, provider, settle, config, delayed_to, executed
):
    settle()
    end = insurance.accounts(provider).lastLockAt + IDLE_S

    tx = delayed_to(end + 1, insurance, "announceLiquidation", provider, sender=config)

    assert events_of(tx) == [
        executed(insurance, "announceLiquidation", provider),
        event(
            insurance,
            "LiquidationAnnounced",
            provider=provider,
            notice=Notice.IDLE,
            liquidatableAt=end + 1 + NOTICE_S,
        ),
    ]


def test_announce__never_locked__idle_period_runs_from_the_deposit(
    insurance, bonded, config, delayed_to, clock
):
    deposited_at = insurance.accounts(bonded).lastLockAt

    with reverts_with(insurance.NotLiquidatable, provider=bonded):
        delayed_to(deposited_at + IDLE_S, insurance, "announceLiquidation", bonded, sender=config)


def test_announce__without_a_bond__reverts(insurance, stranger, config, delayed):
    with reverts_with(insurance.NotLiquidatable, provider=stranger):
        delayed(insurance, "announceLiquidation", stranger, sender=config)


def test_announce__again__reverts(insurance, unhealthy, config, delayed):
    tx = delayed(insurance, "announceLiquidation", unhealthy, sender=config)

    with reverts_with(insurance.AlreadyAnnounced, provider=unhealthy, liquidatableAt=tx.timestamp + NOTICE_S):
        delayed(insurance, "announceLiquidation", unhealthy, sender=config)


def test_announce__liquidated__reverts(insurance, unhealthy, config, delayed, clock):
    delayed(insurance, "announceLiquidation", unhealthy, sender=config)
    clock.travel_to(clock.now + NOTICE_S)
    delayed(insurance, "liquidateProvider", unhealthy, sender=config)

    with reverts_with(insurance.NotActive, provider=unhealthy, standing=Standing.LIQUIDATED):
        delayed(insurance, "announceLiquidation", unhealthy, sender=config)


def test_announce__idle__deposit_does_not_end_it(insurance, bonded, config, delayed, deposit, clock):
    clock.travel_to(clock.now + IDLE_S)
    delayed(insurance, "announceLiquidation", bonded, sender=config)

    deposit(bonded, BOND)

    account = insurance.accounts(bonded)
    assert (account.notice, account.withdrawable) == (Notice.IDLE, 2 * BOND)


def test_call_off__announced__locks_go_on(insurance, bonded, config, delayed, executed, clock, settle):
    clock.travel_to(clock.now + IDLE_S)
    delayed(insurance, "announceLiquidation", bonded, sender=config)

    tx = delayed(insurance, "callOffLiquidation", bonded, sender=config)

    assert events_of(tx) == [
        executed(insurance, "callOffLiquidation", bonded),
        event(insurance, "LiquidationCalledOff", provider=bonded),
    ]
    account = insurance.accounts(bonded)
    assert (account.notice, account.liquidatableAt) == (Notice.NONE, 0)
    settle()
    assert insurance.lockedBond(bonded) == LOCK


def test_call_off__unhealthy_still__ends_the_announcement(insurance, unhealthy, config, delayed):
    delayed(insurance, "announceLiquidation", unhealthy, sender=config)

    delayed(insurance, "callOffLiquidation", unhealthy, sender=config)

    assert insurance.accounts(unhealthy).notice == Notice.NONE
    assert insurance.withdrawableBond(unhealthy) == 0


def test_call_off__not_announced__reverts(insurance, bonded, config, delayed):
    with reverts_with(insurance.NotAnnounced, provider=bonded):
        delayed(insurance, "callOffLiquidation", bonded, sender=config)
