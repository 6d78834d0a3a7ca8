"""`fund`: from anybody, up to `hotWalletMax` in all."""

import pytest
from amounts import HOT_WALLET_MAX
from logs import event, events_of
from reverts import reverts_with, reverts_with_string

UINT96_MAX = 2**96 - 1


@pytest.fixture
def rich_stranger(stranger, usdc, vault, mint):
    mint(stranger, 2 * HOT_WALLET_MAX)
    usdc.approve(vault, 2 * HOT_WALLET_MAX, sender=stranger)
    return stranger


def test_fund__anybody__fills_the_vault(vault, usdc, rich_stranger):
    tx = vault.fund(100, sender=rich_stranger)

    assert events_of(tx) == [
        event(vault, "Funded", **{"from": rich_stranger, "amount": 100}),
        event(usdc, "Transfer", **{"from": rich_stranger, "to": vault, "value": 100}),
    ]
    assert usdc.balanceOf(vault) == 100
    assert usdc.balanceOf(rich_stranger) == 2 * HOT_WALLET_MAX - 100


def test_fund__exactly_to_the_maximum__takes_it(vault, usdc, rich_stranger):
    vault.fund(1, sender=rich_stranger)

    vault.fund(HOT_WALLET_MAX - 1, sender=rich_stranger)

    assert usdc.balanceOf(vault) == HOT_WALLET_MAX


def test_fund__one_above_the_maximum__reverts(vault, usdc, rich_stranger):
    vault.fund(1, sender=rich_stranger)

    with reverts_with(vault.AboveHotWalletMax, balance=HOT_WALLET_MAX + 1, hotWalletMax=HOT_WALLET_MAX):
        vault.fund(HOT_WALLET_MAX, sender=rich_stranger)

    assert usdc.balanceOf(vault) == 1


def test_fund__largest_amount__reverts_without_overflow(vault, rich_stranger):
    vault.fund(1, sender=rich_stranger)

    with reverts_with(vault.AboveHotWalletMax, balance=UINT96_MAX + 1, hotWalletMax=HOT_WALLET_MAX):
        vault.fund(UINT96_MAX, sender=rich_stranger)


def test_fund__donation_already_above_the_maximum__reverts(vault, circle, usdc, rich_stranger):
    usdc.mint(vault, HOT_WALLET_MAX + 5, sender=circle)

    with reverts_with(vault.AboveHotWalletMax, balance=HOT_WALLET_MAX + 6, hotWalletMax=HOT_WALLET_MAX):
        vault.fund(1, sender=rich_stranger)


def test_fund__no_allowance__reverts(vault, funder, mint):
    mint(funder, 100)

    with reverts_with_string("ERC20: transfer amount exceeds allowance"):
        vault.fund(100, sender=funder)


def test_fund__balance_short__reverts(vault, usdc, funder):
    usdc.approve(vault, 100, sender=funder)

    with reverts_with_string("ERC20: transfer amount exceeds balance"):
        vault.fund(100, sender=funder)


def test_fund__usdc_paused__reverts(vault, usdc, circle, rich_stranger):
    usdc.pause(sender=circle)

    with reverts_with_string("Pausable: paused"):
        vault.fund(100, sender=rich_stranger)


def test_fund__paused__reverts(vault, guardian, rich_stranger):
    vault.pause(sender=guardian)

    with reverts_with(vault.EnforcedPause):
        vault.fund(100, sender=rich_stranger)
