"""`rejectShare`: an insurer declines."""

import pytest
from flight_policies import UNDERWRITING_DEADLINE
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def policy(scene):
    return scene.reach("Open")


def test_reject_share__pending__is_marked(parametric, scene, participant, policy, balances):
    tx = parametric.rejectShare(policy, 1, sender=participant)

    assert events_of(tx) == [event(parametric, "ShareRejected", id=policy, index=1, insurer=participant)]
    assert [scene.share_status(policy, index) for index in range(3)] == ["Pending", "Rejected", "Pending"]
    assert scene.state(policy) == "Open"
    assert balances(participant) == (0, 0)


def test_reject_share__after_the_deadline__is_marked(parametric, scene, participant, clock, policy):
    clock.next_block_at(UNDERWRITING_DEADLINE + 1)

    parametric.rejectShare(policy, 1, sender=participant)

    assert scene.share_status(policy, 1) == "Rejected"


def test_reject_share__accepted__reverts(parametric, scene, participant, policy):
    scene.accept(policy, 1, participant)

    with reverts_with(parametric.InvalidShareStatus, id=policy, index=1, status=1):
        parametric.rejectShare(policy, 1, sender=participant)


def test_reject_share__twice__reverts(parametric, participant, policy):
    parametric.rejectShare(policy, 1, sender=participant)

    with reverts_with(parametric.InvalidShareStatus, id=policy, index=1, status=2):
        parametric.rejectShare(policy, 1, sender=participant)


def test_reject_share__by_the_leader__reverts(parametric, leader, policy):
    with reverts_with(parametric.Unauthorized, id=policy, caller=leader):
        parametric.rejectShare(policy, 1, sender=leader)


def test_reject_share__no_such_share__reverts(parametric, participant, policy):
    with reverts_with(parametric.InvalidInput, field="share", value=3):
        parametric.rejectShare(policy, 3, sender=participant)


def test_reject_share__draft__reverts(parametric, scene, participant):
    policy = scene.create()

    with reverts_with(parametric.InvalidState, id=policy, state=1):
        parametric.rejectShare(policy, 1, sender=participant)
