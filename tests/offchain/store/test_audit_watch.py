"""Each entry is verified once; what is new, cut off or rewritten is found at the next look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from liqpass.adapters.database.store import SqlStore
from liqpass.overseeing import AuditWatch
from liqpass.records import Act
from sqlalchemy import Engine, event


def write(store: SqlStore, count: int) -> None:
    with store.write() as unit:
        for number in range(count):
            unit.controls.note("order/1", Act("rita", "NOTED", number, {}))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Engine]:
    """A SQLite file: whoever has the file can take its triggers away."""
    engine = open_engine(f"sqlite:///{tmp_path / 'book.db'}")
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(book: Engine) -> SqlStore:
    store = SqlStore(book)
    write(store, 5)
    with book.begin() as connection:
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER audit_refuses_{verb}")
    return store


def test_health__empty_log__no_fault(engine: Engine) -> None:
    health = AuditWatch(SqlStore(engine)).health()

    assert (health.count, health.verified, health.fault) == (0, 0, None)


def test_health__entries_come__each_verified_at_the_next_look(store: SqlStore) -> None:
    watch = AuditWatch(store)

    first = watch.health()
    write(store, 3)
    second = watch.health()

    assert (first.count, first.verified, first.fault) == (5, 5, None)
    assert (second.count, second.verified, second.fault) == (8, 8, None)


def test_health__long_history__so_many_entries_a_look(store: SqlStore, book: Engine) -> None:
    watch = AuditWatch(store, step=2)

    looks = [(health.verified, health.fault) for health in (watch.health() for _ in range(4))]

    assert looks == [(2, None), (4, None), (5, None), (5, None)]


def test_health__nothing_new__one_entry_read(store: SqlStore, book: Engine) -> None:
    watch = AuditWatch(store)
    watch.health()
    asked: list[tuple[object, ...]] = []
    event.listen(
        book,
        "before_cursor_execute",
        lambda _c, _k, statement, values, _x, _m: "BETWEEN" in statement and asked.append(tuple(values)),
    )

    watch.health()

    assert asked == [(5, 5)]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET actor = 'mallory' WHERE seq = 7",
        "DELETE FROM audit WHERE seq = 7",
        "DELETE FROM audit WHERE seq > 6",
        "DELETE FROM audit WHERE seq >= 5",
        "UPDATE audit_head SET count = 3",
        f"UPDATE audit_head SET head = '{'0' * 64}'",
        f"UPDATE audit SET entry_hash = '{'1' * 64}' WHERE seq = 5",
    ],
)
def test_health__tampered_from_the_verified_point_on__fault_that_stays(
    store: SqlStore, book: Engine, sql: str
) -> None:
    watch = AuditWatch(store)
    watch.health()
    write(store, 3)
    with book.begin() as connection:
        connection.exec_driver_sql(sql)

    assert watch.health().fault is not None
    assert watch.health().fault is not None


def test_health__behind_the_verified_point__found_by_the_next_process(store: SqlStore, book: Engine) -> None:
    watch = AuditWatch(store)
    watch.health()
    with book.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'mallory' WHERE seq = 2")

    fault = AuditWatch(store).health().fault

    assert watch.health().fault is None
    assert fault is not None
    assert fault.seq == 2
