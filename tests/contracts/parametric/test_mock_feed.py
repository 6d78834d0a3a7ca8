"""The feed of tests and demo: it answers what its owner pushed last."""

import pytest
from flight_policies import DESCRIPTION
from logs import event, events_of
from reverts import reverts_with


def test_mock_feed__new__has_not_reported(feed, feed_owner):
    assert tuple(feed.latestRoundData()) == (0, 0, 0, 0, 0)
    assert (feed.owner(), feed.decimals(), feed.description()) == (feed_owner, 0, DESCRIPTION)


def test_mock_feed__deployed__tells_its_description(project, deployer, feed_owner):
    made = deployer.deploy(project.MockFeed, feed_owner, "KE085")

    assert events_of(made.creation_metadata.receipt) == [event(made, "DescriptionSet", description="KE085")]


def test_push__answer__is_the_next_round_of_now(feed, feed_owner, clock):
    feed.push(130, sender=feed_owner)

    tx = feed.push(-10, sender=feed_owner)

    assert events_of(tx) == [event(feed, "AnswerUpdated", current=-10, roundId=2, updatedAt=tx.timestamp)]
    assert tuple(feed.latestRoundData()) == (2, -10, tx.timestamp, tx.timestamp, 2)


def test_push_round__anything__is_answered(feed, feed_owner):
    tx = feed.pushRound(2**64, 0, 0, sender=feed_owner)

    assert events_of(tx) == [event(feed, "AnswerUpdated", current=0, roundId=2**64, updatedAt=0)]
    assert tuple(feed.latestRoundData()) == (2**64, 0, 0, 0, 2**64)


def test_set_description__by_its_owner__is_told(feed, feed_owner):
    tx = feed.setDescription("KE085", sender=feed_owner)

    assert events_of(tx) == [event(feed, "DescriptionSet", description="KE085")]
    assert feed.description() == "KE085"


def test_set_decimals__by_its_owner__is_told(feed, feed_owner):
    tx = feed.setDecimals(8, sender=feed_owner)

    assert events_of(tx) == [event(feed, "DecimalsSet", decimals=8)]
    assert feed.decimals() == 8


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("push", (130,)), ("pushRound", (1, 130, 1)), ("setDescription", ("",)), ("setDecimals", (8,))],
)
def test_mock_feed__stranger__reverts(feed, feed_owner, stranger, function, arguments):
    with reverts_with(feed.NotOwner, caller=stranger, owner=feed_owner):
        getattr(feed, function)(*arguments, sender=stranger)
