"""Every code that a person may meet has words."""

import pytest
from liqpass.domain.batch_state import BatchState
from liqpass.domain.claim_state import ClaimState
from liqpass.domain.eligibility import Verdict
from liqpass.domain.policy_state import PolicyState, PolicyView
from liqpass.domain.reasons import Reason
from liqpass.entrypoints.web.pages import states
from liqpass.entrypoints.web.pages.rendering import duration, pretty, utc
from liqpass.entrypoints.web.pages.wording import SENTENCES, sentence


def test_sentences__every_reason__has_one() -> None:
    assert set(SENTENCES) == set(Reason)
    for text in SENTENCES.values():
        assert text.endswith(".")
        assert text[0].isupper()
        assert "_" not in text


def test_sentence__code_of_okx__is_itself() -> None:
    assert sentence("50011") == "50011"


@pytest.mark.parametrize(
    ("shown", "known"),
    [
        (states.POLICIES, {*PolicyState, *PolicyView}),
        (states.CLAIMS, set(ClaimState)),
        (states.BATCHES, set(BatchState)),
        (states.VERDICTS, set(Verdict)),
        (states.OUTCOMES, {"open", "paid", "held", "returned"}),
    ],
)
def test_states__every_state__is_shown(shown: dict[str, states.Shown], known: set[str]) -> None:
    assert set(shown) == {str(state) for state in known}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (600, "10 minutes"),
        (3_600, "1 hour"),
        (86_400, "24 hours"),
        (5_430, "1 hour 30 minutes"),
        (3 * 86_400 + 7_200, "3 days 2 hours"),
    ],
)
def test_duration__seconds__two_largest_units(seconds: int, words: str) -> None:
    assert duration(seconds) == words


def test_utc__early_day__has_no_leading_zero() -> None:
    assert utc(1_767_312_000_999) == "2 Jan 2026, 00:00:00 UTC"


@pytest.mark.parametrize(
    ("body", "shown"), [('{"a":1}', '{\n  "a": 1\n}'), ("<html>", "<html>"), ("[" * 100_000, "[" * 100_000)]
)
def test_pretty__any_answer__is_readable(body: str, shown: str) -> None:
    assert pretty(body) == shown
