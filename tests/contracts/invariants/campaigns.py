"""Running a stateful machine: how long, and whether each of its actions succeeded often enough."""

import os
from collections import Counter
from dataclasses import dataclass
from functools import partial

from hypothesis import HealthCheck, settings
from seeded_rounds import run_rounds

CAMPAIGN = os.environ.get("LIQPASS_CAMPAIGN") == "1"


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

    Two examples each at least: Hypothesis makes the first one short.
    """
    successes = Counter()
    examples = settings(
        max_examples=max(2, -(-length.runs // len(machines))),
        stateful_step_count=length.depth,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )

    def rare():
        return {
            action: successes[action]
            for action, least in least_successes.items()
            if successes[action] < least
        }

    run_rounds([partial(machine, successes) for machine in machines], examples, lambda: not rare())

    if CAMPAIGN:
        print(f"\n{length.runs} runs of up to {length.depth} actions: {dict(successes.most_common())}")  # noqa: T201
    assert not rare(), f"too few successes: {rare()} of {dict(successes)}"
