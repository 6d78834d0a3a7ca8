"""`announceExit` and `cancelExit`: no new locks, and in the end all comes out."""

import pytest
from amounts import USDC
from insured_payments import BOND, LOCK, PENALTY, PRICE, Held, Notice, Standing
from logs import event, events_of
from reverts import reverts_with

MINIMUM = 100 * USDC

pytestmark = pytest.mark.usefixtures("bonded", "rich_client")


def test_announce_exit__active__stops_locks(insurance, provider):
    tx = insurance.announceExit(sender=provider)

    assert events_of(tx) == [event(insurance, "ExitAnnounced", provider=provider)]
    assert insurance.accounts(provider).standing == Standing.EXITING
    assert not insurance.canInsure(provider, PRICE)


def test_announce_exit__nothing_locked__all_comes_out(insurance, provider, set_minimum, held):
    set_minimum(MINIMUM)
    insurance.announceExit(sender=provider)

    insurance.withdrawBond(BOND, sender=provider)

    assert held() == Held(provider=BOND, insurance=0)


def test_announce_exit__locked__minimum_stays(insurance, provider, set_minimum, settle):
    set_minimum(MINIMUM)
    settle()

    insurance.announceExit(sender=provider)

    free = BOND - LOCK - MINIMUM
    assert insurance.withdrawableBond(provider) == free
    with reverts_with(insurance.InsufficientBond, provider=provider, needed=free + 1, available=free):
        insurance.withdrawBond(free + 1, sender=provider)


def test_announce_exit__last_lock_confirmed__all_comes_out(insurance, provider, set_minimum, settle, held):
    set_minimum(MINIMUM)
    commitment = settle()
    insurance.announceExit(sender=provider)
    insurance.confirmService(commitment, b"", sender=provider)

    insurance.withdrawBond(BOND, sender=provider)

    assert held() == Held(client=9_900_000, provider=BOND + PRICE, insurance=0)


def test_announce_exit__last_lock_claimed__the_rest_comes_out(
    insurance, provider, client, set_minimum, settle, overdue, held
):
    set_minimum(MINIMUM)
    commitment = settle()
    insurance.announceExit(sender=provider)
    insurance.claimInsurance(overdue(commitment), sender=client)

    insurance.withdrawBond(BOND - LOCK, sender=provider)

    assert held() == Held(provider=BOND - LOCK + PRICE, insurance=PENALTY)


def test_announce_exit__again__reverts(insurance, provider):
    insurance.announceExit(sender=provider)

    with reverts_with(insurance.NotActive, provider=provider, standing=Standing.EXITING):
        insurance.announceExit(sender=provider)


def test_announce_exit__liquidated__reverts(insurance, provider, config, set_minimum, delayed, clock):
    set_minimum(BOND + 1)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    clock.travel_to(insurance.accounts(provider).liquidatableAt)
    delayed(insurance, "liquidateProvider", provider, sender=config)

    with reverts_with(insurance.NotActive, provider=provider, standing=Standing.LIQUIDATED):
        insurance.announceExit(sender=provider)


def test_cancel_exit__exiting__locks_go_on(insurance, provider, settle):
    insurance.announceExit(sender=provider)

    tx = insurance.cancelExit(sender=provider)

    assert events_of(tx) == [event(insurance, "ExitCancelled", provider=provider)]
    assert insurance.accounts(provider).standing == Standing.ACTIVE
    settle()
    assert insurance.lockedBond(provider) == LOCK


def test_cancel_exit__minimum__is_kept_again(insurance, provider, set_minimum):
    set_minimum(MINIMUM)
    insurance.announceExit(sender=provider)

    insurance.cancelExit(sender=provider)

    assert insurance.withdrawableBond(provider) == BOND - MINIMUM


def test_cancel_exit__active__reverts(insurance, provider):
    with reverts_with(insurance.NotExiting, provider=provider):
        insurance.cancelExit(sender=provider)


def test_cancel_exit__liquidated__reverts(insurance, provider, config, set_minimum, delayed, clock):
    set_minimum(BOND + 1)
    insurance.announceExit(sender=provider)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    clock.travel_to(insurance.accounts(provider).liquidatableAt)
    delayed(insurance, "liquidateProvider", provider, sender=config)

    with reverts_with(insurance.NotExiting, provider=provider):
        insurance.cancelExit(sender=provider)


def test_cancel_exit__announced_for_liquidation__stays_announced(
    insurance, provider, config, set_minimum, delayed
):
    set_minimum(BOND + 1)
    insurance.announceExit(sender=provider)
    delayed(insurance, "announceLiquidation", provider, sender=config)

    insurance.cancelExit(sender=provider)

    assert insurance.accounts(provider).notice == Notice.UNHEALTHY
    assert not insurance.canInsure(provider, PRICE)
