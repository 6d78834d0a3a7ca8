"""`checkOracle`: which readings count, and which make a claim."""

import pytest
from eth_hash.auto import keccak
from flight_policies import (
    ACTIVE_FROM,
    ACTIVE_TO,
    APPROVAL_WINDOW_S,
    CLAIM_DEADLINE,
    DELAYED_SINCE,
    DEPARTURE,
    DESCRIPTION,
    LATE,
    MAX_AGE_S,
)
from logs import event, events_of
from reverts import reverts_with

DAY_S = 86_400


@pytest.fixture
def policy(scene):
    """Active, at the time when the flight has left 130 minutes late."""
    policy = scene.reach("Active")
    scene.clock.travel_to(LATE)
    return policy


@pytest.fixture
def report(feed, feed_owner):
    """report(answer, updatedAt, round = 1)"""

    def push(answer, updated_at, round_id=1):
        feed.pushRound(round_id, answer, updated_at, sender=feed_owner)

    return push


@pytest.mark.parametrize("delay", [120, 130, 360, 9_990, 2**128 - 6])
def test_check_oracle__delay_from_the_threshold__makes_a_claim(
    parametric, scene, stranger, clock, policy, report, delay, balances
):
    report(delay, LATE, 7)
    clock.next_block_at(LATE + 60)

    tx = parametric.checkOracle(policy, sender=stranger)

    assert events_of(tx) == [
        event(
            parametric,
            "ClaimCreated",
            id=policy,
            roundId=7,
            delayMinutes=delay,
            updatedAt=LATE,
            windowEndsAt=LATE + 60 + APPROVAL_WINDOW_S,
        )
    ]
    claim = parametric.policies(policy)
    assert (claim.claimRound, claim.verifiedAt, claim.claimValue) == (7, LATE + 60, delay)
    assert scene.state(policy) == "Claimable"
    assert balances() == (1_000_000,)


@pytest.mark.parametrize("delay", [0, 10, 110])
def test_check_oracle__delay_below_the_threshold__only_says_so(
    parametric, scene, stranger, policy, report, delay
):
    report(delay, LATE)

    tx = parametric.checkOracle(policy, sender=stranger)

    assert events_of(tx) == [
        event(parametric, "OracleChecked", id=policy, roundId=1, delayMinutes=delay, updatedAt=LATE)
    ]
    claim = parametric.policies(policy)
    assert (claim.claimRound, claim.verifiedAt, claim.claimValue) == (0, 0, 0)
    assert scene.state(policy) == "Active"


def test_check_oracle__same_round_again_without_a_claim__counts_again(parametric, stranger, policy, report):
    report(110, LATE)
    parametric.checkOracle(policy, sender=stranger)

    tx = parametric.checkOracle(policy, sender=stranger)

    assert [name for _, name, _ in events_of(tx)] == ["OracleChecked"]


@pytest.mark.parametrize("answer", [119, 125, 9_999, -10, -1, -(2**255), 2**128 + 4, 2**255 - 8])
def test_check_oracle__not_a_delay__reverts(parametric, stranger, feed, policy, report, answer):
    report(answer, LATE)

    with reverts_with(parametric.OracleFormat, feed=feed, answer=answer):
        parametric.checkOracle(policy, sender=stranger)


def test_check_oracle__eighteen_hundred_seconds_old__counts(
    parametric, scene, stranger, clock, policy, report
):
    report(130, LATE)
    clock.next_block_at(LATE + MAX_AGE_S)

    parametric.checkOracle(policy, sender=stranger)

    assert scene.state(policy) == "Claimable"


def test_check_oracle__a_second_older__reverts(parametric, stranger, clock, feed, policy, report):
    report(130, LATE)
    now = LATE + MAX_AGE_S + 1
    clock.next_block_at(now)

    with reverts_with(parametric.OracleStale, feed=feed, updatedAt=LATE, earliest=LATE + 1, latest=now):
        parametric.checkOracle(policy, sender=stranger)


