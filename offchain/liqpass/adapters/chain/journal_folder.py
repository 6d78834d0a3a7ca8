"""All journals of a folder, looked at from another process: opened for reading only, never created."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from liqpass.adapters.chain.records import IntentState
from liqpass.ports.oversight import JournalsError, StuckIntent

_ENDED = (IntentState.FINAL, IntentState.ABANDONED)
_QUERY = """SELECT key, state, changed_at_ms, (SELECT signer FROM identity) AS signer FROM intents
            WHERE state NOT IN (?, ?) AND changed_at_ms <= ? ORDER BY changed_at_ms"""


class JournalFolder:
    """`folder` as the ape scripts fill it, one file a chain and signer; `now_ms` is the machine's clock."""

    def __init__(
        self, folder: Path, *, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._folder = folder
        self._now_ms = now_ms

    def stuck(self, *, for_ms: int) -> list[StuckIntent]:
        """Intents neither final nor abandoned that have not changed for so long. Raises JournalsError."""
        before_ms = self._now_ms() - for_ms
        return [
            intent for path in sorted(self._folder.glob("*.sqlite3")) for intent in _stuck(path, before_ms)
        ]


def _stuck(path: Path, before_ms: int) -> list[StuckIntent]:
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as journal:
            rows = journal.execute(_QUERY, (*map(str, _ENDED), before_ms)).fetchall()
    except sqlite3.Error as error:
        raise JournalsError(f"the journal {path.name} cannot be read: {type(error).__name__}") from None
    return [StuckIntent(key, signer, state, changed_at_ms) for key, state, changed_at_ms, signer in rows]
