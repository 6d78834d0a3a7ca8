"""The load benchmark in small: the shape of its rows, and how it judges. How fast it was is not tested."""

from __future__ import annotations

from pathlib import Path

from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from liqpass.adapters.database.store import SqlStore
from liqpass.domain.audit import verify_chain
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.records import Site

from benchmarks.api import Effort, Row, growth, run, table
from benchmarks.api_history import fill
from benchmarks.api_load import Timing


def test_run__small_books__measures_everything() -> None:
    rows = run((200, 2_000), (1,), Effort(quotes=40, pages=120, claims=4))

    assert {row.what for row in rows} == {"quote", "admin queue", "claim"}
    assert {row.policies for row in rows} == {200, 2_000}
    assert all(0 < row.timing.p50_ms <= row.timing.p99_ms for row in rows)
    assert table(rows).row_count == len(rows)
    assert {row.database for row in rows} >= {"SQLite"}
    assert all(growth(rows, row.database) > 0 for row in rows)


def test_growth__several_books__the_longest_beside_the_shortest_of_one_database_alone() -> None:
    def row(database: str, policies: int, connections: int, took_s: float) -> Row:
        return Row(database, policies, 1, connections, "admin queue", Timing((took_s,) * 3, 1.0))

    rows = [
        row("SQLite", 10_000, 1, 0.009),
        row("SQLite", 100_000, 1, 0.012),
        row("SQLite", 1_000, 1, 0.008),
        row("SQLite", 100_000, 8, 0.5),
        row("PostgreSQL", 100_000, 1, 0.02),
        row("PostgreSQL", 1_000, 1, 0.01),
    ]

    assert growth(rows, "SQLite") == 1.5
    assert growth(rows, "PostgreSQL") == 2.0


def test_fill__any_size__gives_a_book_whose_audit_chain_verifies(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'book.db'}")
    migrate.upgrade(engine)

    fill(engine, Site(31337, "0xc1", "0xc2", "simulator"), CONSERVATIVE, 200, 1_769_050_800_000)

    with SqlStore(engine).read() as unit:
        assert verify_chain(unit.audit.entries(), unit.audit.anchor()) is None
        assert unit.audit.anchor().count == 300