def test_check_oracle__of_this_very_second__counts(parametric, scene, stranger, clock, policy, report):
    report(130, LATE + 60)
    clock.next_block_at(LATE + 60)

    parametric.checkOracle(policy, sender=stranger)

    assert scene.state(policy) == "Claimable"


@pytest.mark.parametrize("updated_at", [0, LATE + 61, 2**40 + LATE, 2**256 - 1])
def test_check_oracle__never_or_in_the_future__reverts(
    parametric, stranger, clock, feed, policy, report, updated_at
):
    report(130, updated_at)
    now = LATE + 60
    clock.next_block_at(now)

    with reverts_with(
        parametric.OracleStale,
        feed=feed,
        updatedAt=updated_at,
        earliest=DELAYED_SINCE,
        latest=now,
    ):
        parametric.checkOracle(policy, sender=stranger)


def test_check_oracle__proxy_before_its_first_report__reverts(
    parametric, stranger, clock, feed, policy, report
):
    report(0, 0, 2**64)
    now = LATE + 60
    clock.next_block_at(now)

    with reverts_with(parametric.OracleStale, feed=feed, updatedAt=0, earliest=DELAYED_SINCE, latest=now):
        parametric.checkOracle(policy, sender=stranger)


def test_check_oracle__round_zero__reverts(parametric, stranger, feed, policy, report):
    report(130, LATE, 0)

    with reverts_with(parametric.RoundReused, feed=feed, roundId=0, lastRoundId=0):
        parametric.checkOracle(policy, sender=stranger)


@pytest.mark.parametrize("round_id", [1, 6, 7])
def test_check_oracle__not_newer_than_the_rejected_claim__reverts(
    parametric, leader, stranger, feed, policy, report, round_id
):
    report(130, LATE, 7)
    parametric.checkOracle(policy, sender=stranger)
    parametric.rejectClaim(policy, sender=leader)
    report(130, LATE, round_id)

    with reverts_with(parametric.RoundReused, feed=feed, roundId=round_id, lastRoundId=7):
        parametric.checkOracle(policy, sender=stranger)


def test_check_oracle__newer_than_the_rejected_claim__makes_another(
    parametric, scene, leader, stranger, policy, report
):
    report(130, LATE, 7)
    parametric.checkOracle(policy, sender=stranger)
    parametric.rejectClaim(policy, sender=leader)
    report(140, LATE, 2**80 - 1)

    parametric.checkOracle(policy, sender=stranger)

    claim = parametric.policies(policy)
    assert (claim.claimRound, claim.claimValue) == (2**80 - 1, 140)
    assert scene.state(policy) == "Claimable"


def test_check_oracle__feed_describes_another_flight__reverts(
    parametric, stranger, feed, feed_owner, policy, report
):
    report(130, LATE)
    feed.setDescription("KE085", sender=feed_owner)

    with reverts_with(
        parametric.FeedMismatch,
        feed=feed,
        descriptionHash=keccak(b"KE085"),
        expectedHash=keccak(DESCRIPTION.encode()),
    ):
        parametric.checkOracle(policy, sender=stranger)


def test_check_oracle__at_the_first_second_that_counts__makes_a_claim(
    parametric, scene, stranger, clock, report
):
    policy = scene.reach("Active")
    clock.travel_to(DELAYED_SINCE - 60)
    report(120, DELAYED_SINCE)
    clock.next_block_at(DELAYED_SINCE)

    parametric.checkOracle(policy, sender=stranger)

    assert scene.state(policy) == "Claimable"


