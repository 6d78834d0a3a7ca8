"""`sweep`: everything to the treasury, by PAYER or GUARDIAN."""

import pytest
from amounts import HOT_WALLET_MAX
from logs import event, events_of
from reverts import reverts_with, reverts_with_string


@pytest.mark.parametrize("role", ["payer", "guardian"])
def test_sweep__payer_or_guardian__empties_into_the_treasury(role, filled_vault, usdc, treasury, actors):
    tx = filled_vault.sweep(sender=actors[role])

    assert events_of(tx) == [
        event(filled_vault, "Swept", treasury=treasury, amount=HOT_WALLET_MAX),
        event(usdc, "Transfer", **{"from": filled_vault, "to": treasury, "value": HOT_WALLET_MAX}),
    ]
    assert (usdc.balanceOf(filled_vault), usdc.balanceOf(treasury)) == (0, HOT_WALLET_MAX)


def test_sweep__paused__sweeps(filled_vault, usdc, guardian, payer):
    filled_vault.pause(sender=guardian)

    filled_vault.sweep(sender=payer)

    assert usdc.balanceOf(filled_vault) == 0


def test_sweep__donation_above_the_maximum__goes_too(filled_vault, usdc, circle, treasury, payer):
    usdc.mint(filled_vault, 7, sender=circle)

    filled_vault.sweep(sender=payer)

    assert usdc.balanceOf(treasury) == HOT_WALLET_MAX + 7


def test_sweep__empty__sweeps_nothing(vault, treasury, payer):
    tx = vault.sweep(sender=payer)

    assert events_of(tx)[0] == event(vault, "Swept", treasury=treasury, amount=0)


def test_sweep__approved_batch__stays_approved(vault, guardian, approved_batch):
    vault.sweep(sender=guardian)

    stored = vault.batches(approved_batch.batch_id)
    assert (stored.total, stored.paid, stored.revoked) == (60_000_000, 0, False)


def test_sweep__stranger__reverts(filled_vault, stranger):
    with reverts_with(filled_vault.AccessManagedUnauthorized, caller=stranger):
        filled_vault.sweep(sender=stranger)


def test_sweep__usdc_paused__reverts(filled_vault, usdc, circle, guardian):
    usdc.pause(sender=circle)

    with reverts_with_string("Pausable: paused"):
        filled_vault.sweep(sender=guardian)


def test_sweep__denylisted_treasury__reverts(filled_vault, usdc, circle, treasury, guardian):
    usdc.blacklist(treasury, sender=circle)

    with reverts_with_string("Blacklistable: account is blacklisted"):
        filled_vault.sweep(sender=guardian)


def test_sweep__guardian_through_manager__sweeps(filled_vault, usdc, manager, guardian, treasury):
    manager.execute(filled_vault, filled_vault.sweep.encode_input(), sender=guardian)

    assert usdc.balanceOf(treasury) == HOT_WALLET_MAX


def test_sweep__payer_dismissed__reverts(filled_vault, manager, payer):
    manager.renounceRole(5, payer, sender=payer)

    with reverts_with(filled_vault.AccessManagedUnauthorized, caller=payer):
        filled_vault.sweep(sender=payer)
