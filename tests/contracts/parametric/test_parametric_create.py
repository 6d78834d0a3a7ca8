"""`createPolicy`: what a leader may draft."""

import pytest
from clock import DAY_S
from eth_hash.auto import keccak
from flight_policies import (
    ACTIVE_FROM,
    ACTIVE_TO,
    APPROVAL_WINDOW_S,
    CLAIM_DEADLINE,
    CLAIM_GRACE_S,
    DELAYED_SINCE,
    DEPARTURE,
    DESCRIPTION,
    PAYOUT,
    THRESHOLD_MINUTES,
    UNDERWRITING_DEADLINE,
    ZERO,
    as_logged,
    policy_id,
    shared,
    terms_hash,
)
from logs import event, events_of
from reverts import reverts_with, reverts_without_reason

HOUR_S = 3_600
MAX_UINT96 = 2**96 - 1


@pytest.fixture
def many(accounts):
    """Seventeen insurers."""
    return [accounts.generate_test_account() for _ in range(17)]


def create(parametric, leader, terms, shares):
    return parametric.createPolicy(terms.values, shares, sender=leader)


def test_create_policy__ke081__is_drafted_with_all_its_terms(
    parametric, leader, terms, shares, clock, feed, beneficiary, policy_operator, balances
):
    clock.next_block_at(clock.now + 10)

    tx = create(parametric, leader, terms, shares)

    policy = policy_id(leader, 1)
    assert events_of(tx) == [
        event(
            parametric,
            "PolicyCreated",
            id=policy,
            leader=leader,
            termsHash=terms_hash(terms, shares),
            terms=list(as_logged(terms.values)),
            shares=as_logged(shares),
        )
    ]
    assert dict(parametric.policies(policy).items()) == {
        "termsHash": terms_hash(terms, shares),
        "feedDescriptionHash": keccak(DESCRIPTION.encode()),
        "route": b"ICN-JFK" + bytes(9),
        "flightNo": b"KE081" + bytes(11),
        "feed": feed.address,
        "payout": PAYOUT,
        "beneficiary": beneficiary.address,
        "departure": DEPARTURE,
        "activeFrom": ACTIVE_FROM,
        "thresholdMinutes": THRESHOLD_MINUTES,
        "operator": policy_operator.address,
        "underwritingDeadline": UNDERWRITING_DEADLINE,
        "activeTo": ACTIVE_TO,
        "shareCount": 3,
        "dust": 0,
        "state": 1,
        "accepted": 0,
        "rejected": 0,
        "refunded": 0,
        "policyholders": 0,
        "rejectionSpent": False,
        "createdAt": tx.timestamp,
        "claimDeadline": CLAIM_DEADLINE,
        "approvalWindow": APPROVAL_WINDOW_S,
        "claimGrace": CLAIM_GRACE_S,
        "claimRound": 0,
        "verifiedAt": 0,
        "claimValue": 0,
        "approvedBy": ZERO,
        "coverage": 0,
    }
    assert tuple(parametric.terms(policy)) == terms.values
    assert [tuple(share) for share in parametric.shares(policy)] == shares
    assert balances() == (0,)


def test_create_policy__ids__each_leader_counts_its_own(
    parametric, scene, leader, participant, terms, shares
):
    create(parametric, leader, terms, shares)
    create(parametric, leader, terms, shares)

    create(parametric, participant, terms, shares)

    ids = [policy_id(leader, 1), policy_id(leader, 2), policy_id(participant, 1)]
    assert [scene.state(policy) for policy in ids] == ["Draft"] * 3
    assert [parametric.leaderOf(policy) for policy in ids] == [leader, leader, participant]
    assert (parametric.sequences(leader), parametric.sequences(participant)) == (2, 1)
    assert scene.state(policy_id(leader, 3)) == "None"


def test_create_policy__leader_without_a_share_and_no_operator__is_drafted(
    parametric, scene, terms, insurers
):
    policy = scene.create(terms.but(operator=ZERO), shared(insurers[1:], (4_000, 6_000)))

    assert parametric.policies(policy).operator == ZERO
    assert [parametric.escrowOf(policy, index) for index in (0, 1)] == [400_000, 600_000]


def test_create_policy__first_of_a_leader_with_three_shares__costs_at_most_360_000_gas(
    parametric, leader, terms, shares
):
    tx = create(parametric, leader, terms, shares)

    assert tx.gas_used <= 360_000


