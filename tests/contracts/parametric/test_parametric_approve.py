"""`approveClaim`: a person, or time, lets the claim be paid."""

import pytest
from flight_policies import APPROVAL_WINDOW_S, ZERO
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def policy(scene):
    return scene.reach("Claimable")


@pytest.fixture
def window_end(parametric, policy):
    return parametric.policies(policy).verifiedAt + APPROVAL_WINDOW_S


@pytest.mark.parametrize("role", ["leader", "policy_operator"])
@pytest.mark.parametrize("seconds_after", [-APPROVAL_WINDOW_S + 60, 0, 1])
def test_approve_claim__leader_or_operator_at_any_time__is_approved(
    parametric, scene, request, clock, policy, window_end, role, seconds_after, balances
):
    caller = request.getfixturevalue(role)
    clock.next_block_at(window_end + seconds_after)

    tx = parametric.approveClaim(policy, sender=caller)

    assert events_of(tx) == [event(parametric, "ClaimApproved", id=policy, by=caller)]
    assert parametric.policies(policy).approvedBy == caller
    assert scene.state(policy) == "Approved"
    assert balances() == (1_000_000,)


def test_approve_claim__anyone_after_the_window__is_approved(
    parametric, scene, stranger, clock, policy, window_end
):
    clock.next_block_at(window_end + 1)

    tx = parametric.approveClaim(policy, sender=stranger)

    assert events_of(tx) == [event(parametric, "ClaimApproved", id=policy, by=stranger)]
    assert parametric.policies(policy).approvedBy == stranger
    assert scene.state(policy) == "Approved"


@pytest.mark.parametrize("role", ["participant", "beneficiary", "stranger"])
def test_approve_claim__others_in_the_window__reverts(parametric, request, clock, policy, window_end, role):
    caller = request.getfixturevalue(role)
    clock.next_block_at(window_end)

    with reverts_with(parametric.Unauthorized, id=policy, caller=caller):
        parametric.approveClaim(policy, sender=caller)


def test_approve_claim__no_claim__reverts(parametric, scene, leader):
    policy = scene.reach("Active")

    with reverts_with(parametric.InvalidState, id=policy, state=4):
        parametric.approveClaim(policy, sender=leader)


def test_approve_claim__no_operator_named__the_leader_still_approves(parametric, scene, leader, terms):
    policy = scene.reach("Claimable", terms.but(operator=ZERO))

    parametric.approveClaim(policy, sender=leader)

    assert scene.state(policy) == "Approved"