@pytest.mark.parametrize(
    ("now", "updated_at"),
    [
        (DELAYED_SINCE, DELAYED_SINCE - 1),  # a forecast, a second too early
        (DEPARTURE - 3_600, DEPARTURE - 3_600),  # a forecast before the departure
        (ACTIVE_FROM + 60, ACTIVE_FROM + 60),  # yesterday's flight, fresh
    ],
)
def test_check_oracle__delay_that_has_not_happened__reverts(
    parametric, scene, stranger, clock, feed, report, now, updated_at
):
    policy = scene.reach("Active")
    if now > ACTIVE_FROM + 60:
        clock.travel_to(now - 10)
    report(130, updated_at)
    clock.next_block_at(now)

    with reverts_with(
        parametric.OracleStale, feed=feed, updatedAt=updated_at, earliest=DELAYED_SINCE, latest=now
    ):
        parametric.checkOracle(policy, sender=stranger)


def test_check_oracle__yesterdays_value__reverts(parametric, stranger, clock, feed, policy, report):
    report(130, DELAYED_SINCE - DAY_S)
    now = LATE + 60
    clock.next_block_at(now)

    with reverts_with(
        parametric.OracleStale,
        feed=feed,
        updatedAt=DELAYED_SINCE - DAY_S,
        earliest=DELAYED_SINCE,
        latest=now,
    ):
        parametric.checkOracle(policy, sender=stranger)


def test_check_oracle__at_the_claim_deadline__makes_a_claim(
    parametric, scene, stranger, clock, policy, report
):
    clock.travel_to(CLAIM_DEADLINE - 60)
    report(130, CLAIM_DEADLINE - 60)
    clock.next_block_at(CLAIM_DEADLINE)

    parametric.checkOracle(policy, sender=stranger)

    assert scene.state(policy) == "Claimable"


def test_check_oracle__after_the_claim_deadline__reverts(parametric, stranger, clock, policy, report):
    clock.travel_to(CLAIM_DEADLINE - 60)
    report(130, CLAIM_DEADLINE - 60)
    clock.next_block_at(CLAIM_DEADLINE + 1)

    with reverts_with(
        parametric.InvalidTimeWindow, time=CLAIM_DEADLINE + 1, earliest=0, latest=CLAIM_DEADLINE
    ):
        parametric.checkOracle(policy, sender=stranger)


@pytest.mark.parametrize(
    ("delay", "outcome", "state"),
    [(130, "ClaimCreated", "Claimable"), (110, "OracleChecked", "Active")],
)
def test_check_oracle__funded_in_the_window__activates_first(
    parametric, scene, stranger, clock, report, delay, outcome, state
):
    policy = scene.reach("Funded")
    clock.travel_to(ACTIVE_TO - 60)
    report(delay, ACTIVE_TO - 60)
    clock.next_block_at(ACTIVE_TO)

    tx = parametric.checkOracle(policy, sender=stranger)

    assert events_of(tx)[0] == event(parametric, "PolicyActivated", id=policy, by=stranger)
    assert [name for _, name, _ in events_of(tx)] == ["PolicyActivated", outcome]
    assert scene.state(policy) == state


def test_check_oracle__funded_after_the_window__reverts(parametric, scene, stranger, clock, report):
    policy = scene.reach("Funded")
    clock.travel_to(ACTIVE_TO)
    report(130, ACTIVE_TO)
    clock.next_block_at(ACTIVE_TO + 1)

    with reverts_with(
        parametric.InvalidTimeWindow, time=ACTIVE_TO + 1, earliest=ACTIVE_FROM, latest=ACTIVE_TO
    ):
        parametric.checkOracle(policy, sender=stranger)


def test_check_oracle__funded_and_a_stale_feed__stays_funded(
    parametric, scene, stranger, clock, feed, report
):
    policy = scene.reach("Funded")
    clock.travel_to(LATE)
    report(130, LATE)
    now = LATE + MAX_AGE_S + 1
    clock.next_block_at(now)

    with reverts_with(parametric.OracleStale, feed=feed, updatedAt=LATE, earliest=LATE + 1, latest=now):
        parametric.checkOracle(policy, sender=stranger)

    assert scene.state(policy) == "Funded"
