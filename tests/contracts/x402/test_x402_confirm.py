"""`confirmService`: by whom, until when, and what it frees."""

import pytest
from insured_payments import BOND, LOCK, PRICE, Held, Notice, Status
from logs import event, events_of
from reverts import reverts_with


def confirmed(insurance, provider, commitment):
    """The event of one confirmation."""
    return event(insurance, "ServiceConfirmed", commitment=commitment, provider=provider, unlocked=LOCK)


@pytest.fixture
def request_(settle):
    """A settled payment that waits for its service."""
    return settle()


def test_confirm__provider_itself__unlocks_all(insurance, provider, request_, held):
    tx = insurance.confirmService(request_, b"", sender=provider)

    assert events_of(tx) == [confirmed(insurance, provider, request_)]
    assert insurance.policies(request_).status == Status.CONFIRMED
    assert insurance.lockedBond(provider) == 0
    assert insurance.providerBond(provider) == insurance.liabilities() == BOND
    assert held() == Held(client=9_900_000, provider=PRICE)


def test_confirm__delivery_key_itself__unlocks(insurance, provider, delivery, request_):
    tx = insurance.confirmService(request_, b"", sender=delivery)

    assert events_of(tx) == [confirmed(insurance, provider, request_)]
    assert insurance.lockedBond(provider) == 0


@pytest.mark.parametrize("signer", ["provider", "delivery"])
def test_confirm__signed__unlocks_whoever_sends_it(
    signer, insurance, actors, provider, relayer, request_, confirmation
):
    signature = confirmation(request_, key_of=actors[signer])

    tx = insurance.confirmService(request_, signature, sender=relayer)

    assert events_of(tx) == [confirmed(insurance, provider, request_)]
    assert insurance.lockedBond(provider) == 0


@pytest.mark.parametrize("who", ["settler", "client", "stranger", "config", "treasury"])
@pytest.mark.parametrize("signed", [False, True], ids=["sent", "signed"])
def test_confirm__anybody_else__reverts(
    signed, who, insurance, actors, provider, relayer, request_, confirmation
):
    signature = confirmation(request_, key_of=actors[who]) if signed else b""

    with reverts_with(insurance.InvalidConfirmation, commitment=request_, provider=provider):
        insurance.confirmService(request_, signature, sender=relayer if signed else actors[who])

    assert insurance.lockedBond(provider) == LOCK


def test_confirm__wrong_signature_sent_by_the_provider__reverts(
    insurance, provider, stranger, request_, confirmation
):
    signature = confirmation(request_, key_of=stranger)

    with reverts_with(insurance.InvalidConfirmation, commitment=request_, provider=provider):
        insurance.confirmService(request_, signature, sender=provider)


@pytest.mark.parametrize(
    "mangle",
    [lambda s: s[:-1], lambda s: s + b"\0", lambda s: s[:64] + bytes([s[64] ^ 7]), lambda s: b"\0" * 65],
    ids=["short", "long", "other v", "zeros"],
)
def test_confirm__malformed_signature__reverts(mangle, insurance, provider, relayer, request_, confirmation):
    with reverts_with(insurance.InvalidConfirmation, commitment=request_, provider=provider):
        insurance.confirmService(request_, mangle(confirmation(request_)), sender=relayer)


def test_confirm__high_s__reverts(insurance, provider, relayer, request_, confirmation):
    signature = confirmation(request_)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    s = order - int.from_bytes(signature[32:64], "big")
    twin = signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])

    with reverts_with(insurance.InvalidConfirmation, commitment=request_, provider=provider):
        insurance.confirmService(request_, twin, sender=relayer)


def test_confirm__without_delivery_key__zeros_are_no_signature(insurance, provider, relayer, request_):
    insurance.setDeliveryKey("0x" + "00" * 20, sender=provider)

    with reverts_with(insurance.InvalidConfirmation, commitment=request_, provider=provider):
        insurance.confirmService(request_, b"\0" * 65, sender=relayer)


def test_confirm__signed_for_another_contract__reverts(
    project, deployer, insurance, usdc, treasury, manager, provider, relayer, request_, confirmation
):
    other = deployer.deploy(project.X402InsuranceV2, usdc, treasury, manager, 200, 5)
    signature = confirmation(request_, on=other)

    with reverts_with(insurance.InvalidConfirmation, commitment=request_, provider=provider):
        insurance.confirmService(request_, signature, sender=relayer)


def test_confirm__at_the_deadline__unlocks(insurance, provider, request_, clock, deadline_of):
    clock.next_block_at(deadline_of(request_))

    insurance.confirmService(request_, b"", sender=provider)

    assert insurance.policies(request_).status == Status.CONFIRMED


def test_confirm__a_second_later__reverts(insurance, provider, request_, clock, deadline_of):
    deadline = deadline_of(request_)
    clock.next_block_at(deadline + 1)

    with reverts_with(insurance.DeadlinePassed, commitment=request_, deadline=deadline):
        insurance.confirmService(request_, b"", sender=provider)

    assert insurance.lockedBond(provider) == LOCK


def test_confirm__unknown__reverts(insurance, bonded):
    with reverts_with(insurance.NotOpen, commitment=b"\x09" * 32, status=Status.NONE):
        insurance.confirmService(b"\x09" * 32, b"", sender=bonded)


def test_confirm__purchased__unlocks(insurance, provider, cover):
    commitment = cover()

    tx = insurance.confirmService(commitment, b"", sender=provider)

    assert events_of(tx) == [confirmed(insurance, provider, commitment)]
    assert insurance.lockedBond(provider) == 0


def test_confirm__announced_for_liquidation__ends_the_announcement(
    insurance, provider, cover, config, delayed, clock
):
    # 7 days of time-out do not outlast the delays of a minimum and an announcement; the minimum comes first.
    delayed(insurance, "setMinProviderBond", provider, BOND, sender=config)
    clock.travel_to(insurance.accounts(provider).nextMinimumAt)
    commitment = cover(timeout_minutes=10_080)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    assert insurance.accounts(provider).notice == Notice.UNHEALTHY

    tx = insurance.confirmService(commitment, b"", sender=provider)

    assert events_of(tx) == [
        event(insurance, "LiquidationCalledOff", provider=provider),
        confirmed(insurance, provider, commitment),
    ]
    assert insurance.accounts(provider).notice == Notice.NONE


def test_set_delivery_key__provider__told_and_stored(insurance, bonded, stranger):
    tx = insurance.setDeliveryKey(stranger, sender=bonded)

    assert events_of(tx) == [event(insurance, "DeliveryKeySet", provider=bonded, deliveryKey=stranger)]
    assert insurance.deliveryKey(bonded) == stranger.address


def test_set_delivery_key__replaced__the_last_one_confirms_no_more(
    insurance, provider, delivery, stranger, request_
):
    insurance.setDeliveryKey(stranger, sender=provider)

    with reverts_with(insurance.InvalidConfirmation, commitment=request_, provider=provider):
        insurance.confirmService(request_, b"", sender=delivery)