@pytest.mark.parametrize(
    ("payout", "bps", "escrows"),
    [
        (1_000_000, (4_000, 3_500, 2_500), [400_000, 350_000, 250_000]),
        (1, (5_000, 3_000, 2_000), [1, 0, 0]),
        (7, (5_000, 3_000, 2_000), [4, 2, 1]),
        (100, (3_333, 3_333, 3_334), [34, 33, 33]),
        (1_000_001, (4_000, 3_500, 2_500), [400_001, 350_000, 250_000]),
        (1_000_003, (625,) * 16, [62_503] + [62_500] * 15),
        (MAX_UINT96, (9_999, 1), [MAX_UINT96 - MAX_UINT96 // 10_000, MAX_UINT96 // 10_000]),
        (5, (10_000,), [5]),
    ],
)
def test_escrow_of__dust__is_carried_by_share_0(parametric, scene, terms, many, payout, bps, escrows):
    policy = scene.create(terms.but(payout=payout), shared(many[: len(bps)], bps))

    assert [parametric.escrowOf(policy, index) for index in range(len(bps))] == escrows
    assert sum(escrows) == payout
    with reverts_with(parametric.InvalidInput, field="share", value=len(bps)):
        parametric.escrowOf.transact(policy, len(bps), sender=scene.leader)


def test_create_policy__no_payout__reverts(parametric, leader, terms, shares):
    with reverts_with(parametric.InvalidAmount, amount=0, max=MAX_UINT96):
        create(parametric, leader, terms.but(payout=0), shares)


@pytest.mark.parametrize("minutes", [10, 9_980])
def test_create_policy__threshold_at_its_bounds__is_drafted(scene, terms, minutes):
    changed = terms.but(thresholdMinutes=minutes, activeTo=DEPARTURE + 60 * minutes + 1)

    assert scene.state(scene.create(changed)) == "Draft"


@pytest.mark.parametrize("minutes", [0, 5, 15, 119, 125, 9_990, 65_530])
def test_create_policy__threshold_not_offered__reverts(parametric, leader, terms, shares, minutes):
    with reverts_with(parametric.InvalidDelayThreshold, thresholdMinutes=minutes):
        create(parametric, leader, terms.but(thresholdMinutes=minutes), shares)


def test_create_policy__times_at_their_bounds__is_drafted(scene, terms, clock):
    now = clock.now + 10
    clock.next_block_at(now)

    policy = scene.create(
        terms.but(
            underwritingDeadline=now + 1,
            activeFrom=now + 1,
            departure=now + 1,
            activeTo=now + 400 * DAY_S,
            approvalWindow=HOUR_S,
            claimGrace=30 * DAY_S,
        )
    )

    assert scene.state(policy) == "Draft"
    assert scene.contract.claimDeadline(policy) == now + 430 * DAY_S


@pytest.mark.parametrize(
    ("changes", "time", "earliest", "latest"),
    [
        ({"underwritingDeadline": ACTIVE_FROM + 1}, ACTIVE_FROM + 1, "now + 1", ACTIVE_FROM),
        ({"underwritingDeadline": "now"}, "now", "now + 1", ACTIVE_FROM),
        ({"activeFrom": DEPARTURE + 1}, DEPARTURE + 1, UNDERWRITING_DEADLINE, DEPARTURE),
        ({"activeTo": DELAYED_SINCE}, DELAYED_SINCE, DELAYED_SINCE + 1, "now + max"),
        ({"activeTo": "now + max + 1"}, "now + max + 1", DELAYED_SINCE + 1, "now + max"),
        ({"approvalWindow": HOUR_S - 1}, HOUR_S - 1, HOUR_S, 30 * DAY_S),
        ({"approvalWindow": 30 * DAY_S + 1}, 30 * DAY_S + 1, HOUR_S, 30 * DAY_S),
        ({"claimGrace": HOUR_S - 1}, HOUR_S - 1, HOUR_S, 30 * DAY_S),
        ({"claimGrace": 30 * DAY_S + 1}, 30 * DAY_S + 1, HOUR_S, 30 * DAY_S),
    ],
)
def test_create_policy__time_out_of_its_window__reverts(
    parametric, leader, terms, shares, clock, changes, time, earliest, latest
):
    now = clock.now + 10
    moments = {
        "now": now,
        "now + 1": now + 1,
        "now + max": now + 400 * DAY_S,
        "now + max + 1": now + 400 * DAY_S + 1,
    }
    changed = terms.but(**{name: moments.get(value, value) for name, value in changes.items()})
    clock.next_block_at(now)

    with reverts_with(
        parametric.InvalidTimeWindow,
        time=moments.get(time, time),
        earliest=moments.get(earliest, earliest),
        latest=moments.get(latest, latest),
    ):
        create(parametric, leader, changed, shares)


def test_create_policy__cover_that_began_before__reverts(parametric, leader, terms, shares, clock):
    now = clock.now + 10
    clock.next_block_at(now)

    with reverts_with(parametric.InvalidTimeWindow, time=now - 1, earliest=now + 1, latest=now - 1):
        create(parametric, leader, terms.but(underwritingDeadline=now - 1, activeFrom=now - 1), shares)


@pytest.mark.parametrize("place", ["nowhere", "usdc", "parametric"])
def test_create_policy__beneficiary_that_cannot_be_paid__reverts(
    parametric, usdc, leader, terms, shares, place
):
    address = {"nowhere": ZERO, "usdc": usdc.address, "parametric": parametric.address}[place]

    with reverts_with(parametric.InvalidInput, field="beneficiary", value=int(address, 16)):
        create(parametric, leader, terms.but(beneficiary=address), shares)


def test_create_policy__feed_without_code__reverts(parametric, leader, stranger, terms, shares):
    with reverts_with(parametric.InvalidInput, field="feed", value=int(stranger.address, 16)):
        create(parametric, leader, terms.but(feed=stranger.address), shares)


def test_create_policy__feed_that_is_none__reverts(parametric, leader, terms, shares):
    with reverts_without_reason():
        create(parametric, leader, terms.but(feed=parametric.address), shares)


def test_create_policy__feed_with_decimals__reverts(parametric, leader, feed, feed_owner, terms, shares):
    feed.setDecimals(8, sender=feed_owner)

    with reverts_with(parametric.InvalidInput, field="decimals", value=8):
        create(parametric, leader, terms, shares)


def test_create_policy__feed_of_another_flight__reverts(parametric, leader, feed, feed_owner, terms, shares):
    feed.setDescription("KE085", sender=feed_owner)

    with reverts_with(
        parametric.FeedMismatch,
        feed=feed,
        descriptionHash=keccak(b"KE085"),
        expectedHash=keccak(DESCRIPTION.encode()),
    ):
        create(parametric, leader, terms, shares)


def test_create_policy__no_shares__reverts(parametric, leader, terms):
    with reverts_with(parametric.InvalidInput, field="shares", value=0):
        create(parametric, leader, terms, [])


def test_create_policy__seventeen_shares__reverts(parametric, leader, terms, many):
    with reverts_with(parametric.InvalidInput, field="shares", value=17):
        create(parametric, leader, terms, shared(many, (588,) * 16 + (592,)))


def test_create_policy__share_of_nobody__reverts(parametric, leader, terms, shares):
    with reverts_with(parametric.InvalidInput, field="insurer", value=0):
        create(parametric, leader, terms, [*shares[:2], (ZERO, 2_500)])


@pytest.mark.parametrize("again", [0, 1])
def test_create_policy__same_insurer_twice__reverts(parametric, leader, terms, shares, insurers, again):
    with reverts_with(parametric.InvalidInput, field="insurer", value=int(insurers[again].address, 16)):
        create(parametric, leader, terms, [*shares[:2], (insurers[again].address, 2_500)])


def test_create_policy__share_of_nothing__reverts(parametric, leader, terms, insurers):
    with reverts_with(parametric.InvalidRatio, bps=0, totalBps=10_000):
        create(parametric, leader, terms, shared(insurers, (4_000, 6_000, 0)))


@pytest.mark.parametrize(
    ("bps", "total"),
    [((4_000, 3_500, 2_499), 9_999), ((4_000, 3_500, 2_501), 10_001), ((65_535, 65_535, 65_535), 196_605)],
)
def test_create_policy__shares_that_do_not_make_the_whole__reverts(
    parametric, leader, terms, insurers, bps, total
):
    with reverts_with(parametric.InvalidRatio, bps=total, totalBps=10_000):
        create(parametric, leader, terms, shared(insurers, bps))
