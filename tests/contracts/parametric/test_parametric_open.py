"""`openUnderwriting`: the leader lets the insurers answer."""

from logs import event, events_of
from reverts import reverts_with


def test_open_underwriting__draft__is_open(parametric, scene, leader):
    policy = scene.create()

    tx = parametric.openUnderwriting(policy, sender=leader)

    assert events_of(tx) == [event(parametric, "UnderwritingOpened", id=policy)]
    assert scene.state(policy) == "Open"


def test_open_underwriting__another_leader__reverts(parametric, scene, participant):
    policy = scene.create()

    with reverts_with(parametric.Unauthorized, id=policy, caller=participant):
        parametric.openUnderwriting(policy, sender=participant)


def test_open_underwriting__twice__reverts(parametric, scene, leader):
    policy = scene.reach("Open")

    with reverts_with(parametric.InvalidState, id=policy, state=2):
        parametric.openUnderwriting(policy, sender=leader)


def test_open_underwriting__unknown_policy__reverts(parametric, leader):
    with reverts_with(parametric.InvalidState, id=7, state=0):
        parametric.openUnderwriting(7, sender=leader)
