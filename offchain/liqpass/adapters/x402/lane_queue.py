"""Settlements that wait for a lane: which one a free lane takes, and one lane at a time for each payment."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from liqpass.adapters.x402.places import BusyError, Places

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(eq=False, slots=True)
class Waiting(Generic[Asked, Answer]):
    """One settlement that was asked for.

    `lanes`: the settlers that may have it, None for any. `barred`: those that have tried and cannot.
    `until_s`: when it is too late to begin, by the monotonic clock.
    """

    provider: str
    commitment: bytes
    asked: Asked
    answer: Future[Answer]
    until_s: float
    lanes: frozenset[str] | None = None
    barred: set[str] = field(default_factory=set)
    taken_by: str | None = None

    def may_go_to(self, lane: str) -> bool:
        """Whether that lane may take it."""
        return lane not in self.barred and (self.lanes is None or lane in self.lanes)

    def begin(self) -> None:
        """From now on its caller waits for the end; in each lane that it comes to.

        Raises CancelledError where the caller has gone, BusyError where it is too late.
        """
        if not self.answer.running() and not self.answer.set_running_or_notify_cancel():
            raise CancelledError
        if time.monotonic() > self.until_s:
            raise BusyError("no lane was free in time")


class LaneQueue(Generic[Asked, Answer]):
    """At most `most` settlements, waiting and in lanes. For any thread.

    Providers take turns, and a provider's payments go in the order in which they came. A payment that is in a
    lane is given to no other: asked for once more it waits, and then goes to the same one.
    """

    def __init__(self, most: int) -> None:
        self._places = Places("x402-settle", most)
        self._all: list[Waiting[Asked, Answer]] = []  # in the order in which they came
        self._changed = threading.Condition()
        self._turns: dict[str, int] = {}
        self._turn, self._closed = 0, False

    def __len__(self) -> int:
        return self._places.taken

    @property
    def closed(self) -> bool:
        """Whether lanes shall end."""
        return self._closed

    def enter(
        self,
        provider: str,
        commitment: bytes,
        asked: Asked,
        *,
        within_s: float,
        lanes: frozenset[str] | None = None,
    ) -> Future[Answer]:
        """To be begun within so many seconds. Raises BusyError.

        Cancelling the future keeps it from beginning, and stops none that has begun.
        """
        self._places.take(provider)
        answer: Future[Answer] = Future()
        answer.add_done_callback(lambda _: self._places.leave(provider))
        with self._changed:
            if self._closed:
                answer.cancel()
                raise BusyError("settling has ended")
            until_s = time.monotonic() + within_s
            self._all.append(Waiting(provider, commitment, asked, answer, until_s, lanes))
            self._changed.notify_all()
        return answer

    def take(
        self, lane: str, *, only_its_own: bool = False, wait_s: float | None = None
    ) -> Waiting[Asked, Answer] | None:
        """The next for that lane, when there is one; None at the end, or after `wait_s` seconds.

        `only_its_own`: none that another lane could have.
        """
        until_s = None if wait_s is None else time.monotonic() + wait_s
        with self._changed:
            while not self._closed:
                found = self._next(lane, only_its_own)
                if found is not None:
                    found.taken_by = lane
                    self._turn += 1
                    self._turns[found.provider] = self._turn
                    return found
                left_s = None if until_s is None else until_s - time.monotonic()
                if left_s is not None and left_s <= 0:
                    break
                self._changed.wait(left_s)
        return None

    def pause(self, seconds: float) -> None:
        """Wait so long, less where the end comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def hand_over(self, waiting: Waiting[Asked, Answer], lanes: frozenset[str]) -> None:
        """Back to its place, for these lanes."""
        with self._changed:
            waiting.taken_by, waiting.lanes = None, lanes
            if self._closed:
                _end_unbegun(waiting)
            self._changed.notify_all()

    def end(self, waiting: Waiting[Asked, Answer]) -> None:
        """It has its answer. Asked for once more it goes to the lane that has just had it."""
        with self._changed:
            self._all.remove(waiting)
            for other in self._all:
                if other.commitment == waiting.commitment and waiting.taken_by is not None:
                    other.lanes = frozenset({waiting.taken_by})
                    other.barred.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """Let lanes end; what has not begun is cancelled."""
        with self._changed:
            self._closed = True
            for waiting in self._all:
                if waiting.taken_by is None:
                    _end_unbegun(waiting)
            self._changed.notify_all()

    def _next(self, lane: str, only_its_own: bool) -> Waiting[Asked, Answer] | None:
        self._all = [each for each in self._all if each.taken_by is not None or not each.answer.cancelled()]
        taken = {each.commitment for each in self._all if each.taken_by is not None}
        found = [
            each
            for each in self._all
            if each.taken_by is None
            and each.commitment not in taken
            and each.may_go_to(lane)
            and (not only_its_own or each.lanes == frozenset({lane}))
        ]
        return min(found, key=lambda each: self._turns.get(each.provider, 0), default=None)


def _end_unbegun(waiting: Waiting[Asked, Answer]) -> None:
    # One that a lane began and handed over with nothing signed cannot be cancelled any more.
    if not waiting.answer.cancel():
        waiting.answer.set_exception(BusyError("settling has ended"))
