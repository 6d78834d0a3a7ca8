"""What a provider has still to say of its payments, whatever comes first and however often."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from liqpass.adapters.chain.errors import JournalError
from liqpass.adapters.x402.answered_payments import AnsweredPayments
from liqpass.adapters.x402.deliveries import IN_STATE, Deliveries, Delivery, DeliveryState

FIRST, SECOND = Delivery(b"\x01" * 32, 200), Delivery(b"\x02" * 32, 100)


@pytest.fixture
def deliveries(tmp_path: Path) -> Iterator[Deliveries]:
    with Deliveries.open(tmp_path / "folder" / "p.deliveries") as opened:
        yield opened


def test_enter__several__earliest_deadline_first(deliveries: Deliveries) -> None:
    for delivery in (FIRST, SECOND):
        deliveries.enter(delivery, DeliveryState.SERVED)

    assert deliveries.all_in(DeliveryState.SERVED) == [SECOND, FIRST]


def test_enter__known_already__stays_as_it_is(deliveries: Deliveries) -> None:
    deliveries.enter(FIRST, DeliveryState.FAILED)

    deliveries.enter(FIRST, DeliveryState.SERVED)

    assert deliveries.all_in(DeliveryState.FAILED) == [FIRST]
    assert deliveries.all_in(DeliveryState.SERVED) == []


def test_delivered__after_the_promise__served_once(deliveries: Deliveries) -> None:
    deliveries.enter_awaited(FIRST)

    told = [deliveries.enter_delivered(FIRST.commitment) for _ in range(2)]

    assert told == [True, False]
    assert deliveries.all_in(DeliveryState.SERVED) == [FIRST]


def test_delivered__before_the_promise__served_with_its_deadline(deliveries: Deliveries) -> None:
    told = deliveries.enter_delivered(FIRST.commitment)
    early = deliveries.all_in(DeliveryState.SERVED)

    deliveries.enter_awaited(FIRST)

    assert (told, early) == (True, [])
    assert deliveries.all_in(DeliveryState.SERVED) == [FIRST]


@pytest.mark.parametrize("state", [DeliveryState.SERVED, DeliveryState.FAILED])
def test_enter__delivered_before_its_answer__ends_as_answered(
    deliveries: Deliveries, state: DeliveryState
) -> None:
    deliveries.enter_asked(Delivery(FIRST.commitment, 1))
    assert deliveries.enter_delivered(FIRST.commitment)

    deliveries.enter(FIRST, state)

    assert deliveries.all_in(state) == [FIRST]
    assert deliveries.all_in(DeliveryState.EARLY) == []


def test_delivered__failed__refused(deliveries: Deliveries) -> None:
    deliveries.enter(FIRST, DeliveryState.FAILED)

    assert deliveries.enter_delivered(FIRST.commitment) is False


def test_move__from_another_state__not_moved(deliveries: Deliveries) -> None:
    deliveries.enter(FIRST, DeliveryState.SERVED)

    assert not deliveries.move(FIRST.commitment, DeliveryState.FAILED, DeliveryState.DONE)
    assert deliveries.move(FIRST.commitment, DeliveryState.SERVED, DeliveryState.DONE)


@pytest.mark.parametrize("kind", [Deliveries, AnsweredPayments])
def test_open__something_else__refused_and_else_private(
    tmp_path: Path, kind: type[Deliveries] | type[AnsweredPayments]
) -> None:
    (tmp_path / "other").write_text("x" * 5_000)

    with pytest.raises(JournalError, match="cannot be used"), kind.open(tmp_path / "other"):
        pass
    with kind.open(tmp_path / "new"):
        assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_all_in__many_done_long_ago__they_are_not_read(tmp_path: Path) -> None:
    """A file of an earlier version, which had no index, gets one."""
    path = tmp_path / "x.deliveries"
    with Deliveries.open(path):
        pass
    with closing(sqlite3.connect(path)) as file:
        file.execute("DROP INDEX deliveries_by_state")

    with Deliveries.open(path), closing(sqlite3.connect(path)) as file:
        plan = [row[-1] for row in file.execute(f"EXPLAIN QUERY PLAN {IN_STATE}", ("served",))]

    assert plan == ["SEARCH deliveries USING COVERING INDEX deliveries_by_state (state=?)"]


def test_answered__added__held_after_opening_again(tmp_path: Path) -> None:
    with AnsweredPayments.open(tmp_path / "answered") as answered:
        before = answered.holds(FIRST.commitment)
        answered.add(FIRST.commitment)
        answered.add(FIRST.commitment)

    with AnsweredPayments.open(tmp_path / "answered") as answered:
        assert (before, answered.holds(FIRST.commitment), answered.holds(SECOND.commitment)) == (
            False,
            True,
            False,
        )
