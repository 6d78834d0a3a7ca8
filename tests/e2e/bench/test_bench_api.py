"""The load benchmark in small: the shape of its rows, and a queue whose cost is not that of history."""

from __future__ import annotations

from pathlib import Path

from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from liqpass.adapters.database.store import SqlStore
from liqpass.domain.audit import verify_chain
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.records import Site

from benchmarks.api import MOST_GROWTH, Effort, growth, run, table
from benchmarks.api_history import fill


def test_run__small_books__measures_everything_and_the_queue_does_not_grow() -> None:
    rows = run((200, 2_000), (1,), Effort(quotes=40, pages=120, claims=4))

    assert {row.what for row in rows} == {"quote", "admin queue", "claim"}
    assert {row.policies for row in rows} == {200, 2_000}
    assert all(0 < row.timing.p50_ms <= row.timing.p99_ms for row in rows)
    assert table(rows).row_count == len(rows)
    for database in {row.database for row in rows}:
        assert growth(rows, database) <= MOST_GROWTH


def test_fill__any_size__gives_a_book_whose_audit_chain_verifies(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'book.db'}")
    migrate.upgrade(engine)

    fill(engine, Site(31337, "0xc1", "0xc2", "simulator"), CONSERVATIVE, 200, 1_769_050_800_000)

    with SqlStore(engine).read() as unit:
        assert verify_chain(unit.audit.entries(), unit.audit.anchor()) is None
        assert unit.audit.anchor().count == 300
