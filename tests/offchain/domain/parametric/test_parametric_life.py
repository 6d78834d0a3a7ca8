"""A policy's life: from every state what can be done, by whom, from when until when."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.parametric.life import (
    SHARE_STATUSES,
    STATES,
    Action,
    Actor,
    PolicyState,
    ShareStatus,
    Step,
    for_anyone,
    possible,
    steps,
)
from parametric_stories import (
    ACTIVE_FROM_S,
    ACTIVE_TO_S,
    CLAIM_DEADLINE_S,
    DEADLINE_S,
    DEPARTURE_S,
    LATE_S,
    LIFE,
    NOW_S,
)

LEADER, INSURER, DECIDER, ANYONE = Actor.LEADER, Actor.INSURER, Actor.DECIDER, Actor.ANYONE
PENDING, ACCEPTED, REJECTED, REFUNDED = SHARE_STATUSES
VERIFIED_S = LATE_S + 60
WINDOW_ENDS_S = VERIFIED_S + 259_200
REGISTER = Step(Action.REGISTER, LEADER, until_s=DEPARTURE_S - 1)


def life(state, **changes):
    return dataclasses.replace(LIFE, state=PolicyState(state), **changes)


def test_states__order__the_contracts_numbers():
    assert [str(state) for state in STATES] == [
        "None",
        "Draft",
        "Open",
        "Funded",
        "Active",
        "Claimable",
        "Approved",
        "Settled",
        "Expired",
        "Failed",
    ]
    assert [str(status) for status in SHARE_STATUSES] == ["Pending", "Accepted", "Rejected", "Refunded"]


def test_steps__draft__leader_opens_replaces_fails_registers():
    assert steps(life("Draft")) == (
        Step(Action.OPEN, LEADER),
        Step(Action.REPLACE, LEADER, 0),
        Step(Action.REPLACE, LEADER, 1),
        Step(Action.REPLACE, LEADER, 2),
        Step(Action.FAIL, LEADER),
        Step(Action.FAIL, ANYONE, from_s=DEADLINE_S + 1),
        REGISTER,
    )


def test_steps__open__who_has_not_answered_answers_and_what_is_not_accepted_is_replaced():
    assert steps(life("Open", shares=(ACCEPTED, PENDING, REJECTED))) == (
        Step(Action.ACCEPT, INSURER, 1, until_s=DEADLINE_S),
        Step(Action.REJECT, INSURER, 1),
        Step(Action.REPLACE, LEADER, 1),
        Step(Action.REPLACE, LEADER, 2),
        Step(Action.FAIL, LEADER),
        Step(Action.FAIL, ANYONE, from_s=DEADLINE_S + 1),
        REGISTER,
    )


def test_steps__funded__anyone_activates_checks_expires():
    assert steps(life("Funded", shares=(ACCEPTED,) * 3)) == (
        Step(Action.ACTIVATE, ANYONE, from_s=ACTIVE_FROM_S, until_s=ACTIVE_TO_S),
        Step(Action.CHECK, ANYONE, from_s=LATE_S, until_s=ACTIVE_TO_S),
        Step(Action.EXPIRE, ANYONE, from_s=ACTIVE_TO_S + 1),
        REGISTER,
    )


def test_steps__active__anyone_checks_until_the_claim_deadline_then_expires():
    assert steps(life("Active", shares=(ACCEPTED,) * 3)) == (
        Step(Action.CHECK, ANYONE, from_s=LATE_S, until_s=CLAIM_DEADLINE_S),
        Step(Action.EXPIRE, ANYONE, from_s=CLAIM_DEADLINE_S + 1),
        REGISTER,
    )


def test_steps__claimable__deciders_in_the_window_anyone_after_it():
    claim = life("Claimable", shares=(ACCEPTED,) * 3, verified_at_s=VERIFIED_S)

    assert steps(claim) == (
        Step(Action.APPROVE, DECIDER),
        Step(Action.APPROVE, ANYONE, from_s=WINDOW_ENDS_S + 1),
        Step(Action.REJECT_CLAIM, DECIDER, until_s=WINDOW_ENDS_S),
    )


def test_steps__claimable_after_a_rejection__no_second_one():
    claim = life("Claimable", shares=(ACCEPTED,) * 3, verified_at_s=VERIFIED_S, rejection_spent=True)

    assert steps(claim) == (
        Step(Action.APPROVE, DECIDER),
        Step(Action.APPROVE, ANYONE, from_s=WINDOW_ENDS_S + 1),
    )


def test_steps__approved__anyone_settles():
    assert steps(life("Approved", shares=(ACCEPTED,) * 3)) == (Step(Action.SETTLE, ANYONE),)


@pytest.mark.parametrize("state", ["Expired", "Failed"])
def test_steps__over__who_has_paid_in_takes_it_back_once(state):
    assert steps(life(state, shares=(ACCEPTED, REFUNDED, PENDING, REJECTED, ACCEPTED))) == (
        Step(Action.REFUND, INSURER, 0),
        Step(Action.REFUND, INSURER, 4),
    )


@pytest.mark.parametrize("state", ["None", "Settled"])
def test_steps__nothing_left__none(state):
    assert steps(life(state, shares=(ACCEPTED,) * 3)) == ()


@pytest.mark.parametrize("changes", [{"policyholders": 128}, {"uncovered": 0}])
def test_steps__register_full__no_registration(changes):
    assert REGISTER not in steps(life("Draft", **changes))
    assert REGISTER in steps(life("Draft", policyholders=127, uncovered=1))


@pytest.mark.parametrize(
    ("state", "now_s", "actions"),
    [
        ("Open", DEADLINE_S, []),
        ("Open", DEADLINE_S + 1, [Action.FAIL]),
        ("Funded", ACTIVE_FROM_S - 1, []),
        ("Funded", ACTIVE_FROM_S, [Action.ACTIVATE]),
        ("Funded", LATE_S - 1, [Action.ACTIVATE]),
        ("Funded", LATE_S, [Action.ACTIVATE, Action.CHECK]),
        ("Funded", ACTIVE_TO_S, [Action.ACTIVATE, Action.CHECK]),
        ("Funded", ACTIVE_TO_S + 1, [Action.EXPIRE]),
        ("Active", LATE_S - 1, []),
        ("Active", LATE_S, [Action.CHECK]),
        ("Active", CLAIM_DEADLINE_S, [Action.CHECK]),
        ("Active", CLAIM_DEADLINE_S + 1, [Action.EXPIRE]),
        ("Claimable", WINDOW_ENDS_S, []),
        ("Claimable", WINDOW_ENDS_S + 1, [Action.APPROVE]),
        ("Approved", WINDOW_ENDS_S, [Action.SETTLE]),
    ],
)
def test_for_anyone__around_each_bound__what_a_keeper_may_do(state, now_s, actions):
    found = for_anyone(life(state, verified_at_s=VERIFIED_S), now_s)

    assert [step.action for step in found] == actions


def test_possible__after_the_deadline__accepting_is_over_rejecting_is_not():
    actions = [(step.action, step.share) for step in possible(life("Open"), DEADLINE_S + 1)]

    assert (Action.ACCEPT, 0) not in actions
    assert (Action.REJECT, 0) in actions


@pytest.mark.parametrize(("now_s", "may"), [(DEPARTURE_S - 1, True), (DEPARTURE_S, False)])
def test_possible__registration__before_the_departure_only(now_s, may):
    assert (REGISTER in possible(life("Active"), now_s)) is may


@given(
    st.sampled_from(["Draft", "Open", "Funded", "Active", "Claimable", "Approved"]),
    st.lists(st.sampled_from(ShareStatus), min_size=1, max_size=16),
    st.booleans(),
)
def test_for_anyone__time_alone__leads_on_from_every_state_that_is_not_over(state, shares, spent):
    waiting = life(state, shares=tuple(shares), verified_at_s=VERIFIED_S, rejection_spent=spent)

    assert for_anyone(waiting, WINDOW_ENDS_S + NOW_S)
