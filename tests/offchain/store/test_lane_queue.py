"""Which settlement a free lane takes. No lane runs here: the test is the lanes."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future

import pytest
from liqpass.adapters.x402.lane_queue import LaneQueue, Waiting
from liqpass.adapters.x402.places import BusyError

A, B = "0xlane-a", "0xlane-b"
ONE, TWO = "0xprovider-1", "0xprovider-2"


class Desk:
    """A queue of texts; `ask` says the provider and numbers the payments."""

    def __init__(self, most: int = 64) -> None:
        self.queue: LaneQueue[str, str] = LaneQueue(most)

    def ask(
        self,
        asked: str,
        provider: str = ONE,
        lanes: frozenset[str] | None = None,
        *,
        within_s: float = 60.0,
    ) -> Future[str]:
        return self.queue.enter(provider, asked.encode(), asked, within_s=within_s, lanes=lanes)

    def take(self, lane: str, *, only_its_own: bool = False) -> Waiting[str, str] | None:
        return self.queue.take(lane, only_its_own=only_its_own, wait_s=0)

    def taken(self, lane: str) -> str | None:
        found = self.take(lane)
        return None if found is None else found.asked


def test_take__several_of_one_provider__in_the_order_in_which_they_came() -> None:
    desk = Desk()
    for asked in ("first", "second", "third"):
        desk.ask(asked)

    assert [desk.taken(lane) for lane in (A, B, A, B)] == ["first", "second", "third", None]


def test_take__a_burst_of_one_provider__the_other_is_served_in_turn() -> None:
    desk = Desk()
    for number in range(3):
        desk.ask(f"burst {number}")
    desk.ask("other 0", TWO)
    desk.ask("other 1", TWO)

    assert [desk.taken(A) for _ in range(5)] == ["burst 0", "other 0", "burst 1", "other 1", "burst 2"]


def test_take__payment_that_another_lane_has__waits_and_goes_to_the_same_lane() -> None:
    desk = Desk()
    desk.ask("pay")
    desk.ask("pay")
    first = desk.take(A)
    assert first is not None

    assert desk.take(B) is None
    first.begin()
    first.answer.set_result("settled")
    desk.queue.end(first)

    assert desk.take(B) is None
    assert desk.taken(A) == "pay"


def test_take__entered_for_one_lane__goes_to_no_other() -> None:
    desk = Desk()
    desk.ask("known to b", lanes=frozenset({B}))

    assert (desk.taken(A), desk.taken(B)) == (None, "known to b")


def test_take__lane_with_something_in_flight__gets_only_its_own() -> None:
    desk = Desk()
    desk.ask("free")
    desk.ask("known to a", lanes=frozenset({A}))

    own = desk.take(A, only_its_own=True)

    assert own is not None
    assert own.asked == "known to a"
    assert desk.take(A, only_its_own=True) is None
    assert desk.taken(B) == "free"


def test_hand_over__keeps_its_place_and_goes_to_those_lanes() -> None:
    desk = Desk()
    desk.ask("first")
    desk.ask("second")
    first = desk.take(A)
    assert first is not None

    desk.queue.hand_over(first, frozenset({B}))

    assert (desk.taken(A), desk.taken(B), len(desk.queue)) == ("second", "first", 2)


def test_hand_over__lane_that_tried_in_vain__not_given_it_again() -> None:
    desk = Desk()
    desk.ask("pay")
    tried = desk.take(A)
    assert tried is not None
    tried.barred.add(A)

    desk.queue.hand_over(tried, frozenset({A, B}))

    assert (desk.taken(A), desk.taken(B)) == (None, "pay")


def test_cancel__before_a_lane_has_begun__never_begins_and_leaves_its_place() -> None:
    desk = Desk(most=2)
    in_lane, waiting = desk.ask("in a lane"), desk.ask("waiting")
    taken = desk.take(A)
    assert taken is not None

    assert (in_lane.cancel(), waiting.cancel()) == (True, True)

    with pytest.raises(CancelledError):
        taken.begin()
    desk.queue.end(taken)
    assert (desk.taken(B), len(desk.queue)) == (None, 0)


def test_cancel__once_a_lane_has_begun__goes_on() -> None:
    desk = Desk()
    answer = desk.ask("pay")
    taken = desk.take(A)
    assert taken is not None
    taken.begin()
    taken.begin()  # in the next lane, after it was handed over

    assert not answer.cancel()


def test_begin__too_late__busy_although_an_earlier_lane_began() -> None:
    desk = Desk()
    answer = desk.ask("pay", within_s=0.0)
    taken = desk.take(A)
    assert taken is not None

    with pytest.raises(BusyError, match="no lane was free in time"):
        taken.begin()
    with pytest.raises(BusyError, match="no lane was free in time"):
        taken.begin()
    assert (answer.running(), answer.cancel()) == (True, False)


def test_enter__full__refused_until_one_has_ended() -> None:
    desk = Desk(most=1)
    desk.ask("pay")
    taken = desk.take(A)
    assert taken is not None

    with pytest.raises(BusyError):
        desk.ask("another")
    taken.begin()
    taken.answer.set_result("settled")
    desk.queue.end(taken)

    desk.ask("another")


def test_pause__at_the_end__over_at_once() -> None:
    desk = Desk()
    paused = threading.Thread(target=desk.queue.pause, args=(600.0,))
    paused.start()
    desk.ask("does not end it")

    desk.queue.close()
    paused.join(10)

    assert not paused.is_alive()


def test_close__what_has_not_begun_is_cancelled_and_lanes_end() -> None:
    desk = Desk()
    begun, handed_over = desk.ask("begun"), desk.ask("handed over")
    first, second = desk.take(A), desk.take(B)
    waiting = desk.ask("waiting")
    assert first is not None
    assert second is not None
    first.begin()
    second.begin()
    ended: list[Waiting[str, str] | None] = []
    lane = threading.Thread(target=lambda: ended.append(desk.queue.take("0xlane-c", only_its_own=True)))
    lane.start()

    desk.queue.close()
    desk.queue.hand_over(second, frozenset({A}))
    lane.join(10)

    assert (ended, desk.queue.closed, waiting.cancelled(), begun.done()) == ([None], True, True, False)
    with pytest.raises(BusyError, match="settling has ended"):
        handed_over.result(0)
    with pytest.raises(BusyError, match="settling has ended"):
        desk.ask("too late")
    assert len(desk.queue) == 1
