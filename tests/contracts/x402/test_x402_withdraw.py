"""`withdrawBond`: all but what is locked and the minimum."""

import pytest
from amounts import USDC
from insured_payments import BOND, LOCK, PRICE, Held, Notice
from logs import event, events_of
from reverts import reverts_with, reverts_with_string

MINIMUM = 100 * USDC

pytestmark = pytest.mark.usefixtures("bonded", "rich_client")


def test_withdraw__part__comes_back(insurance, usdc, provider, held):
    tx = insurance.withdrawBond(400 * USDC, sender=provider)

    assert events_of(tx) == [
        event(insurance, "BondWithdrawn", provider=provider, amount=400 * USDC, totalBond=600 * USDC),
        event(usdc, "Transfer", **{"from": insurance, "to": provider, "value": 400 * USDC}),
    ]
    assert held() == Held(provider=400 * USDC, insurance=600 * USDC)
    assert insurance.providerBond(provider) == insurance.liabilities() == 600 * USDC


def test_withdraw__all_without_minimum__comes_back(insurance, provider, held):
    insurance.withdrawBond(BOND, sender=provider)

    assert held() == Held(provider=BOND, insurance=0)
    assert insurance.liabilities() == 0


def test_withdraw__nothing__reverts(insurance, provider):
    with reverts_with(insurance.ZeroAmount):
        insurance.withdrawBond(0, sender=provider)


def test_withdraw__without_a_bond__reverts(insurance, stranger):
    with reverts_with(insurance.InsufficientBond, provider=stranger, needed=1, available=0):
        insurance.withdrawBond(1, sender=stranger)


def test_withdraw__all_but_the_locked__comes_back(insurance, provider, settle, held):
    settle()

    insurance.withdrawBond(BOND - LOCK, sender=provider)

    assert held() == Held(client=9_900_000, provider=BOND - LOCK + PRICE, insurance=LOCK)


def test_withdraw__into_the_locked__reverts(insurance, provider, settle):
    settle()

    with reverts_with(
        insurance.InsufficientBond, provider=provider, needed=BOND - LOCK + 1, available=BOND - LOCK
    ):
        insurance.withdrawBond(BOND - LOCK + 1, sender=provider)


def test_withdraw__down_to_the_minimum__comes_back(insurance, provider, set_minimum, held):
    set_minimum(MINIMUM)

    insurance.withdrawBond(BOND - MINIMUM, sender=provider)

    assert held() == Held(provider=BOND - MINIMUM, insurance=MINIMUM)
    assert insurance.isProviderHealthy(provider)


def test_withdraw__into_the_minimum__reverts(insurance, provider, set_minimum):
    set_minimum(MINIMUM)

    with reverts_with(
        insurance.InsufficientBond,
        provider=provider,
        needed=BOND - MINIMUM + 1,
        available=BOND - MINIMUM,
    ):
        insurance.withdrawBond(BOND - MINIMUM + 1, sender=provider)


def test_withdraw__unhealthy__reverts(insurance, provider, set_minimum):
    set_minimum(BOND + 1)

    with reverts_with(insurance.InsufficientBond, provider=provider, needed=1, available=0):
        insurance.withdrawBond(1, sender=provider)


def test_withdraw__announced_for_liquidation__minimum_is_free(
    insurance, provider, set_minimum, settle, config, delayed, held
):
    commitment = settle(timeout_minutes=10_080)
    insurance.withdrawBond(BOND - LOCK - MINIMUM, sender=provider)
    set_minimum(MINIMUM + 1)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    assert insurance.accounts(provider).notice == Notice.UNHEALTHY

    insurance.withdrawBond(MINIMUM, sender=provider)

    assert held() == Held(client=9_900_000, provider=BOND - LOCK + PRICE, insurance=LOCK)
    insurance.claimInsurance(commitment, sender=provider)
    assert held() == Held(provider=BOND - LOCK + PRICE, insurance=LOCK - PRICE)


def test_withdraw__denylisted__reverts_and_stays_bond(insurance, usdc, circle, provider, held):
    usdc.blacklist(provider, sender=circle)

    with reverts_with_string("Blacklistable: account is blacklisted"):
        insurance.withdrawBond(BOND, sender=provider)

    assert held() == Held()
    assert insurance.providerBond(provider) == BOND


def test_withdraw__usdc_paused__reverts_and_stays_bond(insurance, usdc, circle, provider, held):
    usdc.pause(sender=circle)

    with reverts_with_string("Pausable: paused"):
        insurance.withdrawBond(BOND, sender=provider)

    assert held() == Held()
    assert insurance.providerBond(provider) == BOND
