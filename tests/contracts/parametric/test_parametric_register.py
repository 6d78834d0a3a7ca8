"""`registerPolicyholder`: salted hashes, counted and summed."""

import pytest
from flight_policies import DEPARTURE, PAYOUT
from logs import event, events_of
from reverts import reverts_with

REF = bytes(range(32))


@pytest.mark.parametrize("state", ["Draft", "Open", "Funded", "Active"])
def test_register_policyholder__before_the_departure__is_recorded(parametric, scene, leader, state, balances):
    policy = scene.reach(state)
    before = balances(leader)
    parametric.registerPolicyholder(policy, REF, 0, 1, sender=leader)

    tx = parametric.registerPolicyholder(policy, REF[::-1], 50_000, 600_000, sender=leader)

    assert events_of(tx) == [
        event(
            parametric,
            "PolicyholderRegistered",
            id=policy,
            ref=REF[::-1],
            index=1,
            premium=50_000,
            coverage=600_000,
        )
    ]
    recorded = parametric.policies(policy)
    assert (recorded.policyholders, recorded.coverage) == (2, 600_001)
    assert scene.state(policy) == state
    assert balances(leader) == before


def test_register_policyholder__coverage_up_to_the_payout__is_recorded(parametric, scene, leader):
    policy = scene.create()
    parametric.registerPolicyholder(policy, REF, 0, 400_000, sender=leader)

    parametric.registerPolicyholder(policy, REF, 0, 600_000, sender=leader)

    assert parametric.policies(policy).coverage == PAYOUT


@pytest.mark.parametrize("coverage", [0, 600_001, 2**96 - 1])
def test_register_policyholder__coverage_of_nothing_or_too_much__reverts(parametric, scene, leader, coverage):
    policy = scene.create()
    parametric.registerPolicyholder(policy, REF, 0, 400_000, sender=leader)

    with reverts_with(parametric.InvalidAmount, amount=coverage, max=600_000):
        parametric.registerPolicyholder(policy, REF, 0, coverage, sender=leader)


def test_register_policyholder__one_hundred_and_twenty_ninth__reverts(parametric, scene, leader):
    policy = scene.create()
    for index in range(128):
        tx = parametric.registerPolicyholder(policy, REF, 0, 1, sender=leader)
        assert events_of(tx)[0][2]["index"] == index

    with reverts_with(parametric.InvalidInput, field="policyholders", value=129):
        parametric.registerPolicyholder(policy, REF, 0, 1, sender=leader)


def test_register_policyholder__no_reference__reverts(parametric, scene, leader):
    policy = scene.create()

    with reverts_with(parametric.InvalidInput, field="ref", value=0):
        parametric.registerPolicyholder(policy, bytes(32), 0, 1, sender=leader)


def test_register_policyholder__last_second__is_recorded(parametric, scene, leader, clock):
    policy = scene.reach("Active")
    clock.next_block_at(DEPARTURE - 1)

    parametric.registerPolicyholder(policy, REF, 0, 1, sender=leader)

    assert parametric.policies(policy).policyholders == 1


def test_register_policyholder__at_departure__reverts(parametric, scene, leader, clock):
    policy = scene.reach("Active")
    clock.next_block_at(DEPARTURE)

    with reverts_with(parametric.InvalidTimeWindow, time=DEPARTURE, earliest=0, latest=DEPARTURE - 1):
        parametric.registerPolicyholder(policy, REF, 0, 1, sender=leader)


def test_register_policyholder__policy_operator__reverts(parametric, scene, policy_operator):
    policy = scene.create()

    with reverts_with(parametric.Unauthorized, id=policy, caller=policy_operator):
        parametric.registerPolicyholder(policy, REF, 0, 1, sender=policy_operator)
