"""The schema: up and down, the tables that the code expects, SQLite as we need it."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import DatabaseUrlError, open_engine
from liqpass.adapters.database.store import SchemaError, SqlStore
from liqpass.adapters.database.tables import metadata
from sqlalchemy import Engine, inspect


def test_upgrade__empty_file__exactly_the_tables_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert migrate.current(engine) == migrate.head()


def test_downgrade__to_base__no_tables_left_and_up_again_works(engine: Engine) -> None:
    migrate.downgrade(engine, "base")
    left = set(inspect(engine).get_table_names())
    migrate.upgrade(engine)

    assert left == {"alembic_version"}
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_upgrade__twice__nothing_happens(engine: Engine) -> None:
    with SqlStore(engine).write() as unit:
        unit.orders.next_policy_no()

    migrate.upgrade(engine)

    with SqlStore(engine).write() as unit:
        assert unit.orders.next_policy_no() == 2


def test_upgrade__rows_of_the_first_schema__kept_and_their_time_unknown(engine: Engine) -> None:
    migrate.downgrade(engine, "0001")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO sync_blocks VALUES (1, '0xc0', 7, '0xhash')")

    migrate.upgrade(engine)

    with SqlStore(engine).read() as unit:
        assert unit.payments.cursor(1, "0xc0") == [(7, "0xhash")]
        assert unit.payments.read_until_s(1, "0xc0") is None


def test_check_schema__never_migrated__says_what_to_run(tmp_path: Path) -> None:
    store = SqlStore(open_engine(f"sqlite:///{tmp_path / 'new.db'}"))

    with pytest.raises(SchemaError, match="run `liqpass db upgrade`"):
        store.check_schema()


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)]
)
def test_open_engine__sqlite__pragma_set(sqlite_engine: Engine, pragma: str, value: object) -> None:
    with sqlite_engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_open_engine__new_file__readable_by_its_owner_only(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    migrate.upgrade(engine)

    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("new.db*")} == {0o600}
    engine.dispose()


def test_open_engine__folder_missing__says_so(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUrlError, match="No such file"):
        open_engine(f"sqlite:///{tmp_path / 'none' / 'l.db'}")


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "not a url", "", "postgresql://db:port/x", "mysql://db/x"]
)
def test_open_engine__url_that_keeps_nothing__refused(url: str) -> None:
    with pytest.raises(DatabaseUrlError):
        open_engine(url)
