"""Payments whose settlement was asked for: what is waited for is not closed, what is closed is not served."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.adapters.x402.asked_payments import AskedPayments, Asking, Heard
from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState

COMMITMENT, OTHER = b"\x01" * 32, b"\x02" * 32
LATEST_S, DEADLINE_S = 1_000, 2_000
LOCKED = Delivery(COMMITMENT, DEADLINE_S)
FAILED, ASKED, EARLY, SERVED = (
    DeliveryState.FAILED,
    DeliveryState.ASKED,
    DeliveryState.EARLY,
    DeliveryState.SERVED,
)


@pytest.fixture
def deliveries(tmp_path: Path) -> Iterator[Deliveries]:
    with Deliveries.open(tmp_path / "p.deliveries") as opened:
        yield opened


@pytest.fixture
def asked(deliveries: Deliveries) -> AskedPayments:
    return AskedPayments(deliveries)


def let_in(asked: AskedPayments, commitment: bytes = COMMITMENT) -> Asking:
    asking = Asking(commitment)
    assert asked.ask(asking, LATEST_S)
    return asking


def unheard(asked: AskedPayments) -> list[Delivery]:
    return [each.delivery for each in asked.unheard()]


def test_ask__new__on_the_disk_until_it_can_be_settled_no_more(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    let_in(asked)

    assert deliveries.all_in(ASKED) == [Delivery(COMMITMENT, LATEST_S)]
    assert unheard(asked) == []


def test_ask__again_and_valid_for_longer__looked_after_for_so_long(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    let_in(asked)

    assert [asked.ask(Asking(COMMITMENT), latest_s) for latest_s in (LATEST_S + 1, 5)] == [True, True]
    assert deliveries.all_in(ASKED) == [Delivery(COMMITMENT, LATEST_S + 1)]


@pytest.mark.parametrize("state", [state for state in DeliveryState if state not in (ASKED, EARLY)])
def test_ask__has_an_end__refused_and_as_it_was(
    asked: AskedPayments, deliveries: Deliveries, state: DeliveryState
) -> None:
    deliveries.enter(LOCKED, state)

    assert asked.ask(Asking(COMMITMENT), DEADLINE_S + 1) is False
    assert deliveries.all_in(state) == [LOCKED]
    assert unheard(asked) == []


def test_ask__delivered_by_its_handler_already__let_in_and_served_with_its_answer(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    deliveries.enter_delivered(COMMITMENT)

    let_in(asked)
    deliveries.enter_awaited(LOCKED)

    assert deliveries.all_in(SERVED) == [LOCKED]


@pytest.mark.parametrize("state", [SERVED, FAILED])
def test_enter__asked_for__has_that_end_with_the_deadline_of_its_lock(
    asked: AskedPayments, deliveries: Deliveries, state: DeliveryState
) -> None:
    let_in(asked)

    deliveries.enter(LOCKED, state)

    assert (deliveries.all_in(state), deliveries.all_in(ASKED)) == ([LOCKED], [])


def test_enter_awaited__asked_for__awaited_and_delivered_once(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    let_in(asked)

    deliveries.enter_awaited(LOCKED)

    assert deliveries.all_in(DeliveryState.AWAITED) == [LOCKED]
    assert [deliveries.enter_delivered(COMMITMENT) for _ in range(2)] == [True, False]


def test_enter_delivered__asked_for__early_and_unheard_of_where_no_answer_leaves(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    asking = let_in(asked)

    told = [deliveries.enter_delivered(COMMITMENT) for _ in range(2)]
    asked.end(asking, Heard.NOTHING)

    assert told == [True, False]
    assert unheard(asked) == [Delivery(COMMITMENT, LATEST_S)]
    assert asked.close(LOCKED, FAILED)
    assert deliveries.all_in(FAILED) == [LOCKED]


def test_end__heard_nothing__unheard_until_it_has_an_end(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    asked.end(let_in(asked), Heard.NOTHING)
    before = unheard(asked)

    deliveries.enter(LOCKED, SERVED)

    assert (before, unheard(asked)) == ([Delivery(COMMITMENT, LATEST_S)], [])


def test_end__asked_again_and_lost_again__unheard_since_the_first(asked: AskedPayments) -> None:
    asked.end(let_in(asked), Heard.NOTHING)
    ((first,), second) = (asked.unheard(), let_in(asked))

    asked.end(second, Heard.NOTHING)

    assert asked.unheard() == [first]


def test_end__refused_unsent__forgotten_and_let_in_anew(asked: AskedPayments, deliveries: Deliveries) -> None:
    asked.end(let_in(asked), Heard.UNSENT)
    asked.forget_unsent()

    assert (deliveries.all_in(ASKED), unheard(asked)) == ([], [])
    let_in(asked)


def test_end__refused_unsent_and_delivered_by_its_handler__forgotten(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    asking = let_in(asked)
    assert deliveries.enter_delivered(COMMITMENT)

    asked.end(asking, Heard.UNSENT)
    asked.forget_unsent()

    assert deliveries.all_in(EARLY) == []


@pytest.mark.parametrize("state", [SERVED, DeliveryState.AWAITED, FAILED, DeliveryState.DONE])
def test_end__refused_unsent_after_one_that_was_answered__that_ones_end_is_kept(
    asked: AskedPayments, deliveries: Deliveries, state: DeliveryState
) -> None:
    answered, refused = let_in(asked), let_in(asked)
    deliveries.enter(LOCKED, state)

    asked.end(answered, Heard.ANSWERED)
    asked.end(refused, Heard.UNSENT)
    asked.forget_unsent()
    asked.forget(COMMITMENT)

    assert deliveries.all_in(state) == [LOCKED]


def test_end__refused_unsent_after_one_that_was_lost__not_forgotten(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    asked.end(let_in(asked), Heard.NOTHING)
    asked.end(let_in(asked), Heard.UNSENT)
    asked.forget_unsent()

    assert unheard(asked) == deliveries.all_in(ASKED) == [Delivery(COMMITMENT, LATEST_S)]


def test_end__refused_unsent_while_another_waits__not_forgotten(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    waiting = let_in(asked)
    asked.end(let_in(asked), Heard.UNSENT)
    asked.forget_unsent()
    kept = deliveries.all_in(ASKED)

    asked.end(waiting, Heard.UNSENT)
    asked.forget_unsent()

    assert (kept, deliveries.all_in(ASKED)) == ([Delivery(COMMITMENT, LATEST_S)], [])


def test_ask__called_off_before__not_let_in_and_forgotten(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    asking = Asking(COMMITMENT)
    asked.end(asking, Heard.NOTHING)

    assert asked.ask(asking, LATEST_S) is False
    asked.forget_unsent()

    assert (deliveries.all_in(ASKED), unheard(asked)) == ([], [])


def test_close__while_another_waits__not_closed_and_no_further_one_let_in(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    asked.end(let_in(asked), Heard.NOTHING)
    waiting = let_in(asked)

    closed = [asked.close(LOCKED, FAILED), asked.ask(Asking(COMMITMENT), LATEST_S)]
    asked.end(waiting, Heard.NOTHING)

    assert closed == [False, False]
    assert asked.close(LOCKED, FAILED)
    assert (deliveries.all_in(FAILED), asked.ask(Asking(COMMITMENT), LATEST_S)) == ([LOCKED], False)


def test_close__served_meanwhile__not_closed(asked: AskedPayments, deliveries: Deliveries) -> None:
    asked.end(let_in(asked), Heard.NOTHING)
    deliveries.enter(LOCKED, SERVED)

    assert asked.close(LOCKED, FAILED) is False
    assert deliveries.all_in(SERVED) == [LOCKED]


def test_forget__while_another_waits__kept(asked: AskedPayments, deliveries: Deliveries) -> None:
    asked.end(let_in(asked), Heard.NOTHING)
    waiting = let_in(asked)

    asked.forget(COMMITMENT)
    kept = deliveries.all_in(ASKED)
    asked.end(waiting, Heard.NOTHING)
    asked.forget(COMMITMENT)

    assert (kept, deliveries.all_in(ASKED)) == ([Delivery(COMMITMENT, LATEST_S)], [])
    assert unheard(asked) == []


def test_new__asked_for_and_early_of_an_earlier_run__unheard(
    asked: AskedPayments, deliveries: Deliveries
) -> None:
    let_in(asked)
    let_in(asked, OTHER)
    deliveries.enter_delivered(OTHER)

    assert sorted(unheard(AskedPayments(deliveries)), key=lambda each: each.commitment) == [
        Delivery(COMMITMENT, LATEST_S),
        Delivery(OTHER, LATEST_S),
    ]


class Interrupted(Deliveries):
    """Lets something else happen once, just before it closes or forgets."""

    between: Callable[[], None] = staticmethod(lambda: None)

    def close(self, delivery: Delivery, state: DeliveryState) -> bool:
        self.between()
        return super().close(delivery, state)

    def forget(self, commitments: Iterable[bytes]) -> None:
        self.between()
        super().forget(commitments)


@pytest.mark.parametrize("end", ["close", "forget"])
def test_ask__while_it_is_closed_or_forgotten__waits_and_sees_that(tmp_path: Path, end: str) -> None:
    with Interrupted.open(tmp_path / "p.deliveries") as deliveries, ThreadPoolExecutor(1) as pool:
        asked = AskedPayments(deliveries)
        asked.end(let_in(asked), Heard.NOTHING)
        asking = Asking(COMMITMENT)
        answers: list[Future[bool]] = []

        def ask() -> None:
            answers.append(pool.submit(asked.ask, asking, LATEST_S))
            with contextlib.suppress(TimeoutError):
                answers[0].result(0.2)  # longer than it takes where nothing holds it up

        deliveries.between = ask
        closed = end == "close" and asked.close(LOCKED, FAILED)
        if end == "forget":
            asked.forget(COMMITMENT)

        # Closed it is not let in; forgotten it is entered anew.
        assert (closed, answers[0].result(20)) == (end == "close", end == "forget")
        assert len(deliveries.all_in(FAILED if closed else ASKED)) == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["ask", "delivered", "served", "lost", "refused", "round", "late", "forget", "restart"]
        ),
        st.sampled_from([COMMITMENT, OTHER]),
    ),
    max_size=30,
)


@given(steps=STEPS)
def test_payments__whatever_comes__each_served_or_closed_and_never_both(
    steps: list[tuple[str, bytes]],
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Deliveries.open(Path(folder) / "p.deliveries") as deliveries,
    ):
        asked = AskedPayments(deliveries)
        waiting: dict[bytes, list[Asking]] = {COMMITMENT: [], OTHER: []}
        lost: set[bytes] = set()
        served: set[bytes] = set()
        closed: set[bytes] = set()
        for step, commitment in steps:
            delivery = Delivery(commitment, DEADLINE_S)
            if step == "ask" and asked.ask(asking := Asking(commitment), LATEST_S):
                waiting[commitment].append(asking)
                assert commitment not in closed | served
            if step == "delivered":
                deliveries.enter_delivered(commitment)
            if step in ("served", "lost", "refused") and waiting[commitment]:
                asking = waiting[commitment].pop()
                if step == "served":
                    deliveries.enter(delivery, SERVED)
                    served.add(commitment)
                heard = {"served": Heard.ANSWERED, "lost": Heard.NOTHING, "refused": Heard.UNSENT}[step]
                asked.end(asking, heard)
                lost |= {commitment} if step == "lost" else set()
            if step == "round":
                asked.forget_unsent()
            if step == "late" and asked.close(delivery, FAILED):
                assert not waiting[commitment]
                closed.add(commitment)
            if step == "forget":
                asked.forget(commitment)
                lost -= set() if waiting[commitment] else {commitment}
            if step == "restart":
                lost |= {each for each, askings in waiting.items() if askings}
                waiting = {COMMITMENT: [], OTHER: []}
                asked = AskedPayments(deliveries)
            assert not served & closed
            assert lost - served - closed <= {each.commitment for each in unheard(asked)}
