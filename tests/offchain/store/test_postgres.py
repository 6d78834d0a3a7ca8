"""PostgreSQL itself: who is not let in is told why, waiting ends, a lost connection is replaced."""

from collections.abc import Iterator

import pytest
from liqpass.adapters.database.engine import DatabaseUnavailableError, open_engine
from liqpass.adapters.database.store import SqlStore
from postgres_server import PostgresServer
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


def said_at(url: str) -> str:
    with pytest.raises(DatabaseUnavailableError) as caught, SqlStore(open_engine(url)).read() as unit:
        unit.audit.anchor()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_open_engine__no_server__one_line() -> None:
    message = said_at("postgresql://liqpass:canary@127.0.0.1:1/book")

    assert message == "PostgreSQL at 127.0.0.1:1, database book does not let us in: Connection refused"


def test_open_engine__database_missing__one_line(postgres_server: PostgresServer) -> None:
    assert said_at(postgres_server.url("nosuch")).endswith('database "nosuch" does not exist')


def test_open_engine__password_wrong__one_line_without_it(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    rules = postgres_server.folder / "data" / "pg_hba.conf"
    kept = rules.read_text()
    postgres_server.execute("CREATE ROLE teller LOGIN PASSWORD 'right'")
    rules.write_text("local all teller scram-sha-256\n" + kept)
    postgres_server.execute("SELECT pg_reload_conf()")

    message = said_at(postgres_url.replace("postgres@", "teller:canary@"))

    rules.write_text(kept)
    postgres_server.execute("SELECT pg_reload_conf()")
    postgres_server.execute("DROP ROLE teller")
    assert message.endswith('password authentication failed for user "teller"')
    assert "canary" not in message


def test_connect__no_options_in_the_url__named_and_limited(engine: Engine) -> None:
    with engine.connect() as connection:
        shown = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("application_name", "lock_timeout", "statement_timeout")
        }

    assert shown == {"application_name": "liqpass", "lock_timeout": "30s", "statement_timeout": "1min"}


def test_connect__options_in_the_url__they_win(postgres_url: str) -> None:
    engine = open_engine(f"{postgres_url}&options=-c%20lock_timeout%3D5s&application_name=worker")
    with engine.connect() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("lock_timeout", "statement_timeout", "application_name")
        ]
    engine.dispose()

    assert shown == ["5s", "1min", "worker"]


def test_read__tries_to_write__refused(engine: Engine) -> None:
    with pytest.raises(DBAPIError, match="read-only transaction"), SqlStore(engine).read() as unit:
        unit.orders.next_policy_no()


def test_write__lock_held_too_long__ends(postgres_url: str) -> None:
    engine = open_engine(f"{postgres_url}&options=-c%20lock_timeout%3D50ms")
    store = SqlStore(engine)

    with store.write(), pytest.raises(DBAPIError, match="lock timeout"), store.write():
        pass
    engine.dispose()


def test_read__server_ended_the_connection_meanwhile__connects_anew(
    engine: Engine, postgres_server: PostgresServer
) -> None:
    with SqlStore(engine).read() as unit:
        before = unit.audit.anchor()
    _end_connections(postgres_server, engine)

    with SqlStore(engine).read() as unit:
        assert unit.audit.anchor() == before


def test_write__server_ends_the_connection_inside__lost_and_nothing_kept(
    engine: Engine, postgres_server: PostgresServer
) -> None:
    with pytest.raises(DatabaseUnavailableError, match="was lost"), SqlStore(engine).write() as unit:
        assert unit.orders.next_policy_no() == 1
        _end_connections(postgres_server, engine)
        unit.orders.next_policy_no()

    with SqlStore(engine).write() as unit:
        assert unit.orders.next_policy_no() == 1


def _end_connections(server: PostgresServer, engine: Engine) -> None:
    name = make_url(str(engine.url)).database
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
