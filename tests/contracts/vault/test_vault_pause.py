"""`pause` and `unpause` of the vault; what stops is in each verb's own tests."""

from logs import event, events_of
from reverts import reverts_with


def test_pause__guardian__pauses(vault, guardian):
    tx = vault.pause(sender=guardian)

    assert events_of(tx) == [event(vault, "Paused", account=guardian)]
    assert vault.paused()


def test_pause__paused__reverts(vault, guardian):
    vault.pause(sender=guardian)

    with reverts_with(vault.EnforcedPause):
        vault.pause(sender=guardian)


def test_unpause__unpauser__payouts_go_on(vault, guardian, unpauser, payer, approved_batch):
    vault.pause(sender=guardian)

    tx = vault.unpause(sender=unpauser)

    assert events_of(tx) == [event(vault, "Unpaused", account=unpauser)]
    vault.executeBatch(*approved_batch.execution(), sender=payer)
    assert vault.isPaid(1)


def test_unpause__not_paused__reverts(vault, unpauser):
    with reverts_with(vault.ExpectedPause):
        vault.unpause(sender=unpauser)
