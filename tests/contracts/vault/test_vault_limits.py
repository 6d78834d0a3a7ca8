"""Setters of the daily cap and of the hot wallet's maximum: raising waits 48 hours, lowering does not."""

import pytest
from amounts import DAILY_CAP, HOT_WALLET_MAX
from logs import event, events_of
from reverts import reverts_with

UINT96_MAX = 2**96 - 1
LIMITS = [
    ("setDailyCap", "lowerDailyCap", "dailyCap", "DailyCapSet", DAILY_CAP),
    ("setHotWalletMax", "lowerHotWalletMax", "hotWalletMax", "HotWalletMaxSet", HOT_WALLET_MAX),
]
over_limits = pytest.mark.parametrize(("setter", "lowerer", "getter", "told", "initial"), LIMITS)


@over_limits
@pytest.mark.parametrize("value", [0, 1, UINT96_MAX])
def test_set__config_after_delay__changes_the_limit(
    setter, lowerer, getter, told, initial, value, vault, config, delayed
):
    tx = delayed(vault, setter, value, sender=config)

    assert events_of(tx)[1:] == [event(vault, told, **{getter: value})]
    assert getattr(vault, getter)() == value


@over_limits
@pytest.mark.parametrize("drop", [1, None])
def test_lower__guardian__changes_the_limit_at_once(
    setter, lowerer, getter, told, initial, drop, vault, guardian
):
    value = initial - drop if drop else 0

    tx = getattr(vault, lowerer)(value, sender=guardian)

    assert events_of(tx) == [event(vault, told, **{getter: value})]
    assert getattr(vault, getter)() == value


@over_limits
@pytest.mark.parametrize("rise", [0, 1])
def test_lower__not_lower__reverts(setter, lowerer, getter, told, initial, rise, vault, guardian):
    with reverts_with(vault.NotLower, value=initial + rise, current=initial):
        getattr(vault, lowerer)(initial + rise, sender=guardian)


def test_lower_daily_cap__below_what_is_paid_today__leaves_nothing(vault, payer, guardian, approved_batch):
    vault.executeBatch(*approved_batch.execution([1]), sender=payer)

    vault.lowerDailyCap(20_000_000 - 1, sender=guardian)

    assert vault.remainingToday() == 0
    with reverts_with(vault.AboveDailyCap, amount=10_000_000, remaining=0):
        vault.executeBatch(*approved_batch.execution([0]), sender=payer)


def test_lower_daily_cap__above_what_is_paid_today__counts_it(vault, payer, guardian, approved_batch):
    vault.executeBatch(*approved_batch.execution([1]), sender=payer)

    vault.lowerDailyCap(29_000_000, sender=guardian)

    assert vault.remainingToday() == 9_000_000


def test_lower_hot_wallet_max__below_the_balance__stops_funding_only(
    vault, usdc, payer, guardian, recipients, approved_batch
):
    vault.lowerHotWalletMax(0, sender=guardian)

    vault.executeBatch(*approved_batch.execution([0]), sender=payer)

    assert usdc.balanceOf(recipients[0]) == 10_000_000
