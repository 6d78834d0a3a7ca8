"""Ends of a lock: each once, in time, by whom it concerns."""

import pytest
from insured_payments import (
    BOND,
    LOCK,
    MAX_TIMEOUT_MINUTES,
    NONCE,
    PENALTY,
    PRICE,
    REQUEST,
    UNLIMITED,
    Held,
    Status,
    settlement_commitment,
)
from reverts import reverts_with

UNKNOWN = b"\x09" * 32


@pytest.fixture
def squatter(insurance, other_provider, deposit):
    """A provider that approved itself as its own client."""
    deposit(other_provider, LOCK)
    insurance.approveCoverage(other_provider, UNLIMITED, MAX_TIMEOUT_MINUTES, sender=other_provider)
    return other_provider


def test_attack_confirm_after_the_deadline__claim_is_paid_still(
    insurance, provider, client, settle, overdue, confirmation, deadline_of, held
):
    request = overdue(settle())

    with reverts_with(insurance.DeadlinePassed, commitment=request, deadline=deadline_of(request)):
        insurance.confirmService(request, confirmation(request), sender=provider)

    insurance.confirmServices([request], [confirmation(request)], sender=provider)
    insurance.claimInsurance(request, sender=client)
    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)


def test_attack_confirm_somebody_elses_policy__another_provider__reverts(
    insurance, provider, squatter, settle, confirmation
):
    request = settle()

    with reverts_with(insurance.InvalidConfirmation, commitment=request, provider=provider):
        insurance.confirmService(request, b"", sender=squatter)
    with reverts_with(insurance.InvalidConfirmation, commitment=request, provider=provider):
        insurance.confirmService(request, confirmation(request, key_of=squatter), sender=squatter)

    assert insurance.lockedBond(provider) == LOCK


def test_attack_confirm_somebody_elses_policy__key_of_another_provider__reverts(
    insurance, provider, squatter, relayer, settle
):
    request = settle()
    insurance.setDeliveryKey(relayer, sender=squatter)

    with reverts_with(insurance.InvalidConfirmation, commitment=request, provider=provider):
        insurance.confirmService(request, b"", sender=relayer)


def test_attack_confirm_with_the_signature_for_another_request__reverts(
    insurance, provider, relayer, settle, confirmation
):
    first, second = settle(nonce=b"\x01" * 32), settle(nonce=b"\x02" * 32)

    with reverts_with(insurance.InvalidConfirmation, commitment=second, provider=provider):
        insurance.confirmService(second, confirmation(first), sender=relayer)


def test_attack_squatting_a_commitment__victim_spends_nothing_and_takes_another(
    insurance, bonded, client, squatter
):
    insurance.approveCoverage(client, PRICE, MAX_TIMEOUT_MINUTES, sender=bonded)
    insurance.purchaseInsurance(REQUEST, squatter, PRICE, 1, sender=squatter)

    with reverts_with(insurance.CommitmentUsed, commitment=REQUEST, status=Status.OPEN):
        insurance.purchaseInsurance(REQUEST, bonded, PRICE, 0, sender=client)

    assert insurance.coverage(bonded, client).amount == PRICE
    assert (insurance.lockedBond(bonded), insurance.lockedBond(squatter)) == (0, LOCK)
    insurance.purchaseInsurance(b"\x02" * 32, bonded, PRICE, 0, sender=client)
    assert insurance.policies(b"\x02" * 32).client == client.address


def test_attack_squatting_a_settlement__reverts(insurance, provider, client, squatter, settle):
    commitment = settlement_commitment(insurance, provider, client, NONCE)

    with reverts_with(insurance.InvalidCommitment, commitment=commitment):
        insurance.purchaseInsurance(commitment, squatter, PRICE, 1, sender=squatter)

    assert settle() == commitment


