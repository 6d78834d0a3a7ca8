"""Global pause: one transaction by GUARDIAN stops both contracts, or none of them."""

import pytest
from governance import selector_of
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def pause_all(manager, checkout, vault):
    """Calls for `multicall`."""
    return [
        manager.execute.encode_input(contract, contract.pause.encode_input())
        for contract in (checkout, vault)
    ]


def test_global_pause__guardian__pauses_both_in_one_transaction(
    manager, checkout, vault, guardian, pause_all
):
    tx = manager.multicall(pause_all, sender=guardian)

    assert events_of(tx) == [
        event(checkout, "Paused", account=manager),
        event(vault, "Paused", account=manager),
    ]
    assert checkout.paused()
    assert vault.paused()


def test_global_pause__one_already_paused__reverts_whole(manager, checkout, vault, guardian, pause_all):
    vault.pause(sender=guardian)

    with reverts_with(vault.EnforcedPause):
        manager.multicall(pause_all, sender=guardian)

    assert not checkout.paused()


@pytest.mark.parametrize("role", ["admin", "config", "unpauser", "approver", "payer", "stranger"])
def test_global_pause__anybody_else__reverts(role, manager, checkout, actors, pause_all):
    with reverts_with(
        manager.AccessManagerUnauthorizedCall,
        caller=actors[role],
        target=checkout,
        selector=selector_of(checkout, "pause"),
    ):
        manager.multicall(pause_all, sender=actors[role])


def test_global_unpause__unpauser__ends_both(manager, checkout, vault, guardian, unpauser, pause_all):
    manager.multicall(pause_all, sender=guardian)
    calls = [
        manager.execute.encode_input(contract, contract.unpause.encode_input())
        for contract in (checkout, vault)
    ]

    manager.multicall(calls, sender=unpauser)

    assert not checkout.paused()
    assert not vault.paused()
