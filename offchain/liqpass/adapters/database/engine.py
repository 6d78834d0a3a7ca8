"""Connections to the book: a SQLite file, or a PostgreSQL server.

On both, writers run one after another and a reader sees one consistent state. SQLite: WAL mode with full
sync and foreign keys, writers begin with BEGIN IMMEDIATE. PostgreSQL: writers take the lock of the audit
log's head first (`audit_log.py`), readers begin REPEATABLE READ, READ ONLY.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

BUSY_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 60
# A process that is stopped inside a transaction would hold up every writer for ever.
IDLE_IN_TRANSACTION_TIMEOUT_S = 60
# At most 24 connections a process: four fit into the 100 that a server allows unless told otherwise.
_POSTGRES_POOL = {"pool_size": 8, "max_overflow": 16}


class DatabaseError(Exception):
    """Root of the store's errors."""


class DatabaseUrlError(DatabaseError):
    """The database URL cannot be used."""


class DatabaseUnavailableError(DatabaseError):
    """The server does not let us in, or the connection to it was lost."""


def open_engine(url: str) -> Engine:
    """Open the database at `url`; raises DatabaseUrlError. In-memory SQLite is refused: it loses the book.

    Nothing connects yet: a PostgreSQL server that cannot be reached is told at first use, as
    DatabaseUnavailableError.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise DatabaseUrlError("the database URL is not a URL that SQLAlchemy understands") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed)
        case "postgresql":
            return _open_postgres(parsed)
        case other:
            raise DatabaseUrlError(f"{other} is not supported: sqlite:///FILE or postgresql://…")


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseUrlError("SQLite needs a file: sqlite:///path/to/liqpass.db")
    _create_private(Path(url.database))
    engine = create_engine(
        url,
        pool_size=16,
        max_overflow=112,
        hide_parameters=True,
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
    connection.exec_driver_sql("BEGIN" if _is_reading(connection) else "BEGIN IMMEDIATE")


def _open_postgres(url: URL) -> Engine:
    wanted = {
        "lock_timeout": BUSY_TIMEOUT_S,
        "statement_timeout": STATEMENT_TIMEOUT_S,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_S,
    }
    ours = " ".join(f"-c {name}={seconds}s" for name, seconds in wanted.items())
    theirs = url.query.get("options", "")
    arguments = {"options": f"{ours} {theirs}".strip()}  # the later wins: the URL has the last word
    if "application_name" not in url.query:
        arguments["application_name"] = "liqpass"
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = str(CONNECT_TIMEOUT_S)
    try:
        engine = create_engine(
            url, **_POSTGRES_POOL, pool_pre_ping=True, hide_parameters=True, connect_args=arguments
        )
    except (ImportError, NoSuchModuleError):
        raise DatabaseUrlError(f"no driver for {url.drivername} is installed: use postgresql://…") from None
    event.listen(engine, "begin", _begin_postgres)
    event.listen(engine, "handle_error", _say_in_one_line)
    return engine


def _begin_postgres(connection: Connection) -> None:
    if _is_reading(connection):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _is_reading(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("liqpass_read_only", False))


def _say_in_one_line(context: ExceptionContext) -> None:
    if context.is_pre_ping:  # the pool connects anew
        return
    if context.connection is None and context.engine is not None:
        raise DatabaseUnavailableError(
            f"PostgreSQL at {_place(context.engine.url)} does not let us in: "
            f"{_reason(context.original_exception, context.engine.url)}"
        ) from None
    if context.is_disconnect:
        raise DatabaseUnavailableError("the connection to PostgreSQL was lost") from None


def _place(url: URL) -> str:
    host = url.host or url.query.get("host") or "its local socket"
    return f"{host}{f':{url.port}' if url.port else ''}, database {url.database or '(none named)'}"


def _reason(error: BaseException, url: URL) -> str:
    # libpq says `connection to server at "…" failed: FATAL:  …`, then hints in further lines.
    first = str(error).strip().split("\n", 1)[0]
    reason = first.rsplit("failed: ", 1)[-1].removeprefix("FATAL:").strip()
    return reason.replace(str(url.password), "…") if url.password else reason
