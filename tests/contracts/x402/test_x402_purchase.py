"""`purchaseInsurance`: the document's call. Lock first, pay second."""

import pytest
from insured_payments import (
    BOND,
    LOCK,
    MAX_TIMEOUT_MINUTES,
    NONCE,
    PENALTY,
    PRICE,
    REQUEST,
    TIMEOUT_S,
    UNLIMITED,
    Held,
    Notice,
    Standing,
    Status,
    penalty_of,
    settlement_commitment,
)
from logs import event, events_of
from reverts import reverts_with

pytestmark = pytest.mark.usefixtures("rich_client")


@pytest.fixture
def covered(insurance, bonded, client):
    """The provider, having approved the client without limits."""
    insurance.approveCoverage(client, UNLIMITED, MAX_TIMEOUT_MINUTES, sender=bonded)
    return bonded


def test_purchase__covered__locks_and_moves_nothing(insurance, covered, client, held):
    tx = insurance.purchaseInsurance(REQUEST, covered, PRICE, 0, sender=client)

    deadline = tx.timestamp + TIMEOUT_S
    assert events_of(tx) == [
        event(
            insurance,
            "InsurancePurchased",
            commitment=REQUEST,
            provider=covered,
            client=client,
            amount=PRICE,
            penalty=PENALTY,
            deadline=deadline,
        )
    ]
    assert tuple(insurance.policies(REQUEST)) == (
        client.address,
        deadline,
        200,
        Status.OPEN,
        covered.address,
        PRICE,
    )
    assert held() == Held()
    assert insurance.lockedBond(covered) == LOCK
    assert insurance.liabilities() == BOND
    assert insurance.accounts(covered).lastLockAt == tx.timestamp


@pytest.mark.parametrize("minutes", [1, MAX_TIMEOUT_MINUTES])
def test_purchase__timeout_named__is_the_deadline(minutes, insurance, clock, cover, deadline_of):
    cover(timeout_minutes=minutes)

    assert deadline_of(REQUEST) == clock.now + minutes * 60


def test_purchase__highest_commitment_below_the_settled_ones__locks(insurance, covered, cover):
    commitment = b"\x7f" + b"\xff" * 31

    cover(commitment)

    assert insurance.policies(commitment).status == Status.OPEN


@pytest.mark.parametrize("first_byte", [0x80, 0xFF])
def test_purchase__commitment_of_the_settled_ones__reverts(first_byte, insurance, covered, client):
    commitment = bytes([first_byte]) + b"\x01" * 31

    with reverts_with(insurance.InvalidCommitment, commitment=commitment):
        insurance.purchaseInsurance(commitment, covered, PRICE, 0, sender=client)


def test_purchase__commitment_of_a_real_settlement__reverts(insurance, covered, client):
    commitment = settlement_commitment(insurance, covered, client, NONCE)

    with reverts_with(insurance.InvalidCommitment, commitment=commitment):
        insurance.purchaseInsurance(commitment, covered, PRICE, 0, sender=client)


def test_purchase__zero_commitment__reverts(insurance, covered, client):
    with reverts_with(insurance.InvalidCommitment, commitment=b"\0" * 32):
        insurance.purchaseInsurance(b"\0" * 32, covered, PRICE, 0, sender=client)


def test_purchase__nothing__reverts(insurance, covered, client):
    with reverts_with(insurance.ZeroAmount):
        insurance.purchaseInsurance(REQUEST, covered, 0, 0, sender=client)


@pytest.mark.parametrize("end", ["open", "confirmed", "claimed", "refunded"])
def test_purchase__commitment_used__reverts(end, insurance, provider, client, cover, overdue):
    cover()
    if end == "confirmed":
        insurance.confirmService(REQUEST, b"", sender=provider)
    elif end == "claimed":
        insurance.claimInsurance(overdue(REQUEST), sender=client)
    elif end == "refunded":
        insurance.refundService(REQUEST, sender=provider)

    with reverts_with(insurance.CommitmentUsed, commitment=REQUEST, status=Status[end.upper()]):
        insurance.purchaseInsurance(REQUEST, provider, PRICE, 0, sender=client)


def test_purchase__exactly_what_is_available__locks_all(insurance, cover, bonded):
    cover(amount=980_392_156)

    assert insurance.lockedBond(bonded) == BOND


def test_purchase__one_unit_more_than_is_available__reverts(insurance, covered, client):
    with reverts_with(insurance.InsufficientBond, provider=covered, needed=BOND + 1, available=BOND):
        insurance.purchaseInsurance(REQUEST, covered, 980_392_157, 0, sender=client)


@pytest.mark.parametrize("amount", [2**64, 2**96 - 1])
def test_purchase__beyond_any_bond__reverts(amount, insurance, covered, client):
    with reverts_with(
        insurance.InsufficientBond,
        provider=covered,
        needed=amount + penalty_of(amount),
        available=BOND,
    ):
        insurance.purchaseInsurance(REQUEST, covered, amount, 0, sender=client)


def test_purchase__minimum_just_met__locks_below_it(insurance, covered, client, set_minimum):
    set_minimum(BOND)

    insurance.purchaseInsurance(REQUEST, covered, PRICE, 0, sender=client)

    assert insurance.lockedBond(covered) == LOCK
    assert not insurance.isProviderHealthy(covered)


def test_purchase__minimum_missed_by_one__reverts(insurance, covered, client, set_minimum):
    set_minimum(BOND + 1)

    with reverts_with(insurance.ProviderUnhealthy, provider=covered, available=BOND, minimum=BOND + 1):
        insurance.purchaseInsurance(REQUEST, covered, PRICE, 0, sender=client)


def test_purchase__leaving_provider__reverts(insurance, covered, client):
    insurance.announceExit(sender=covered)

    with reverts_with(
        insurance.ProviderLeaving, provider=covered, standing=Standing.EXITING, notice=Notice.NONE
    ):
        insurance.purchaseInsurance(REQUEST, covered, PRICE, 0, sender=client)


def test_purchase__announced_for_liquidation__reverts(insurance, covered, client, config, delayed, clock):
    clock.travel_to(clock.now + 180 * 86_400)
    delayed(insurance, "announceLiquidation", covered, sender=config)

    with reverts_with(
        insurance.ProviderLeaving, provider=covered, standing=Standing.ACTIVE, notice=Notice.IDLE
    ):
        insurance.purchaseInsurance(REQUEST, covered, PRICE, 0, sender=client)


def test_purchase__liquidated__reverts(insurance, covered, client, config, delayed, clock):
    clock.travel_to(clock.now + 180 * 86_400)
    delayed(insurance, "announceLiquidation", covered, sender=config)
    clock.travel_to(insurance.accounts(covered).liquidatableAt)
    delayed(insurance, "liquidateProvider", covered, sender=config)

    with reverts_with(
        insurance.ProviderLeaving, provider=covered, standing=Standing.LIQUIDATED, notice=Notice.NONE
    ):
        insurance.purchaseInsurance(REQUEST, covered, PRICE, 0, sender=client)
