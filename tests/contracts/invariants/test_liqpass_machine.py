"""Checkout and PayoutVault against `model.py`; the invariants are numbered in README.md."""

import os
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from machine import LiqPassMachine

CAMPAIGN = os.environ.get("LIQPASS_CAMPAIGN") == "1"
RUNS = int(os.environ.get("LIQPASS_CAMPAIGN_RUNS", "100")) if CAMPAIGN else 10
DEPTH = int(os.environ.get("LIQPASS_CAMPAIGN_STEPS", "60")) if CAMPAIGN else 20
ROUNDS = 4
"""Further rounds only while some action is too rare: chance alone must not fail a run."""
LEAST_SUCCESSES = {
    "fund": RUNS,
    "approve": RUNS,
    "pay": 1,
    "pay_with_permit": 1,
    "pay_with_authorization": 1,
    "renew": 1,
    "execute_one": 1,
    "execute_many": 1,
    "payout_paid": RUNS // 2,
    "payout_failed": 1,
    "revoke": 1,
    "sweep": 1,
    "pause": 1,
    "unpause": 1,
    "lower_cap": 1,
    "raise_cap": 1,
    "pass_time": 1,
    "pass_midnight": 1,
    "pass_expiry": 1,
    "dismiss": 1,
    "reinstate": 1,
    "deny": 1,
    "undeny": 1,
}


@pytest.fixture
def world(chain, clock, actors, manager, usdc, checkout, vault, mint, recipients):
    """Contracts and actors by name; buyer and funder are rich."""
    mint(actors["buyer"], 10**15)
    mint(actors["funder"], 10**15)
    contracts = {"manager": manager, "usdc": usdc, "checkout": checkout, "vault": vault}
    return SimpleNamespace(**actors, **contracts, chain=chain, clock=clock, recipients=recipients[:4])


def test_liqpass__any_sequence_of_actions__keeps_the_invariants(world):
    successes = Counter()

    for _ in range(ROUNDS):
        run_state_machine_as_test(
            lambda: LiqPassMachine(world, successes),
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=DEPTH,
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
        if not rare(successes):
            break

    if CAMPAIGN:
        print(f"\n{RUNS} runs of up to {DEPTH} actions: {dict(successes.most_common())}")  # noqa: T201
    assert not rare(successes), f"too few successes: {rare(successes)} of {dict(successes)}"


def rare(successes):
    """Actions that succeeded less often than they must, with their counts."""
    return {
        action: successes[action] for action, least in LEAST_SUCCESSES.items() if successes[action] < least
    }
