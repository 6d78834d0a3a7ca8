"""What `FeedRule` says of a feed's answer is what `checkOracle` makes of it, on both sides of each bound."""

import pytest
from eth_hash.auto import keccak
from flight_policies import DELAYED_SINCE, DESCRIPTION, LATE, MAX_AGE_S, THRESHOLD_MINUTES
from liqpass.domain.parametric.feed_check import FeedAnswer, FeedRule
from logs import events_of
from reverts import reverts_with

NOW = LATE + 3_600
# Round, answer, time of the reading.
ANSWERS = [
    (1, 130, NOW),
    (1, 130, NOW + 1),
    (1, 130, NOW - MAX_AGE_S),
    (1, 130, NOW - MAX_AGE_S - 1),
    (1, 130, DELAYED_SINCE - 1),
    (1, 130, 0),
    (0, 130, NOW),
    (2**64, 0, 0),
    (2**80 - 1, 120, NOW),
    (1, 0, NOW),
    (1, 110, NOW),
    (1, 119, NOW),
    (1, 125, NOW),
    (1, -10, NOW),
    (1, 9_990, NOW),
    (1, 2**128 - 6, NOW),
    (1, 2**128 + 4, NOW),
    (1, 2**255 - 8, NOW),
]


DESCRIBED = keccak(DESCRIPTION.encode())


@pytest.fixture
def assert_same(parametric, feed, stranger, clock):
    """assert_same(policy, rule, said): off chain and the contract judge the same, and for the same reason."""

    def check(policy, rule, said):
        fault = rule.fault(said, NOW)
        clock.next_block_at(NOW)
        if fault is not None:
            error, inputs = refusal(fault, rule, said)
            assert not rule.makes_claim(said, NOW)
            with reverts_with(getattr(parametric, error), feed=feed, **inputs):
                parametric.checkOracle(policy, sender=stranger)
            return
        ((_, name, _),) = events_of(parametric.checkOracle(policy, sender=stranger))
        assert name == ("ClaimCreated" if rule.makes_claim(said, NOW) else "OracleChecked")

    return check


def refusal(fault, rule, said):
    """The contract's error, with its inputs, that the words stand for."""
    if "description" in fault:
        hashes = {"descriptionHash": said.description_hash, "expectedHash": rule.description_hash}
        return "FeedMismatch", hashes
    if "never reported" in fault or "not newer" in fault:
        return "RoundReused", {"roundId": said.round_id, "lastRoundId": rule.last_round}
    if "not a delay" in fault:
        return "OracleFormat", {"answer": said.answer}
    earliest = max(NOW - MAX_AGE_S, rule.not_before_s)
    return "OracleStale", {"updatedAt": said.updated_at_s, "earliest": earliest, "latest": NOW}


@pytest.mark.parametrize(("round_id", "answer", "updated_at"), ANSWERS)
def test_fault__any_answer__the_contracts_verdict(
    scene, feed, feed_owner, assert_same, round_id, answer, updated_at
):
    policy = scene.reach("Active")
    feed.pushRound(round_id, answer, updated_at, sender=feed_owner)
    rule = FeedRule(DESCRIBED, 0, THRESHOLD_MINUTES, DELAYED_SINCE)

    assert_same(policy, rule, FeedAnswer(DESCRIBED, round_id, answer, updated_at))


@pytest.mark.parametrize("round_id", [6, 7, 8])
def test_fault__after_a_rejected_claim__only_a_newer_round(
    parametric, scene, feed, feed_owner, stranger, clock, assert_same, round_id
):
    policy = scene.reach("Active")
    clock.travel_to(LATE)
    feed.pushRound(7, 130, LATE, sender=feed_owner)
    parametric.checkOracle(policy, sender=stranger)
    parametric.rejectClaim(policy, sender=scene.leader)
    feed.pushRound(round_id, 130, NOW, sender=feed_owner)
    rule = FeedRule(DESCRIBED, 7, THRESHOLD_MINUTES, DELAYED_SINCE)

    assert_same(policy, rule, FeedAnswer(DESCRIBED, round_id, 130, NOW))


def test_fault__description_changed__the_contracts_verdict(scene, feed, feed_owner, assert_same):
    policy = scene.reach("Active")
    feed.pushRound(1, 130, NOW, sender=feed_owner)
    feed.setDescription("KE082", sender=feed_owner)
    rule = FeedRule(DESCRIBED, 0, THRESHOLD_MINUTES, DELAYED_SINCE)

    assert_same(policy, rule, FeedAnswer(keccak(b"KE082"), 1, 130, NOW))


def test_fault__no_answer__does_not_count():
    rule = FeedRule(DESCRIBED, 0, THRESHOLD_MINUTES, DELAYED_SINCE)

    assert rule.fault(None, NOW) == "the feed does not answer"
    assert not rule.makes_claim(None, NOW)
