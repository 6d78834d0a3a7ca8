"""`approveCoverage`: what a client may lock without a settler, as an allowance."""

import pytest
from insured_payments import LOCK, MAX_TIMEOUT_MINUTES, PRICE, REQUEST, TIMEOUT_S, UNLIMITED
from logs import event, events_of
from reverts import reverts_with

OTHER_REQUEST = b"\x02" * 32

pytestmark = pytest.mark.usefixtures("bonded")


def test_approve_coverage__client__stored_and_told(insurance, provider, client):
    tx = insurance.approveCoverage(client, PRICE, 60, sender=provider)

    assert events_of(tx) == [
        event(
            insurance,
            "CoverageApproved",
            provider=provider,
            client=client,
            amount=PRICE,
            maxTimeoutMinutes=60,
        )
    ]
    assert tuple(insurance.coverage(provider, client)) == (PRICE, 60)


@pytest.mark.parametrize("minutes", [1, MAX_TIMEOUT_MINUTES])
def test_approve_coverage__timeout_at_its_bounds__stored(minutes, insurance, provider, client):
    insurance.approveCoverage(client, PRICE, minutes, sender=provider)

    assert tuple(insurance.coverage(provider, client)) == (PRICE, minutes)


@pytest.mark.parametrize("minutes", [0, MAX_TIMEOUT_MINUTES + 1, 2**16 - 1])
def test_approve_coverage__timeout_out_of_bounds__reverts(minutes, insurance, provider, client):
    with reverts_with(insurance.TimeoutOutOfRange, timeoutMinutes=minutes, least=1, most=MAX_TIMEOUT_MINUTES):
        insurance.approveCoverage(client, PRICE, minutes, sender=provider)


def test_approve_coverage__again__replaces(insurance, provider, client):
    insurance.approveCoverage(client, PRICE, 60, sender=provider)

    insurance.approveCoverage(client, 7, 5, sender=provider)

    assert tuple(insurance.coverage(provider, client)) == (7, 5)


def test_approve_coverage__taken_back__ends_new_locks_and_keeps_open_ones(insurance, provider, client, cover):
    cover()

    insurance.approveCoverage(client, 0, 1, sender=provider)

    assert insurance.lockedBond(provider) == LOCK
    with reverts_with(
        insurance.CoverageExceeded, provider=provider, client=client, amount=PRICE, remaining=0
    ):
        insurance.purchaseInsurance(OTHER_REQUEST, provider, PRICE, 1, sender=client)


def test_coverage__spent__is_less(insurance, provider, client):
    insurance.approveCoverage(client, PRICE + 1, 60, sender=provider)

    insurance.purchaseInsurance(REQUEST, provider, PRICE, 0, sender=client)

    assert tuple(insurance.coverage(provider, client)) == (1, 60)


def test_coverage__unlimited__is_never_used_up(insurance, provider, client, cover):
    cover()

    assert tuple(insurance.coverage(provider, client)) == (UNLIMITED, MAX_TIMEOUT_MINUTES)


def test_coverage__exceeded_by_one__reverts(insurance, provider, client):
    insurance.approveCoverage(client, PRICE - 1, 60, sender=provider)

    with reverts_with(
        insurance.CoverageExceeded,
        provider=provider,
        client=client,
        amount=PRICE,
        remaining=PRICE - 1,
    ):
        insurance.purchaseInsurance(REQUEST, provider, PRICE, 0, sender=client)

    assert insurance.lockedBond(provider) == 0


@pytest.mark.parametrize("minutes", [6, MAX_TIMEOUT_MINUTES])
def test_coverage__timeout_above_the_approved__reverts(minutes, insurance, provider, client):
    insurance.approveCoverage(client, PRICE, 5, sender=provider)

    with reverts_with(insurance.TimeoutOutOfRange, timeoutMinutes=minutes, least=1, most=5):
        insurance.purchaseInsurance(REQUEST, provider, PRICE, minutes, sender=client)


def test_coverage__default_timeout_above_the_approved__reverts(insurance, provider, client):
    insurance.approveCoverage(client, PRICE, 4, sender=provider)

    with reverts_with(insurance.TimeoutOutOfRange, timeoutMinutes=5, least=1, most=4):
        insurance.purchaseInsurance(REQUEST, provider, PRICE, 0, sender=client)


def test_coverage__default_timeout_as_approved__locks(insurance, provider, client, clock, deadline_of):
    insurance.approveCoverage(client, PRICE, 5, sender=provider)

    insurance.purchaseInsurance(REQUEST, provider, PRICE, 0, sender=client)

    assert deadline_of(REQUEST) == clock.now + TIMEOUT_S


def test_coverage__of_another_client__reverts(insurance, provider, client, stranger):
    insurance.approveCoverage(client, PRICE, 60, sender=provider)

    with reverts_with(
        insurance.CoverageExceeded, provider=provider, client=stranger, amount=PRICE, remaining=0
    ):
        insurance.purchaseInsurance(REQUEST, provider, PRICE, 0, sender=stranger)


def test_coverage__of_another_provider__reverts(insurance, provider, other_provider, client, deposit):
    deposit(other_provider, LOCK)
    insurance.approveCoverage(client, PRICE, 60, sender=provider)

    with reverts_with(
        insurance.CoverageExceeded, provider=other_provider, client=client, amount=PRICE, remaining=0
    ):
        insurance.purchaseInsurance(REQUEST, other_provider, PRICE, 0, sender=client)
