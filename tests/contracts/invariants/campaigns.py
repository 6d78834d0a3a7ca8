"""Running a stateful machine: how long, and whether each of its actions succeeded often enough."""

import itertools
import os
import secrets
from collections import Counter
from dataclasses import dataclass

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

CAMPAIGN = os.environ.get("LIQPASS_CAMPAIGN") == "1"
ROUNDS = 10
"""Further rounds only while some action is too rare: chance alone must not fail a run."""


@dataclass(frozen=True)
class Length:
    """Examples a round, of all machines together, and steps an example."""

    runs: int
    depth: int

    @classmethod
    def of(cls, *, runs, depth):
        """These; in a campaign what the environment says."""
        if not CAMPAIGN:
            return cls(runs, depth)
        return cls(
            int(os.environ.get("LIQPASS_CAMPAIGN_RUNS", "100")),
            int(os.environ.get("LIQPASS_CAMPAIGN_STEPS", "60")),
        )


def run_machines(machines, length, least_successes):
    """Runs each, made of the counter of successes, until every action succeeded as often as it must.

    Two examples each at least: Hypothesis makes the first one short. Each round has a seed of its own: where
    `CI` is set, Hypothesis derives one from the machine, and every further round would repeat the first.
    """
    successes = Counter()
    first_seed = int(os.environ.get("LIQPASS_CAMPAIGN_SEED", "0")) or secrets.randbelow(2**32)
    print(f"seed {first_seed} (LIQPASS_CAMPAIGN_SEED repeats it)")  # noqa: T201
    seeds = itertools.count(first_seed)
    examples = settings(
        max_examples=max(2, -(-length.runs // len(machines))),
        stateful_step_count=length.depth,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )

    for _ in range(ROUNDS):
        for machine in machines:
            seeded = seed(next(seeds))(lambda machine=machine: machine(successes))
            run_state_machine_as_test(seeded, settings=examples)
        rare = {
            action: successes[action]
            for action, least in least_successes.items()
            if successes[action] < least
        }
        if not rare:
            break

    if CAMPAIGN:
        print(f"\n{length.runs} runs of up to {length.depth} actions: {dict(successes.most_common())}")  # noqa: T201
    assert not rare, f"too few successes: {rare} of {dict(successes)}"
