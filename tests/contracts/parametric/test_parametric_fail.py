"""`failUnderwriting`: an incomplete underwriting ends, and the escrows can go back."""

import pytest
from flight_policies import UNDERWRITING_DEADLINE
from logs import event, events_of
from reverts import reverts_with


@pytest.mark.parametrize("state", ["Draft", "Open"])
def test_fail_underwriting__leader_in_time__has_failed(parametric, scene, leader, state):
    policy = scene.reach(state)

    tx = parametric.failUnderwriting(policy, sender=leader)

    assert events_of(tx) == [event(parametric, "UnderwritingFailed", id=policy, by=leader)]
    assert scene.state(policy) == "Failed"


@pytest.mark.parametrize("state", ["Draft", "Open"])
def test_fail_underwriting__anyone_after_the_deadline__has_failed(parametric, scene, stranger, clock, state):
    policy = scene.reach(state)
    clock.next_block_at(UNDERWRITING_DEADLINE + 1)

    tx = parametric.failUnderwriting(policy, sender=stranger)

    assert events_of(tx) == [event(parametric, "UnderwritingFailed", id=policy, by=stranger)]
    assert scene.state(policy) == "Failed"


@pytest.mark.parametrize("state", ["Draft", "Open"])
def test_fail_underwriting__anyone_at_the_deadline__reverts(parametric, scene, participant, clock, state):
    policy = scene.reach(state)
    clock.next_block_at(UNDERWRITING_DEADLINE)

    with reverts_with(parametric.Unauthorized, id=policy, caller=participant):
        parametric.failUnderwriting(policy, sender=participant)


def test_fail_underwriting__funded__reverts(parametric, scene, leader, clock):
    policy = scene.reach("Funded")
    clock.next_block_at(UNDERWRITING_DEADLINE + 1)

    with reverts_with(parametric.InvalidState, id=policy, state=3):
        parametric.failUnderwriting(policy, sender=leader)


def test_fail_underwriting__some_had_accepted__each_gets_its_escrow_back(
    parametric, scene, insurers, stranger, clock, balances
):
    policy = scene.reach("Open")
    scene.accept(policy, 0, insurers[0])
    scene.accept(policy, 2, insurers[2])
    clock.next_block_at(UNDERWRITING_DEADLINE + 1)
    parametric.failUnderwriting(policy, sender=stranger)

    parametric.refund(policy, 2, insurers[2], sender=insurers[2])
    parametric.refund(policy, 0, insurers[0], sender=insurers[0])

    assert balances(*insurers) == (400_000, 0, 250_000, 0)
    with reverts_with(parametric.InvalidShareStatus, id=policy, index=1, status=0):
        parametric.refund(policy, 1, insurers[1], sender=insurers[1])
