"""`activatePolicy`: cover starts."""

import pytest
from flight_policies import ACTIVE_FROM, ACTIVE_TO
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def policy(scene):
    return scene.reach("Funded")


@pytest.mark.parametrize("time_s", [ACTIVE_FROM, ACTIVE_TO])
def test_activate_policy__in_the_window__is_active(parametric, scene, stranger, clock, policy, time_s):
    clock.next_block_at(time_s)

    tx = parametric.activatePolicy(policy, sender=stranger)

    assert events_of(tx) == [event(parametric, "PolicyActivated", id=policy, by=stranger)]
    assert scene.state(policy) == "Active"


@pytest.mark.parametrize("time_s", [ACTIVE_FROM - 1, ACTIVE_TO + 1])
def test_activate_policy__out_of_the_window__reverts(parametric, leader, clock, policy, time_s):
    clock.next_block_at(time_s)

    with reverts_with(parametric.InvalidTimeWindow, time=time_s, earliest=ACTIVE_FROM, latest=ACTIVE_TO):
        parametric.activatePolicy(policy, sender=leader)


def test_activate_policy__not_funded__reverts(parametric, scene, leader, clock):
    policy = scene.reach("Open")
    clock.next_block_at(ACTIVE_FROM)

    with reverts_with(parametric.InvalidState, id=policy, state=2):
        parametric.activatePolicy(policy, sender=leader)
