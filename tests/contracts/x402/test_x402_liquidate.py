"""`liquidateProvider`: seven days after the announcement, with nothing locked, to the treasury."""

import pytest
from insured_payments import BOND, IDLE_S, LOCK, NOTICE_S, PENALTY, PRICE, Held, Notice, Standing
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def unhealthy(insurance, bonded, set_minimum, config, delayed):
    """An unhealthy provider whose liquidation was announced just now."""
    set_minimum(BOND + 1)
    delayed(insurance, "announceLiquidation", bonded, sender=config)
    return bonded


@pytest.fixture
def due(insurance, provider):
    """due(): from when on the provider may be liquidated."""
    return lambda: insurance.accounts(provider).liquidatableAt


def test_liquidate__unhealthy__bond_is_the_platforms(
    insurance, usdc, unhealthy, treasury, config, relayer, rich_client, delayed_to, executed, due, held
):
    tx = delayed_to(due(), insurance, "liquidateProvider", unhealthy, sender=config)

    assert events_of(tx) == [
        executed(insurance, "liquidateProvider", unhealthy),
        event(insurance, "ProviderLiquidated", provider=unhealthy, amount=BOND),
    ]
    account = insurance.accounts(unhealthy)
    assert (account.bond, account.locked, account.withdrawable) == (0, 0, 0)
    assert (account.standing, account.notice, account.liquidatableAt) == (
        Standing.LIQUIDATED,
        Notice.NONE,
        0,
    )
    assert insurance.isLiquidated(unhealthy)
    assert not insurance.isProviderHealthy(unhealthy)
    assert insurance.penalties() == insurance.liabilities() == BOND
    insurance.collect(sender=relayer)
    assert held() == Held(treasury=BOND, insurance=0)


def test_liquidate__a_second_early__reverts(insurance, unhealthy, config, delayed_to, due):
    at = due()

    with reverts_with(insurance.NoticeNotOver, provider=unhealthy, liquidatableAt=at):
        delayed_to(at - 1, insurance, "liquidateProvider", unhealthy, sender=config)

    assert insurance.providerBond(unhealthy) == BOND


def test_liquidate__a_second_late__liquidates(insurance, unhealthy, config, delayed_to, due):
    delayed_to(due() + 1, insurance, "liquidateProvider", unhealthy, sender=config)

    assert insurance.isLiquidated(unhealthy)


def test_liquidate__idle__bond_is_the_platforms(insurance, bonded, config, delayed, delayed_to, clock, due):
    clock.travel_to(clock.now + IDLE_S)
    delayed(insurance, "announceLiquidation", bonded, sender=config)

    delayed_to(due(), insurance, "liquidateProvider", bonded, sender=config)

    assert insurance.isLiquidated(bonded)
    assert insurance.penalties() == BOND


def test_liquidate__not_announced__reverts(insurance, bonded, set_minimum, config, delayed):
    set_minimum(BOND + 1)

    with reverts_with(insurance.NotAnnounced, provider=bonded):
        delayed(insurance, "liquidateProvider", bonded, sender=config)


def test_liquidate__called_off__reverts(insurance, unhealthy, config, delayed, clock):
    delayed(insurance, "callOffLiquidation", unhealthy, sender=config)
    clock.travel_to(clock.now + NOTICE_S)

    with reverts_with(insurance.NotAnnounced, provider=unhealthy):
        delayed(insurance, "liquidateProvider", unhealthy, sender=config)


def test_liquidate__topped_up__reverts(insurance, unhealthy, config, deposit, delayed_to, due):
    at = due()
    deposit(unhealthy, 1)

    with reverts_with(insurance.NotAnnounced, provider=unhealthy):
        delayed_to(at, insurance, "liquidateProvider", unhealthy, sender=config)


def test_liquidate__announced_anew__notice_begins_anew(
    insurance, unhealthy, config, delayed, delayed_to, due
):
    delayed(insurance, "callOffLiquidation", unhealthy, sender=config)
    again = delayed(insurance, "announceLiquidation", unhealthy, sender=config)

    at = again.timestamp + NOTICE_S
    assert due() == at
    with reverts_with(insurance.NoticeNotOver, provider=unhealthy, liquidatableAt=at):
        delayed_to(at - 1, insurance, "liquidateProvider", unhealthy, sender=config)


def test_liquidate__lock_open_still__reverts_until_it_is_claimed(
    insurance, manager, bonded, client, set_minimum, settle, config, delayed, delayed_to, due, held
):
    set_minimum(BOND)
    request = settle(timeout_minutes=10_080)
    delayed(insurance, "announceLiquidation", bonded, sender=config)
    at = due()

    with reverts_with(insurance.BondLocked, provider=bonded, locked=LOCK):
        delayed_to(at, insurance, "liquidateProvider", bonded, sender=config)

    insurance.claimInsurance(request, sender=client)
    manager.execute(insurance, insurance.liquidateProvider.encode_input(bonded), sender=config)
    assert insurance.penalties() == PENALTY + BOND - LOCK
    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)


def test_liquidate__all_withdrawn_meanwhile__takes_nothing(
    insurance, unhealthy, config, delayed_to, due, rich_client, held
):
    at = due()
    insurance.withdrawBond(BOND, sender=unhealthy)

    tx = delayed_to(at, insurance, "liquidateProvider", unhealthy, sender=config)

    assert events_of(tx)[1:] == [event(insurance, "ProviderLiquidated", provider=unhealthy, amount=0)]
    assert held() == Held(provider=BOND, insurance=0)


def test_liquidate__again__reverts(insurance, unhealthy, config, delayed, delayed_to, due):
    delayed_to(due(), insurance, "liquidateProvider", unhealthy, sender=config)

    with reverts_with(insurance.NotAnnounced, provider=unhealthy):
        delayed(insurance, "liquidateProvider", unhealthy, sender=config)


def test_liquidate__one__touches_no_other(
    insurance, unhealthy, other_provider, deposit, config, delayed_to, due
):
    deposit(other_provider, 7)

    delayed_to(due(), insurance, "liquidateProvider", unhealthy, sender=config)

    assert insurance.providerBond(other_provider) == 7
    assert insurance.liabilities() == BOND + 7
