"""What a provider has still to say of its insured payments: on the disk, so that a restart forgets none.

A payment is entered before its settlement is asked for, and again when its answer has left. Where the process
dies in between, it is given back to the client: silence is never taken for service.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from liqpass.adapters.chain.errors import JournalError
from liqpass.adapters.chain.journal_file import make_private

# Of one that is asked for or early nobody has said yet how it ended.
_ASK = """INSERT INTO deliveries VALUES (?, ?, 'asked') ON CONFLICT DO UPDATE
    SET deadline_s = max(deadline_s, excluded.deadline_s) WHERE state IN ('asked', 'early')"""
_AWAIT = """INSERT INTO deliveries VALUES (?, ?, 'awaited') ON CONFLICT DO UPDATE
    SET state = CASE state WHEN 'early' THEN 'served' ELSE 'awaited' END, deadline_s = excluded.deadline_s
    WHERE state IN ('asked', 'early')"""
_ENTER = """INSERT INTO deliveries VALUES (?, ?, ?) ON CONFLICT DO UPDATE
    SET state = excluded.state, deadline_s = excluded.deadline_s WHERE state IN ('asked', 'early')"""
_DELIVER = """INSERT INTO deliveries VALUES (?, 0, 'early') ON CONFLICT DO UPDATE
    SET state = CASE state WHEN 'awaited' THEN 'served' ELSE 'early' END
    WHERE state IN ('asked', 'awaited')"""
_CLOSE = """UPDATE deliveries SET state = ?, deadline_s = ?
    WHERE commitment = ? AND state IN ('asked', 'early')"""
_FORGET = "DELETE FROM deliveries WHERE commitment = ? AND state IN ('asked', 'early')"
_TABLE = """CREATE TABLE IF NOT EXISTS deliveries (
    commitment BLOB PRIMARY KEY, deadline_s INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID"""
# What is done stays, and each round asks for the others several times.
_INDEX = "CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, deadline_s)"
IN_STATE = "SELECT commitment, deadline_s FROM deliveries WHERE state = ? ORDER BY deadline_s"


class DeliveryState(StrEnum):
    """asked → awaited (answered 202) → served → confirmed → done; failed (5xx) → refunded → done.

    asked: to be settled, and not answered yet. early: delivered before its answer left. done: nothing can
    change it any more.
    """

    ASKED = "asked"
    AWAITED = "awaited"
    EARLY = "early"
    SERVED = "served"
    FAILED = "failed"
    CONFIRMED = "confirmed"
    REFUNDED = "refunded"
    DONE = "done"

    @property
    def is_open(self) -> bool:
        """Whether nobody has said yet how it was answered."""
        return self in (DeliveryState.ASKED, DeliveryState.EARLY)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One insured payment; `deadline_s` in unix seconds, until which it can be confirmed or refunded.

    Of one that is only asked for: until which it can be settled.
    """

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
                connection.execute(_INDEX)
            except sqlite3.DatabaseError as error:
                raise JournalError(f"{path} cannot be used: {type(error).__name__}") from error
            yield cls(connection)

    def enter_asked(self, delivery: Delivery) -> DeliveryState:
        """Its settlement is about to be asked for; the state that it has on the disk when this returns."""
        with self._lock:
            self._connection.execute(_ASK, (delivery.commitment, delivery.deadline_s))
            query = "SELECT state FROM deliveries WHERE commitment = ?"
            (state,) = self._connection.execute(query, (delivery.commitment,)).fetchone()
        return DeliveryState(state)

    def enter(self, delivery: Delivery, state: DeliveryState) -> None:
        """On the disk when this returns; what has an end already stays as it is."""
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

    def close(self, delivery: Delivery, state: DeliveryState) -> bool:
        """Whether nobody had said how it was answered, and so it is in that state now."""
        row = (str(state), delivery.deadline_s, delivery.commitment)
        with self._lock:
            return self._connection.execute(_CLOSE, row).rowcount == 1

    def forget(self, commitments: Iterable[bytes]) -> None:
        """Those of them of which nothing was settled, as if they had never been asked for."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(_FORGET, [(commitment,) for commitment in commitments])

    def move(self, commitment: bytes, before: DeliveryState, after: DeliveryState) -> bool:
        """Whether it was in the state `before`, and so is in `after` now."""
        update = "UPDATE deliveries SET state = ? WHERE commitment = ? AND state = ?"
        with self._lock:
            moved = self._connection.execute(update, (str(after), commitment, str(before))).rowcount
        return moved == 1

    def all_in(self, state: DeliveryState) -> list[Delivery]:
        """Those in a state, the earliest deadline first."""
        with self._lock:
            return [Delivery(*row) for row in self._connection.execute(IN_STATE, (str(state),))]
