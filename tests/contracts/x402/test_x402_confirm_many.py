"""`confirmServices`: many at once; what is over already keeps no other from being confirmed."""

import pytest
from insured_payments import LOCK, PRICE, Status
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def requests(settle):
    """Three settled payments with the same deadline, give or take some seconds."""
    return [settle(nonce=bytes([index]) * 32) for index in (1, 2, 3)]


def confirmed(insurance, provider, commitment):
    return event(insurance, "ServiceConfirmed", commitment=commitment, provider=provider, unlocked=LOCK)


def test_confirm_services__provider__unlocks_all(insurance, provider, requests):
    tx = insurance.confirmServices(requests, [b""] * 3, sender=provider)

    assert events_of(tx) == [confirmed(insurance, provider, request) for request in requests]
    assert insurance.lockedBond(provider) == 0
    assert {insurance.policies(request).status for request in requests} == {Status.CONFIRMED}


def test_confirm_services__a_signature_each__unlocks_all(
    insurance, provider, delivery, relayer, requests, confirmation
):
    signatures = [
        confirmation(request, key_of=key)
        for request, key in zip(requests, (provider, delivery, provider), strict=True)
    ]

    insurance.confirmServices(requests, signatures, sender=relayer)

    assert insurance.lockedBond(provider) == 0


def test_confirm_services__of_two_providers__each_by_its_own_signature(
    insurance, provider, other_provider, client, relayer, requests, confirmation, deposit
):
    deposit(other_provider, LOCK)
    insurance.approveCoverage(client, PRICE, 60, sender=other_provider)
    other = b"\x02" * 32
    insurance.purchaseInsurance(other, other_provider, PRICE, 0, sender=client)

    insurance.confirmServices(
        [requests[0], other],
        [confirmation(requests[0]), confirmation(other, key_of=other_provider)],
        sender=relayer,
    )

    assert (insurance.lockedBond(provider), insurance.lockedBond(other_provider)) == (2 * LOCK, 0)


def test_confirm_services__none__does_nothing(insurance, provider, requests):
    tx = insurance.confirmServices([], [], sender=provider)

    assert events_of(tx) == []
    assert insurance.lockedBond(provider) == 3 * LOCK


def test_confirm_services__refunded_claimed_unknown_and_twice__skipped(
    insurance, provider, client, settle, overdue
):
    claimed = settle(nonce=b"\x01" * 32, timeout_minutes=1)
    insurance.claimInsurance(overdue(claimed), sender=client)
    refunded = settle(nonce=b"\x02" * 32)
    insurance.refundService(refunded, sender=provider)
    good = settle(nonce=b"\x03" * 32)
    batch = [claimed, refunded, b"\x09" * 32, good, good]

    tx = insurance.confirmServices(batch, [b""] * 5, sender=provider)

    assert events_of(tx) == [confirmed(insurance, provider, good)]
    assert insurance.policies(claimed).status == Status.CLAIMED
    assert insurance.policies(refunded).status == Status.REFUNDED
    assert insurance.policies(b"\x09" * 32).status == Status.NONE
    assert insurance.lockedBond(provider) == 0


def test_confirm_services__at_the_deadline_of_one__it_is_confirmed(
    insurance, provider, requests, clock, deadline_of
):
    clock.next_block_at(deadline_of(requests[0]))

    insurance.confirmServices(requests, [b""] * 3, sender=provider)

    assert insurance.policies(requests[0]).status == Status.CONFIRMED


def test_confirm_services__one_overdue__the_others_are_confirmed(
    insurance, provider, settle, clock, deadline_of
):
    short = settle(nonce=b"\x01" * 32, timeout_minutes=1)
    long = settle(nonce=b"\x02" * 32, timeout_minutes=2)
    clock.next_block_at(deadline_of(short) + 1)

    tx = insurance.confirmServices([short, long], [b"", b""], sender=provider)

    assert events_of(tx) == [confirmed(insurance, provider, long)]
    assert insurance.policies(short).status == Status.OPEN
    assert insurance.lockedBond(provider) == LOCK


def test_confirm_services__one_wrong_signature__reverts_all(
    insurance, provider, stranger, relayer, requests, confirmation
):
    signatures = [confirmation(requests[0]), confirmation(requests[1], key_of=stranger), b""]

    with reverts_with(insurance.InvalidConfirmation, commitment=requests[1], provider=provider):
        insurance.confirmServices(requests, signatures, sender=relayer)

    assert insurance.lockedBond(provider) == 3 * LOCK


def test_confirm_services__signatures_in_another_order__reverts(
    insurance, provider, relayer, requests, confirmation
):
    signatures = [confirmation(request) for request in reversed(requests)]

    with reverts_with(insurance.InvalidConfirmation, commitment=requests[0], provider=provider):
        insurance.confirmServices(requests, signatures, sender=relayer)


@pytest.mark.parametrize("signatures", [2, 4])
def test_confirm_services__another_number_of_signatures__reverts(signatures, insurance, provider, requests):
    with reverts_with(insurance.LengthMismatch, commitments=3, signatures=signatures):
        insurance.confirmServices(requests, [b""] * signatures, sender=provider)
