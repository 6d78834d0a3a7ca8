"""What operators look at goes along an index: no scan of a table that only grows, and no sorting of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from liqpass.adapters.database.overview_rows import OverviewRows
from sqlalchemy import Engine, event

KEY = (1, "00000000-0000-4000-8000-000000000000")
Ask = Callable[[OverviewRows], object]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Engine]:
    """A SQLite file: the plans that are looked at are its own."""
    engine = open_engine(f"sqlite:///{tmp_path / 'book.db'}")
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    found: list[tuple[str, Any]] = []

    def keep(_c: object, _k: object, statement: str, values: Any, _x: object, _m: object) -> None:
        if statement.lstrip().startswith("SELECT"):
            found.append((statement, values))

    event.listen(engine, "before_cursor_execute", keep)
    yield found
    event.remove(engine, "before_cursor_execute", keep)


def plan(engine: Engine, ask: Ask) -> str:
    """SQLite's plan of the statements that `ask` makes."""
    with engine.connect() as connection:
        with statements(engine) as asked:
            ask(OverviewRows(connection))
        lines = [
            str(row[3])
            for statement, values in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    assert lines
    return "\n".join(lines)


def page(**asked: Any) -> Ask:
    wanted = {"state": None, "verdict": None, "after": None, "newest_first": False, "limit": 51, **asked}
    return lambda rows: rows.claims_page(**wanted)


PAGES = {
    "all": (page(), "ix_claims_requested_at_ms"),
    "all, further on": (page(after=KEY, newest_first=True), "ix_claims_requested_at_ms"),
    "state": (page(state="PENDING"), "ix_claims_state_requested_at_ms"),
    "state, further on": (page(state="PENDING", after=KEY), "ix_claims_state_requested_at_ms"),
    "over, newest first": (
        page(state="PAID", after=KEY, newest_first=True),
        "ix_claims_state_requested_at_ms",
    ),
    "state and verdict": (
        page(state="PAID", verdict="NEEDS_REVIEW", after=KEY),
        "ix_claims_state_verdict_requested_at_ms",
    ),
}


@pytest.mark.parametrize(("ask", "index"), PAGES.values(), ids=PAGES)
def test_claims_page__any_filter__along_its_index_without_sorting(book: Engine, ask: Ask, index: str) -> None:
    found = plan(book, ask)

    assert f"INDEX {index}" in found
    assert "TEMP B-TREE" not in found


OTHERS: dict[str, Ask] = {
    "claims of a policy": lambda rows: rows.claims_found(policy_no=1),
    "claims of orders": lambda rows: rows.claims_found(order_ids=["a", "b"]),
    "orders": lambda rows: rows.orders_by_id(["a", "b"]),
    "words": lambda rows: rows.words_on(["a", "b"]),
    "count": lambda rows: rows.count_claims("PAID", up_to=10),
    "reasons": lambda rows: rows.first_reasons(["PENDING", "FAILED"], limit=10),
    "oldest": lambda rows: rows.oldest_request_ms("PENDING"),
    "fetching": lambda rows: rows.count_fetching_since(1),
    "paid since": lambda rows: rows.paid_since(1),
    "unmatched": lambda rows: rows.count_unmatched(),
    "claims per day": lambda rows: rows.claims_per_day(1),
    "payouts per day": lambda rows: rows.payouts_per_day(1),
    "open items": lambda rows: rows.open_items_total(["PLANNED", "APPROVED"]),
}


@pytest.mark.parametrize("ask", OTHERS.values(), ids=OTHERS)
def test_figures__any_question__searches_and_scans_no_table(book: Engine, ask: Ask) -> None:
    found = plan(book, ask)

    tables = ("claims", "orders", "reviews", "payouts", "unmatched_payments", "batches", "batch_items")
    assert "SEARCH" in found
    assert not any(f"SCAN {table}" in found for table in tables), found
