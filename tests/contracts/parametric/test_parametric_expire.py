"""`expirePolicy`: the end without a payout."""

import pytest
from flight_policies import ACTIVE_TO, CLAIM_DEADLINE, FOREVER, LATE
from logs import event, events_of
from reverts import reverts_with


@pytest.mark.parametrize(("state", "end"), [("Active", CLAIM_DEADLINE), ("Funded", ACTIVE_TO)])
def test_expire_policy__after_its_end__is_expired(parametric, scene, stranger, clock, state, end):
    policy = scene.reach(state)
    clock.next_block_at(end + 1)

    tx = parametric.expirePolicy(policy, sender=stranger)

    assert events_of(tx) == [event(parametric, "PolicyExpired", id=policy, by=stranger)]
    assert scene.state(policy) == "Expired"


@pytest.mark.parametrize(("state", "end"), [("Active", CLAIM_DEADLINE), ("Funded", ACTIVE_TO)])
def test_expire_policy__at_its_end__reverts(parametric, scene, leader, clock, state, end):
    policy = scene.reach(state)
    clock.next_block_at(end)

    with reverts_with(parametric.InvalidTimeWindow, time=end, earliest=end + 1, latest=FOREVER):
        parametric.expirePolicy(policy, sender=leader)


def test_expire_policy__claimable__reverts_however_late(parametric, scene, leader, clock):
    policy = scene.reach("Claimable")
    clock.next_block_at(CLAIM_DEADLINE + 10**8)

    with reverts_with(parametric.InvalidState, id=policy, state=5):
        parametric.expirePolicy(policy, sender=leader)


def test_expire_policy__reading_110__every_insurer_gets_its_escrow_back(
    parametric, scene, insurers, beneficiary, stranger, clock, balances
):
    policy = scene.reach("Active")
    clock.travel_to(LATE)
    scene.push(110)
    parametric.checkOracle(policy, sender=stranger)
    clock.next_block_at(CLAIM_DEADLINE + 1)
    parametric.expirePolicy(policy, sender=stranger)

    for index, insurer in enumerate(insurers):
        parametric.refund(policy, index, insurer, sender=insurer)

    assert balances(*insurers, beneficiary) == (400_000, 350_000, 250_000, 0, 0)
