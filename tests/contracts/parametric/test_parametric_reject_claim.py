"""`rejectClaim`: once a policy, and never so that the claim runs out."""

import pytest
from flight_policies import APPROVAL_WINDOW_S, CLAIM_DEADLINE, CLAIM_GRACE_S, LATE, PAYOUT
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def policy(scene):
    return scene.reach("Claimable")


@pytest.fixture
def window_end(parametric, policy):
    return parametric.policies(policy).verifiedAt + APPROVAL_WINDOW_S


@pytest.mark.parametrize("role", ["leader", "policy_operator"])
def test_reject_claim__early__goes_back_to_active_with_the_same_deadline(
    parametric, scene, request, clock, policy, role, balances
):
    caller = request.getfixturevalue(role)
    clock.next_block_at(LATE + 600)

    tx = parametric.rejectClaim(policy, sender=caller)

    assert events_of(tx) == [
        event(parametric, "ClaimRejected", id=policy, by=caller, roundId=1, claimDeadline=CLAIM_DEADLINE)
    ]
    assert parametric.claimDeadline(policy) == CLAIM_DEADLINE
    recorded = parametric.policies(policy)
    assert (recorded.rejectionSpent, recorded.claimRound) == (True, 1)
    assert scene.state(policy) == "Active"
    assert balances() == (1_000_000,)


@pytest.mark.parametrize(
    ("now", "deadline"),
    [
        (CLAIM_DEADLINE - CLAIM_GRACE_S, CLAIM_DEADLINE),
        (CLAIM_DEADLINE - CLAIM_GRACE_S + 1, CLAIM_DEADLINE + 1),
        (CLAIM_DEADLINE + 3_600, CLAIM_DEADLINE + 3_600 + CLAIM_GRACE_S),
    ],
)
def test_reject_claim__late__leaves_a_whole_grace_for_the_next(
    parametric, leader, clock, policy, now, deadline
):
    clock.next_block_at(now)

    tx = parametric.rejectClaim(policy, sender=leader)

    assert events_of(tx) == [
        event(parametric, "ClaimRejected", id=policy, by=leader, roundId=1, claimDeadline=deadline)
    ]
    assert parametric.claimDeadline(policy) == deadline


def test_reject_claim__at_the_end_of_the_window__strangers_still_get_the_claim_paid(
    parametric, scene, leader, stranger, beneficiary, clock, policy, window_end, balances
):
    clock.next_block_at(window_end)
    parametric.rejectClaim(policy, sender=leader)
    deadline = window_end + CLAIM_GRACE_S
    clock.travel_to(deadline - 60)
    scene.push(130)
    clock.next_block_at(deadline)
    parametric.checkOracle(policy, sender=stranger)
    clock.next_block_at(deadline + APPROVAL_WINDOW_S + 1)
    parametric.approveClaim(policy, sender=stranger)

    parametric.settleClaim(policy, sender=stranger)

    assert balances(beneficiary) == (PAYOUT, 0)


def test_reject_claim__after_the_window__reverts(parametric, leader, clock, policy, window_end):
    clock.next_block_at(window_end + 1)

    with reverts_with(parametric.InvalidTimeWindow, time=window_end + 1, earliest=0, latest=window_end):
        parametric.rejectClaim(policy, sender=leader)


@pytest.mark.parametrize("role", ["participant", "beneficiary", "stranger"])
def test_reject_claim__others__reverts(parametric, request, policy, role):
    caller = request.getfixturevalue(role)

    with reverts_with(parametric.Unauthorized, id=policy, caller=caller):
        parametric.rejectClaim(policy, sender=caller)


@pytest.mark.parametrize("role", ["leader", "policy_operator"])
def test_reject_claim__second_claim__reverts(parametric, scene, request, leader, stranger, policy, role):
    parametric.rejectClaim(policy, sender=leader)
    scene.push(140)
    parametric.checkOracle(policy, sender=stranger)

    with reverts_with(parametric.RejectionSpent, id=policy):
        parametric.rejectClaim(policy, sender=request.getfixturevalue(role))


def test_reject_claim__approved__reverts(parametric, leader, policy):
    parametric.approveClaim(policy, sender=leader)

    with reverts_with(parametric.InvalidState, id=policy, state=6):
        parametric.rejectClaim(policy, sender=leader)
