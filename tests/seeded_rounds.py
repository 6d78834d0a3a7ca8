"""Rounds of stateful machines, each with a seed of its own, until what must happen has happened."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable, Sequence

from hypothesis import seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

ROUNDS = 10
"""Further rounds only while it is not enough: chance alone must not fail a run."""


def run_rounds(
    machines: Sequence[Callable[[], RuleBasedStateMachine]], each: settings, is_enough: Callable[[], bool]
) -> None:
    """Runs each machine once a round.

    Where `CI` is set, Hypothesis derives a seed from the machine, and every further round would repeat the
    first.
    """
    first_seed = int(os.environ.get("LIQPASS_CAMPAIGN_SEED", "0")) or secrets.randbelow(2**32)
    print(f"seed {first_seed} (LIQPASS_CAMPAIGN_SEED repeats it)")  # noqa: T201
    seeds = itertools.count(first_seed)
    for _ in range(ROUNDS):
        for machine in machines:
            run_state_machine_as_test(seed(next(seeds))(lambda made=machine: made()), settings=each)
        if is_enough():
            return