def test_attack_front_running_a_settlement__same_nonce_at_another_provider__both_are_insured(
    insurance, provider, client, squatter, settle, settlement, mint
):
    mint(squatter, PRICE)
    insurance.setSettler(squatter, True, sender=squatter)

    insurance.settleAndInsure(*settlement(to=squatter, by=squatter), sender=squatter)

    commitment = settle()
    assert insurance.policies(commitment).client == client.address
    assert (insurance.lockedBond(provider), insurance.lockedBond(squatter)) == (LOCK, LOCK)


@pytest.mark.parametrize("commitment", [UNKNOWN, b"\0" * 32, b"\xff" * 32], ids=["unknown", "zero", "high"])
def test_attack_unknown_commitment__claim__reverts(commitment, insurance, bonded, client, held):
    assert not insurance.canClaimInsurance(commitment)

    with reverts_with(insurance.NotOpen, commitment=commitment, status=Status.NONE):
        insurance.claimInsurance(commitment, sender=client)

    insurance.claimMany([commitment], sender=client)
    assert held() == Held(client=0)


def test_attack_double_confirm__unlocks_once(insurance, provider, settle, confirmation):
    first, _ = settle(nonce=b"\x01" * 32), settle(nonce=b"\x02" * 32)
    insurance.confirmService(first, b"", sender=provider)

    with reverts_with(insurance.NotOpen, commitment=first, status=Status.CONFIRMED):
        insurance.confirmService(first, confirmation(first), sender=provider)

    insurance.confirmServices([first, first], [b"", b""], sender=provider)
    assert insurance.lockedBond(provider) == LOCK


def test_attack_double_claim__pays_once(insurance, provider, client, settle, overdue, held):
    request, _ = settle(nonce=b"\x01" * 32, timeout_minutes=1), settle(nonce=b"\x02" * 32)
    insurance.claimInsurance(overdue(request), sender=client)

    with reverts_with(insurance.NotOpen, commitment=request, status=Status.CLAIMED):
        insurance.claimInsurance(request, sender=client)

    insurance.claimMany([request, request], sender=client)
    assert held() == Held(client=9_900_000, provider=2 * PRICE, insurance=BOND - PRICE)
    assert insurance.penalties() == PENALTY
    assert insurance.lockedBond(provider) == LOCK


def test_attack_claim_after_confirm__reverts(insurance, provider, client, settle, overdue, held):
    request = settle()
    insurance.confirmService(request, b"", sender=provider)
    overdue(request)

    with reverts_with(insurance.NotOpen, commitment=request, status=Status.CONFIRMED):
        insurance.claimInsurance(request, sender=client)

    insurance.claimMany([request], sender=client)
    assert held() == Held(client=9_900_000, provider=PRICE)


def test_attack_claim_after_refund__reverts(insurance, provider, client, settle, overdue, held):
    request = settle()
    insurance.refundService(request, sender=provider)
    overdue(request)

    with reverts_with(insurance.NotOpen, commitment=request, status=Status.REFUNDED):
        insurance.claimInsurance(request, sender=client)

    insurance.claimMany([request], sender=client)
    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)


def test_attack_confirm_after_refund__unlocks_nothing(insurance, provider, settle, confirmation):
    refunded, _ = settle(nonce=b"\x01" * 32), settle(nonce=b"\x02" * 32)
    insurance.refundService(refunded, sender=provider)

    with reverts_with(insurance.NotOpen, commitment=refunded, status=Status.REFUNDED):
        insurance.confirmService(refunded, confirmation(refunded), sender=provider)

    assert insurance.lockedBond(provider) == LOCK
    assert insurance.providerBond(provider) == BOND - PRICE


def test_attack_refund_out_of_another_providers_bond__reverts(insurance, provider, squatter, settle, held):
    request = settle()

    with reverts_with(insurance.NotProviderNorSettler, caller=squatter, provider=provider):
        insurance.refundService(request, sender=squatter)

    assert held() == Held(client=9_900_000, provider=PRICE, insurance=BOND + LOCK)
