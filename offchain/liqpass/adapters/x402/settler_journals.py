"""All settlers' journals in one folder, to look at: who has signed for a payment.

A lane's own journal stops it from settling a payment twice; this stops it from settling what is another's.
Those of settlers that this process has no key of count too: another process may run with them, or none.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from liqpass.adapters.chain.errors import JournalError
from liqpass.adapters.chain.records import IntentState
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.insured_settlement import KEY_PREFIX, settlement_key

_IS_SIGNED = (
    "EXISTS (SELECT 1 FROM attempts WHERE intent_id = intents.id AND raw IS NOT NULL AND state != 'lost')"
)
_HOLDS = f"SELECT 1 FROM intents WHERE key = ? AND (state = '{IntentState.FINAL}' OR {_IS_SIGNED})"  # noqa: S608
_UNFINISHED = (
    "SELECT key FROM intents WHERE substr(key, 1, ?) = ? "  # noqa: S608
    f"AND state IN ('{IntentState.SIGNED}', '{IntentState.SENT}', '{IntentState.SEEN}') AND {_IS_SIGNED} "
    "ORDER BY id"
)


class SettlerJournals:
    """Made by `open`. For any thread; it writes nothing."""

    def __init__(self, insurance: Insurance, journals: dict[str, sqlite3.Connection]) -> None:
        self._insurance, self._journals, self._lock = insurance, journals, threading.Lock()

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: Path, insurance: Insurance, genesis_hash: str) -> Iterator[Self]:
        """The journals that are there now, of this chain. Raises JournalError for one that cannot be read."""
        with contextlib.ExitStack() as stack:
            journals = {}
            for path in sorted(folder.glob(f"{insurance.chain_id}-0x*.sqlite3")):
                try:
                    connection = sqlite3.connect(
                        f"{path.resolve().as_uri()}?mode=ro",
                        uri=True,
                        isolation_level=None,
                        timeout=10,
                        check_same_thread=False,
                    )
                    stack.enter_context(contextlib.closing(connection))
                    signer, genesis = connection.execute(
                        "SELECT signer, genesis_hash FROM identity"
                    ).fetchone()
                except (sqlite3.Error, TypeError) as error:
                    raise JournalError(f"{path} cannot be read: {type(error).__name__}") from None
                if genesis == genesis_hash:  # else of a dead development chain
                    journals[str(signer)] = connection
            yield cls(insurance, journals)

    def holder(self, commitment: bytes) -> str | None:
        """The settler whose signed bytes settled this payment, or still may; None: nobody's."""
        key = settlement_key(self._insurance, commitment)
        for settler, rows in self._ask(_HOLDS, key):
            if rows:
                return settler
        return None

    def unfinished(self) -> dict[str, list[str]]:
        """Keys of signed settlements without an end, oldest first, by settler."""
        prefix = f"{KEY_PREFIX}{self._insurance.contract}/"
        found = self._ask(_UNFINISHED, len(prefix), prefix)
        return {settler: [key for (key,) in rows] for settler, rows in found if rows}

    def _ask(self, query: str, *parameters: str | int) -> Iterator[tuple[str, list[tuple[str]]]]:
        for settler, connection in self._journals.items():
            try:
                with self._lock:
                    rows = connection.execute(query, parameters).fetchall()
            except sqlite3.Error as error:
                raise JournalError(
                    f"the journal of {settler} cannot be read: {type(error).__name__}"
                ) from None
            yield settler, rows
