"""`pause`: no deposits and no new locks; all else goes on. Who may not is in `test_access`."""

import pytest
from insured_payments import (
    BOND,
    LOCK,
    MAX_TIMEOUT_MINUTES,
    PENALTY,
    PRICE,
    REQUEST,
    UNLIMITED,
    Held,
    Notice,
    Standing,
    Status,
)
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def stopped(insurance, guardian, bonded, rich_client):
    """The insurance, paused, for whatever was prepared before."""

    def pause():
        insurance.pause(sender=guardian)
        return insurance

    return pause


def test_pause__guardian__pauses(insurance, guardian):
    tx = insurance.pause(sender=guardian)

    assert events_of(tx) == [event(insurance, "Paused", account=guardian)]
    assert insurance.paused()


def test_unpause__unpauser__locks_go_on(insurance, provider, unpauser, stopped, settle):
    stopped()

    tx = insurance.unpause(sender=unpauser)

    assert events_of(tx) == [event(insurance, "Unpaused", account=unpauser)]
    settle()
    assert insurance.lockedBond(provider) == LOCK


@pytest.mark.parametrize("way", ["allowance", "permit", "authorization"])
def test_pause__deposit__reverts(way, provider, stopped, clock, held):
    insurance = stopped()

    with reverts_with(insurance.EnforcedPause):
        if way == "allowance":
            insurance.depositBond(1, sender=provider)
        elif way == "permit":
            insurance.depositBondWithPermit(1, clock.now, b"", sender=provider)
        else:
            insurance.depositBondWithAuthorization(
                provider, 1, 0, clock.now, b"\0" * 32, b"", sender=provider
            )

    assert held() == Held()


def test_pause__settle__reverts(provider, settler, settlement, stopped, held):
    insurance = stopped()

    with reverts_with(insurance.EnforcedPause):
        insurance.settleAndInsure(*settlement(), sender=settler)

    assert held() == Held()


def test_pause__purchase__reverts(insurance, bonded, client, stopped):
    insurance.approveCoverage(client, UNLIMITED, MAX_TIMEOUT_MINUTES, sender=bonded)
    stopped()

    with reverts_with(insurance.EnforcedPause):
        insurance.purchaseInsurance(REQUEST, bonded, PRICE, 0, sender=client)

    assert insurance.lockedBond(bonded) == 0


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_pause__confirm__goes_on(many, insurance, provider, settle, stopped):
    request = settle()
    stopped()

    if many:
        insurance.confirmServices([request], [b""], sender=provider)
    else:
        insurance.confirmService(request, b"", sender=provider)

    assert insurance.policies(request).status == Status.CONFIRMED


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_pause__claim_and_collect__go_on(many, insurance, client, settle, overdue, stopped, held):
    request = overdue(settle())
    stopped()

    if many:
        insurance.claimMany([request], sender=client)
    else:
        insurance.claimInsurance(request, sender=client)
    insurance.collect(sender=client)

    assert held() == Held(provider=PRICE, treasury=PENALTY, insurance=BOND - LOCK)


def test_pause__refund_withdraw_and_exit__go_on(insurance, provider, settle, stopped, held):
    request = settle()
    stopped()

    insurance.refundService(request, sender=provider)
    insurance.announceExit(sender=provider)
    insurance.withdrawBond(BOND - PRICE, sender=provider)

    assert held() == Held(provider=BOND, insurance=0)
    assert insurance.accounts(provider).standing == Standing.EXITING


@pytest.mark.parametrize("by_its_client", [True, False])
def test_pause__credit__goes_on(
    by_its_client, insurance, usdc, circle, client, relayer, settle, overdue, stopped, held
):
    request = overdue(settle())
    usdc.blacklist(client, sender=circle)
    insurance.claimInsurance(request, sender=relayer)
    usdc.unBlacklist(client, sender=circle)
    stopped()

    if by_its_client:
        insurance.withdrawCredit(client, sender=client)
    else:
        insurance.payCredit(client, sender=relayer)

    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)


def test_pause__stray__goes_back(insurance, usdc, provider, client, config, delayed, stopped, held):
    stopped()
    usdc.transfer(insurance.paymentAddress(provider), PRICE, sender=client)

    delayed(insurance, "returnStray", provider, client, PRICE, sender=config)

    assert held() == Held()


def test_pause__liquidation__goes_on(insurance, provider, set_minimum, config, delayed, clock, stopped):
    set_minimum(BOND + 1)
    stopped()

    delayed(insurance, "announceLiquidation", provider, sender=config)
    assert insurance.accounts(provider).notice == Notice.UNHEALTHY
    clock.travel_to(insurance.accounts(provider).liquidatableAt)
    delayed(insurance, "liquidateProvider", provider, sender=config)

    assert insurance.isLiquidated(provider)
