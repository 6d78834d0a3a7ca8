"""Connections: SQLite in WAL mode with full sync and foreign keys, writers serialised by BEGIN IMMEDIATE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

BUSY_TIMEOUT_S = 30


class DatabaseError(Exception):
    """Root of the store's errors."""


class DatabaseUrlError(DatabaseError):
    """The database URL cannot be used."""


def open_engine(url: str) -> Engine:
    """Open the database at `url`; raises DatabaseUrlError. In-memory SQLite is refused: it loses the book."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUrlError("the database URL is not a URL that SQLAlchemy understands") from None
    if parsed.get_backend_name() != "sqlite":
        try:
            return create_engine(parsed, pool_size=16, max_overflow=48)
        except (ImportError, NoSuchModuleError):
            raise DatabaseUrlError(
                f"no driver for {parsed.drivername} is installed: only SQLite is supported here"
            ) from None
    if not parsed.database or parsed.database == ":memory:":
        raise DatabaseUrlError("SQLite needs a file: sqlite:///path/to/liqpass.db")
    _create_private(Path(parsed.database))
    engine = create_engine(
        parsed,
        pool_size=16,
        max_overflow=112,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(path: Path) -> None:
    # The book holds wallets and sealed keys; SQLite gives its log files the mode of the database.
    try:
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise DatabaseUrlError(f"the database file {path} cannot be opened: {error.strerror}") from None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: its deferred BEGIN lets two writers read the same
    # state and then fail or overwrite; `_begin_sqlite` takes the write lock before the first read instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("liqpass_read_only", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
