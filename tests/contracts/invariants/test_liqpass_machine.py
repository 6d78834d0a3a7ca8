"""Checkout and PayoutVault against `model.py`; the invariants are numbered in README.md."""

from functools import partial
from types import SimpleNamespace

import pytest
from campaigns import Length, run_machines
from machine import LiqPassMachine

LENGTH = Length.of(runs=10, depth=20)
LEAST_SUCCESSES = {
    "fund": LENGTH.runs,
    "approve": LENGTH.runs,
    "pay": 1,
    "pay_with_permit": 1,
    "pay_with_authorization": 1,
    "renew": 1,
    "execute_one": 1,
    "execute_many": 1,
    "payout_paid": LENGTH.runs // 2,
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
    run_machines([partial(LiqPassMachine, world)], LENGTH, LEAST_SUCCESSES)
