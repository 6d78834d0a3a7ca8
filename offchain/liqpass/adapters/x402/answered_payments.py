"""Payments for which "settled" was said: once, so that a payment sent again buys nothing again.

In the upfront flow a resource server does not verify, so that nothing else would stop a client that sends one
payment twice. It is written down before it is said: where the process dies in between, the client is not
served, and its money comes back out of the bond. One file for all settlers of a folder: a payment may come to
another one after a restart.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from liqpass.adapters.chain.errors import JournalError
from liqpass.adapters.chain.journal_file import make_private

_TABLE = (
    "CREATE TABLE IF NOT EXISTS answered (commitment BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID"
)


class AnsweredPayments:
    """A file of mode 0600. Made by `open`; for any thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Open or create, closed at the end. Raises JournalError for a file that is something else."""
        make_private(path)
        with contextlib.closing(
            sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
        ) as connection:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(_TABLE)
            except sqlite3.DatabaseError as error:
                raise JournalError(f"{path} cannot be used: {type(error).__name__}") from error
            yield cls(connection)

    def holds(self, commitment: bytes) -> bool:
        """Whether it was said."""
        with self._lock:
            query = "SELECT 1 FROM answered WHERE commitment = ?"
            return self._connection.execute(query, (commitment,)).fetchone() is not None

    def add(self, commitment: bytes) -> bool:
        """On the disk when this returns; whether it is new. Only then it may be said."""
        row = (commitment, time.time_ns() // 1_000_000)
        with self._lock:
            return self._connection.execute("INSERT OR IGNORE INTO answered VALUES (?, ?)", row).rowcount == 1
