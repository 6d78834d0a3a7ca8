"""What `campaigns.py` promises of its rounds."""

from functools import partial

import pytest
from campaigns import Length, run_machines
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, rule
from seeded_rounds import ROUNDS

LENGTH = Length(runs=2, depth=3)


class Drawing(RuleBasedStateMachine):
    """Hands on what it draws; nothing that it does counts as a success."""

    def __init__(self, hand_on, _successes):
        super().__init__()
        self.hand_on = hand_on

    @rule(number=strategies.integers(min_value=2**200, max_value=2**240))
    def draw(self, number):
        self.hand_on(number)


@pytest.fixture
def as_in_ci():
    before = settings.get_current_profile_name()
    settings.load_profile("ci")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("as_in_ci")
def test_rounds__as_in_ci__each_draws_runs_of_its_own():
    drawn = []

    with pytest.raises(AssertionError, match=r"too few successes: \{'never': 0\}"):
        run_machines([partial(Drawing, drawn.append)], LENGTH, {"never": 1})

    others = [number for number in drawn if number != 2**200]  # where Hypothesis begins
    assert len(set(others)) >= ROUNDS


def test_rounds__same_seed__same_runs(monkeypatch):
    monkeypatch.setenv("LIQPASS_CAMPAIGN_SEED", "7")
    first, again = [], []

    for drawn in (first, again):
        run_machines([partial(Drawing, drawn.append)], LENGTH, {})

    assert first == again
