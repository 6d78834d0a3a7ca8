"""`pause` and `unpause` of Checkout; who may not is in `test_access`."""

from logs import event, events_of
from reverts import reverts_with


def test_pause__guardian__pauses(checkout, guardian):
    tx = checkout.pause(sender=guardian)

    assert events_of(tx) == [event(checkout, "Paused", account=guardian)]
    assert checkout.paused()


def test_pause__paused__reverts(checkout, guardian):
    checkout.pause(sender=guardian)

    with reverts_with(checkout.EnforcedPause):
        checkout.pause(sender=guardian)


def test_unpause__unpauser__payments_go_on(checkout, usdc, guardian, unpauser, rich_buyer, terms, balances):
    usdc.approve(checkout, terms.amount, sender=rich_buyer)
    checkout.pause(sender=guardian)

    tx = checkout.unpause(sender=unpauser)

    assert events_of(tx) == [event(checkout, "Unpaused", account=unpauser)]
    assert not checkout.paused()
    checkout.pay(*terms, sender=rich_buyer)
    assert balances(rich_buyer) == (9_000_000, 0)


def test_unpause__not_paused__reverts(checkout, unpauser):
    with reverts_with(checkout.ExpectedPause):
        checkout.unpause(sender=unpauser)
