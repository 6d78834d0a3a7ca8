"""What a keeper does next: one thing, the right one, and nothing before its time and margin."""

import dataclasses

import pytest
from liqpass.domain.parametric.keeping import ENDED, KEPT, is_over, next_action
from liqpass.domain.parametric.life import STATES, Action, PolicyState
from parametric_stories import (
    ACTIVE_FROM_S,
    ACTIVE_TO_S,
    CLAIM_DEADLINE_S,
    DEADLINE_S,
    LATE_S,
    LIFE,
)

MARGIN_S = 10
WINDOW_ENDS_S = LATE_S + 259_200


def due(state, now_s, *, makes_claim=False):
    life = dataclasses.replace(LIFE, state=PolicyState(state), verified_at_s=LATE_S)
    return next_action(life, now_s=now_s, margin_s=MARGIN_S, makes_claim=makes_claim)


@pytest.mark.parametrize(
    ("state", "first_s", "action"),
    [
        ("Funded", ACTIVE_FROM_S + MARGIN_S, Action.ACTIVATE),
        ("Funded", ACTIVE_TO_S + 1 + MARGIN_S, Action.EXPIRE),
        ("Active", CLAIM_DEADLINE_S + 1 + MARGIN_S, Action.EXPIRE),
        ("Claimable", WINDOW_ENDS_S + 1 + MARGIN_S, Action.APPROVE),
    ],
)
def test_next_action__a_time_and_its_margin__due_from_then_on(state, first_s, action):
    assert due(state, first_s) is action
    assert due(state, first_s - 1) is not action


def test_next_action__last_second_of_the_cover__still_activates():
    assert due("Funded", ACTIVE_TO_S) is Action.ACTIVATE
    assert due("Funded", ACTIVE_TO_S + 1) is None


@pytest.mark.parametrize("state", ["Funded", "Active"])
def test_next_action__reading_that_makes_a_claim__checked_before_anything_else(state):
    assert due(state, LATE_S + MARGIN_S, makes_claim=True) is Action.CHECK


def test_next_action__claim_in_the_last_second__checked_and_not_expired():
    assert due("Active", CLAIM_DEADLINE_S, makes_claim=True) is Action.CHECK
    assert due("Active", CLAIM_DEADLINE_S + 1 + MARGIN_S, makes_claim=True) is Action.EXPIRE


def test_next_action__approved__settled_at_once():
    assert due("Approved", 0) is Action.SETTLE


@pytest.mark.parametrize("state", ["Draft", "Open", *ENDED])
def test_next_action__nothing_that_a_keeper_does__none(state):
    assert due(state, DEADLINE_S + 10**7, makes_claim=True) is None


@pytest.mark.parametrize("action", KEPT)
def test_is_over__each_state__only_where_the_action_was_wanted_it_is_not(action):
    wanted = {
        Action.ACTIVATE: {"Funded"},
        Action.CHECK: {"Funded", "Active"},
        Action.APPROVE: {"Claimable"},
        Action.SETTLE: {"Approved"},
        Action.EXPIRE: {"Funded", "Active"},
    }

    assert {str(state) for state in STATES if not is_over(action, state)} == wanted[action]
