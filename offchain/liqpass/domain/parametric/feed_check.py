"""Whether what a feed answers counts as a reading, as `checkOracle` judges it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from liqpass.domain.parametric.life import Life
from liqpass.domain.parametric.reading import MAX_AGE_S, STEP_MINUTES, delayed_since
from liqpass.domain.parametric.times import format_time

_MAX_ANSWER = 2**128 - 1


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """What a feed says: its description's hash, and its latest round; time in unix seconds."""

    description_hash: bytes
    round_id: int
    answer: int
    updated_at_s: int


@dataclass(frozen=True, slots=True)
class FeedRule:
    """What a policy asks of its feed. `last_round` is the round of the claim made last, 0 without one."""

    description_hash: bytes
    last_round: int
    threshold_minutes: int
    not_before_s: int

    @classmethod
    def of(cls, life: Life, *, description_hash: bytes, last_round: int) -> FeedRule:
        """What this policy asks; the hash is that of the feed's description at creation."""
        not_before_s = delayed_since(life.departure_s, life.threshold_minutes)
        return cls(description_hash, last_round, life.threshold_minutes, not_before_s)

    def fault(self, answer: FeedAnswer | None, now_s: int) -> str | None:
        """Why the answer does not count in a block of that time; None where it does.

        An answer of None is that of a feed that gives none.
        """
        return next(self._faults(answer, now_s), None)

    def makes_claim(self, answer: FeedAnswer | None, now_s: int) -> bool:
        """Whether a check in a block of that time would make a claim."""
        return (
            answer is not None
            and self.fault(answer, now_s) is None
            and answer.answer >= self.threshold_minutes
        )

    def _faults(self, answer: FeedAnswer | None, now_s: int) -> Iterator[str]:
        if answer is None:
            yield "the feed does not answer"
            return
        if answer.description_hash != self.description_hash:
            yield "the feed's description is not the one that was agreed to"
        if answer.round_id == 0:
            yield "the feed has never reported"
        if answer.round_id <= self.last_round:
            yield f"round {answer.round_id} is not newer than round {self.last_round}, which made a claim"
        at = format_time(answer.updated_at_s)
        if answer.updated_at_s > now_s:
            yield f"the reading is of {at}, which is in the future"
        if answer.updated_at_s < self.not_before_s:
            since = format_time(self.not_before_s)
            yield (
                f"the reading is of {at}: before {since} a delay of {self.threshold_minutes} minutes "
                "is a forecast"
            )
        age_s = now_s - answer.updated_at_s
        if age_s > MAX_AGE_S:
            yield f"the reading is {age_s} s old, allowed are {MAX_AGE_S} s"
        if not 0 <= answer.answer <= _MAX_ANSWER or answer.answer % STEP_MINUTES != 0:
            yield f"the feed answers {answer.answer}, which is not a delay in steps of {STEP_MINUTES}"
