"""What a leader, alone or with the policy operator, could try against beneficiary and insurers."""

import pytest
from flight_policies import (
    ACTIVE_FROM,
    ACTIVE_TO,
    APPROVAL_WINDOW_S,
    CLAIM_DEADLINE,
    CLAIM_GRACE_S,
    DELAYED_SINCE,
    FOREVER,
    LATE,
    PAYOUT,
    policy_id,
)
from reverts import reverts_with

CANCELLED = 9_990
HOUR_S = 3_600


@pytest.fixture
def claimed_late(parametric, scene, stranger, clock):
    """A claim made in the last second in which one can be made."""
    policy = scene.reach("Active")
    clock.travel_to(CLAIM_DEADLINE - 60)
    scene.push(CANCELLED)
    clock.next_block_at(CLAIM_DEADLINE)
    parametric.checkOracle(policy, sender=stranger)
    return policy


def test_late_rejection__leader_expires_it_at_once__reverts_for_a_whole_grace(
    parametric, leader, clock, claimed_late
):
    rejected_at = CLAIM_DEADLINE + APPROVAL_WINDOW_S
    clock.next_block_at(rejected_at)
    parametric.rejectClaim(claimed_late, sender=leader)
    clock.next_block_at(rejected_at + CLAIM_GRACE_S)

    with reverts_with(
        parametric.InvalidTimeWindow,
        time=rejected_at + CLAIM_GRACE_S,
        earliest=rejected_at + CLAIM_GRACE_S + 1,
        latest=FOREVER,
    ):
        parametric.expirePolicy(claimed_late, sender=leader)


def test_late_rejection__operator_would_reject_the_next_claim__anyone_gets_it_paid(
    parametric, scene, leader, policy_operator, stranger, beneficiary, clock, claimed_late, balances
):
    clock.next_block_at(CLAIM_DEADLINE + APPROVAL_WINDOW_S)
    parametric.rejectClaim(claimed_late, sender=leader)
    scene.push(CANCELLED)
    parametric.checkOracle(claimed_late, sender=stranger)
    with reverts_with(parametric.RejectionSpent, id=claimed_late):
        parametric.rejectClaim(claimed_late, sender=policy_operator)
    clock.next_block_at(clock.now + APPROVAL_WINDOW_S + 1)
    parametric.approveClaim(claimed_late, sender=stranger)

    parametric.settleClaim(claimed_late, sender=stranger)

    assert balances(beneficiary) == (PAYOUT, 0)


@pytest.mark.parametrize(("state", "number"), [("Funded", 3), ("Active", 4)])
def test_cancelled_flight__leader_would_fail_the_funded_policy__anyone_gets_it_paid(
    parametric, scene, leader, stranger, beneficiary, clock, balances, state, number
):
    policy = scene.reach(state)
    clock.travel_to(LATE)
    scene.push(CANCELLED)
    with reverts_with(parametric.InvalidState, id=policy, state=number):
        parametric.failUnderwriting(policy, sender=leader)

    parametric.checkOracle(policy, sender=stranger)
    clock.next_block_at(clock.now + APPROVAL_WINDOW_S + 1)
    parametric.approveClaim(policy, sender=stranger)
    parametric.settleClaim(policy, sender=stranger)

    assert balances(beneficiary) == (PAYOUT, 0)


def test_cancelled_flight__leader_would_take_another_insurer_for_a_funded_share__reverts(
    parametric, scene, leader, stranger
):
    policy = scene.reach("Funded")

    with reverts_with(parametric.InvalidState, id=policy, state=3):
        parametric.replaceShare(policy, 1, stranger, sender=leader)


def test_cancelled_flight__insurer_would_leave_the_funded_policy__reverts(parametric, scene, participant):
    policy = scene.reach("Funded")

    with reverts_with(parametric.InvalidState, id=policy, state=3):
        parametric.refund(policy, 1, participant, sender=participant)
    with reverts_with(parametric.InvalidState, id=policy, state=3):
        parametric.rejectShare(policy, 1, sender=participant)


