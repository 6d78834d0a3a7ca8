"""What a provider has still to say of its insured payments: on the disk, so that a restart forgets none.

A payment is entered when its answer has left. Where the process dies before, nothing is entered, nothing is
confirmed, and the client's money comes back out of the bond: silence is never taken for service.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from liqpass.adapters.chain.errors import JournalError
from liqpass.adapters.chain.journal_file import make_private

_AWAIT = """INSERT INTO deliveries VALUES (?, ?, 'awaited') ON CONFLICT DO UPDATE
    SET state = 'served', deadline_s = excluded.deadline_s WHERE state = 'early'"""
_ENTER = """INSERT INTO deliveries VALUES (?, ?, ?) ON CONFLICT DO UPDATE
    SET state = excluded.state, deadline_s = excluded.deadline_s WHERE state = 'early'"""
_DELIVER = """INSERT INTO deliveries VALUES (?, 0, 'early') ON CONFLICT DO UPDATE
    SET state = 'served' WHERE state = 'awaited'"""
_TABLE = """CREATE TABLE IF NOT EXISTS deliveries (
    commitment BLOB PRIMARY KEY, deadline_s INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID"""


class DeliveryState(StrEnum):
    """awaited (answered 202) → served → confirmed → done; failed (5xx) → refunded → done.

    early: delivered before its answer left. done: nothing can change it any more.
    """

    AWAITED = "awaited"
    EARLY = "early"
    SERVED = "served"
    FAILED = "failed"
    CONFIRMED = "confirmed"
    REFUNDED = "refunded"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One insured payment; `deadline_s` in unix seconds, until which it can be confirmed or refunded."""

    commitment: bytes
    deadline_s: int


class Deliveries:
    """A file of mode 0600. Made by `open`; for any thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Open or create, closed at the end. Raises JournalError for a file that is something else."""
        make_private(path)
        connection = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
        with contextlib.closing(connection):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(_TABLE)
            except sqlite3.DatabaseError as error:
                raise JournalError(f"{path} cannot be used: {type(error).__name__}") from error
            yield cls(connection)

    def enter(self, delivery: Delivery, state: DeliveryState) -> None:
        """On the disk when this returns; what is entered already stays as it is, unless it was early."""
        row = (delivery.commitment, delivery.deadline_s, str(state))
        with self._lock:
            self._connection.execute(_ENTER, row)

    def enter_awaited(self, delivery: Delivery) -> None:
        """Promised; served at once where it was delivered before this."""
        with self._lock:
            self._connection.execute(_AWAIT, (delivery.commitment, delivery.deadline_s))

    def enter_delivered(self, commitment: bytes) -> bool:
        """What was promised, or is about to be, has been delivered; False where it has another end."""
        with self._lock:
            return self._connection.execute(_DELIVER, (commitment,)).rowcount == 1

    def move(self, commitment: bytes, before: DeliveryState, after: DeliveryState) -> bool:
        """Whether it was in the state `before`, and so is in `after` now."""
        update = "UPDATE deliveries SET state = ? WHERE commitment = ? AND state = ?"
        with self._lock:
            moved = self._connection.execute(update, (str(after), commitment, str(before))).rowcount
        return moved == 1

    def all_in(self, state: DeliveryState) -> list[Delivery]:
        """Those in a state, the earliest deadline first."""
        query = "SELECT commitment, deadline_s FROM deliveries WHERE state = ? ORDER BY deadline_s"
        with self._lock:
            return [Delivery(*row) for row in self._connection.execute(query, (str(state),))]