@pytest.mark.parametrize("way", ["allowance", "permit"])
def test_other_terms_after_a_reorganisation__insurer_agreed_to_the_first__reverts_and_pays_nothing(
    parametric, scene, chain, leader, participant, stranger, terms, balances, way
):
    snapshot = chain.snapshot()
    policy = scene.reach("Open")
    agreed = scene.hash_of(policy)
    chain.restore(snapshot)
    other = terms.but(beneficiary=stranger.address)
    assert scene.reach("Open", other) == policy == policy_id(leader, 1)
    scene.provide(policy, 1, participant)

    function, rest = {
        "allowance": (parametric.acceptShare, ()),
        "permit": (parametric.acceptShareWithPermit, (0, b"")),
    }[way]
    with reverts_with(
        parametric.TermsMismatch, id=policy, termsHash=agreed, expectedHash=scene.hash_of(policy)
    ):
        function(policy, 1, agreed, *rest, sender=participant)

    assert balances(participant) == (350_000, 0)


def test_no_claim_possible__cover_ends_before_the_delay_can_be_told__reverts(
    parametric, leader, clock, terms, shares
):
    created_at = clock.now + 60
    clock.next_block_at(created_at)

    with reverts_with(
        parametric.InvalidTimeWindow,
        time=DELAYED_SINCE,
        earliest=DELAYED_SINCE + 1,
        latest=created_at + 400 * 86_400,
    ):
        parametric.createPolicy(terms.but(activeTo=DELAYED_SINCE).values, shares, sender=leader)


def test_no_claim_possible__shortest_terms_of_all__anyone_still_gets_it_paid(
    parametric, scene, stranger, beneficiary, clock, terms, balances
):
    shortest = terms.but(activeTo=DELAYED_SINCE + 1, approvalWindow=HOUR_S, claimGrace=HOUR_S)
    policy = scene.reach("Active", shortest)
    clock.travel_to(DELAYED_SINCE)
    scene.push(CANCELLED)
    parametric.checkOracle(policy, sender=stranger)
    clock.next_block_at(clock.now + HOUR_S + 1)
    parametric.approveClaim(policy, sender=stranger)

    parametric.settleClaim(policy, sender=stranger)

    assert balances(beneficiary) == (PAYOUT, 0)


def test_same_insurer_twice__leader_swaps_shares_around__reverts(
    parametric, scene, leader, participant, second_participant, stranger
):
    """A free share takes an insurer only once its old share has gone to somebody else."""
    policy = scene.reach("Open")
    parametric.replaceShare(policy, 1, stranger, sender=leader)
    parametric.replaceShare(policy, 2, participant, sender=leader)

    with reverts_with(parametric.InvalidInput, field="insurer", value=int(participant.address, 16)):
        parametric.replaceShare(policy, 1, participant, sender=leader)

    parametric.replaceShare(policy, 1, second_participant, sender=leader)
    assert [share.insurer for share in parametric.shares(policy)] == [
        leader,
        second_participant,
        participant,
    ]


def test_same_insurer_twice__who_has_accepted_another_share__reverts(parametric, scene, leader, participant):
    policy = scene.reach("Open")
    scene.accept(policy, 1, participant)

    with reverts_with(parametric.InvalidInput, field="insurer", value=int(participant.address, 16)):
        parametric.replaceShare(policy, 2, participant, sender=leader)


def test_never_activated__leader_would_expire_it_while_it_can_be_activated__reverts(
    parametric, scene, leader, clock
):
    policy = scene.reach("Funded")
    clock.next_block_at(ACTIVE_FROM)

    with reverts_with(parametric.InvalidTimeWindow, time=ACTIVE_FROM, earliest=ACTIVE_TO + 1, latest=FOREVER):
        parametric.expirePolicy(policy, sender=leader)
