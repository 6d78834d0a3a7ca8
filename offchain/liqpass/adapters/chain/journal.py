"""The journal: what was meant to be sent, what was signed, how it ended. SQLite on the signer's machine.

Each step is committed, and synced to the disk, before the next one begins: the nonce before signing, the
signed bytes and their hash before the first broadcast. So a run that dies anywhere leaves either bytes to
send again or the certainty that none exist.

Which chain a journal belongs to: its chain id and genesis hash, and the first block in which one of its
transactions became final. On a live chain another genesis is an error. The development chain 31337 starts
anew all the time: there a journal whose genesis or first final block is gone is a dead chain's; it is renamed
to `<name>.dead-<n>`, and an empty one takes its place.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from eth_utils.crypto import keccak

from liqpass.adapters.chain import journal_file
from liqpass.adapters.chain.errors import (
    IntentMismatchError,
    JournalError,
    JournalForeignError,
)
from liqpass.adapters.chain.policy import Fees
from liqpass.adapters.chain.records import Attempt, AttemptState, Intent, IntentState, NonceState
from liqpass.adapters.chain.rpc import ChainIdentity, Receipt
from liqpass.domain import chains


class Journal:
    """One signer's transactions on one chain. Made by `Journal.open`, or `Journal.inspect` only to look."""

    def __init__(self, path: Path, connection: sqlite3.Connection, now_ms: Callable[[], int]) -> None:
        self.path = path
        self._connection = connection
        self._now_ms = now_ms
        row = connection.execute("SELECT * FROM identity").fetchone()
        self.chain_id: int = row["chain_id"]
        self.signer: str = row["signer"]
        self.genesis_hash: str = row["genesis_hash"]

    @classmethod
    def open(
        cls,
        path: Path,
        identity: ChainIdentity,
        signer: str,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> Self:
        """Open or create.

        Raises JournalForeignError (another chain or signer), JournalPermissionError (mode is not 0600),
        JournalBusyError (a dead chain's journal is still in use).
        """
        journal = cls(path, journal_file.open_or_create(path, identity, signer), now_ms)
        if (journal.chain_id, journal.signer) != (identity.chain_id, signer):
            journal.close()
            raise JournalForeignError(
                f"{path} is the journal of {journal.signer} on chain {journal.chain_id}, "
                f"not of {signer} on chain {identity.chain_id}"
            )
        if journal._is_of(identity):
            return journal
        journal.close()
        if identity.chain_id != chains.LOCAL:
            raise JournalForeignError(
                f"{path} was begun on a chain {identity.chain_id} with another genesis block"
            )
        with journal.exclusive():
            # Looked at again under the lock: another process may have put a new journal there meanwhile.
            again = cls(path, journal_file.open_or_create(path, identity, signer), now_ms)
            if again._is_of(identity):
                return again
            again.close()
            journal_file.set_aside(path)
        return cls(path, journal_file.open_or_create(path, identity, signer), now_ms)

    @classmethod
    def inspect(cls, path: Path) -> Self:
        """Open an existing journal to look at it. Raises JournalError when it is none."""
        try:
            return cls(path, journal_file.open_existing(path), lambda: 0)
        except (sqlite3.DatabaseError, TypeError) as error:
            raise JournalError(f"{path} is not a journal") from error

    def _is_of(self, identity: ChainIdentity) -> bool:
        if self.genesis_hash != identity.genesis_hash:
            return False
        anchor = self._connection.execute("SELECT anchor_number, anchor_hash FROM identity").fetchone()
        if self.chain_id != chains.LOCAL or anchor["anchor_number"] is None:
            return True
        return identity.block_hash(anchor["anchor_number"]) == str(anchor["anchor_hash"])

    def close(self) -> None:
        """Close the file. Nothing is lost: every change was committed."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the signer's lock; it falls with the process. Raises JournalBusyError when it is held."""
        with journal_file.locked(self.path):
            yield

    @contextlib.contextmanager
    def _commit(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    # Reading

    def intent(self, key: str) -> Intent | None:
        """The intent of that key, whatever transaction it is."""
        row = self._connection.execute("SELECT * FROM intents WHERE key = ?", (key,)).fetchone()
        return None if row is None else Intent.of(row)

    def known(self, key: str, to: str | None, data: bytes, value: int) -> Intent | None:
        """The intent of that key, if any. Raises IntentMismatchError when it is another transaction."""
        intent = self.intent(key)
        if intent is not None and (intent.to, intent.value, intent.data) != (to, value, data):
            raise IntentMismatchError(
                f"{key} was used before for another transaction: "
                f"to {intent.to}, value {intent.value}, calldata {intent.calldata_hash}; "
                f"now to {to}, value {value}, calldata {_hash(data)}"
            )
        return intent

    def intents(self) -> list[Intent]:
        """All of them, oldest first."""
        return [Intent.of(row) for row in self._connection.execute("SELECT * FROM intents ORDER BY id")]

    def attempts(self, intent: Intent) -> list[Attempt]:
        """All of an intent's attempts, oldest first."""
        rows = self._connection.execute(
            "SELECT * FROM attempts WHERE intent_id = ? ORDER BY id", (intent.id,)
        )
        return [Attempt.of(row) for row in rows]

    def live(self, intent: Intent) -> list[Attempt]:
        """The signed attempts, all with one nonce, that may be or may yet come on the chain; oldest first."""
        signed = [
            attempt for attempt in self.attempts(intent) if attempt.raw and attempt.state != AttemptState.LOST
        ]
        return [attempt for attempt in signed if attempt.nonce == signed[-1].nonce]

    def attempts_at(self, nonce: int) -> list[Attempt]:
        """All signed attempts that any intent ever made with this nonce, oldest first."""
        rows = self._connection.execute(
            "SELECT * FROM attempts WHERE nonce = ? AND raw IS NOT NULL ORDER BY id", (nonce,)
        )
        return [Attempt.of(row) for row in rows]

    def nonce_state(self, nonce: int) -> NonceState | None:
        """What became of a nonce; None: this journal never took it."""
        row = self._connection.execute("SELECT state FROM nonces WHERE nonce = ?", (nonce,)).fetchone()
        return None if row is None else NonceState(row["state"])

    def in_flight(self) -> tuple[Intent, int] | None:
        """The intent that holds the open nonce, and that nonce."""
        row = self._connection.execute(
            "SELECT intents.*, nonces.nonce FROM nonces JOIN intents ON intents.id = intent_id "
            "WHERE nonces.state = 'open'"
        ).fetchone()
        return None if row is None else (Intent.of(row), row["nonce"])

    def holds(self, intent: Intent, nonce: int) -> bool:
        """Whether the nonce is this intent's, open or used by it, so that it may sign once more with it.

        A used one matters where a reorganisation took its transaction away: whatever it signs with the same
        nonce, one of its bytes can take effect.
        """
        row = self._connection.execute(
            "SELECT 1 FROM nonces WHERE nonce = ? AND intent_id = ? AND state IN ('open', 'used')",
            (nonce, intent.id),
        ).fetchone()
        return row is not None

    def reorganised(self, nonce: int) -> tuple[Intent, Attempt] | None:
        """Whose confirmed transaction had a nonce that the chain has not used any more, and its newest bytes.

        None where the nonce was never used by this journal, or its intent went on with another one.
        """
        row = self._connection.execute(
            "SELECT intents.* FROM nonces JOIN intents ON intents.id = intent_id "
            "WHERE nonce = ? AND nonces.state = 'used'",
            (nonce,),
        ).fetchone()
        intent = None if row is None else Intent.of(row)
        live = [] if intent is None else self.live(intent)
        return (intent, live[-1]) if intent is not None and live and live[-1].nonce == nonce else None

    # Writing: one commit each

    def plan(self, key: str, to: str | None, data: bytes, value: int, describe: str) -> Intent:
        """The intent of that key, new or known. Raises IntentMismatchError when it was another one."""
        if (known := self.known(key, to, data, value)) is not None:
            return known
        now = self._now_ms()
        with self._commit() as connection:
            connection.execute(
                "INSERT INTO intents (key, to_address, value, calldata, calldata_hash, describe, state, "
                "created_at_ms, changed_at_ms) VALUES (?, ?, ?, ?, ?, ?, 'planned', ?, ?)",
                (key, to, str(value), data, _hash(data), describe, now, now),
            )
        planned = self.intent(key)
        assert planned is not None  # noqa: S101 - inserted above
        return planned

    def reserve(self, intent: Intent, nonce: int, gas: int, fees: Fees) -> Attempt:
        """Commit nonce, gas and fees of an attempt, before anything is signed.

        A first attempt takes the nonce, unless another intent has it open or used; a further one (fee bump)
        shares it, used or not. Raises JournalError when the nonce is not to be had.
        """
        with self._commit() as connection:
            if not self.holds(intent, nonce):
                self._take(connection, intent, nonce)
            if not connection.execute(
                "SELECT 1 FROM attempts WHERE intent_id = ? AND nonce = ?", (intent.id, nonce)
            ).fetchone():
                self._set_state(connection, intent, IntentState.PLANNED)
            cursor = connection.execute(
                "INSERT INTO attempts (intent_id, nonce, gas, max_fee, priority, state, created_at_ms) "
                "VALUES (?, ?, ?, ?, ?, 'planned', ?)",
                (intent.id, nonce, gas, str(fees.max_fee), str(fees.priority), self._now_ms()),
            )
            row = connection.execute("SELECT * FROM attempts WHERE id = ?", (cursor.lastrowid,)).fetchone()
            return Attempt.of(row)

    def signed(self, intent: Intent, attempt: Attempt, raw: bytes, tx_hash: str) -> None:
        """Commit the signed bytes, before anybody else sees them."""
        with self._commit() as connection:
            connection.execute(
                "UPDATE attempts SET raw = ?, tx_hash = ?, state = 'signed' WHERE id = ?",
                (raw, tx_hash, attempt.id),
            )
            self._go_on(connection, intent, IntentState.SIGNED)

    def sent(self, intent: Intent, attempt: Attempt) -> None:
        """A node has the bytes: it took them, or knew them already."""
        with self._commit() as connection:
            connection.execute("UPDATE attempts SET state = 'sent' WHERE id = ?", (attempt.id,))
            self._go_on(connection, intent, IntentState.SENT)

    def seen(self, intent: Intent, is_seen: bool) -> None:
        """A receipt appeared, or vanished again in a reorganisation."""
        with self._commit() as connection:
            self._go_on(connection, intent, IntentState.SEEN if is_seen else IntentState.SENT)

    def ended(self, intent: Intent, receipt: Receipt, note: str = "") -> None:
        """A confirmed receipt: final if it succeeded, failed if it reverted. The nonce is used."""
        state = IntentState.FINAL if receipt.succeeded else IntentState.FAILED
        with self._commit() as connection:
            nonce = connection.execute(
                "SELECT nonce FROM attempts WHERE tx_hash = ?", (receipt.tx_hash,)
            ).fetchone()["nonce"]
            connection.execute(
                "UPDATE attempts SET state = CASE WHEN tx_hash = ? THEN ? ELSE 'replaced' END "
                "WHERE nonce = ? AND intent_id = ? AND raw IS NOT NULL",
                (receipt.tx_hash, AttemptState(state), nonce, intent.id),
            )
            connection.execute(
                "INSERT INTO nonces VALUES (?, ?, ?, ?, 'used') ON CONFLICT (chain_id, signer, nonce) "
                "DO UPDATE SET intent_id = excluded.intent_id, state = 'used'",
                (self.chain_id, self.signer, nonce, intent.id),
            )
            self._set_state(connection, intent, state)
            connection.execute(
                "UPDATE intents SET tx_hash = ?, block_number = ?, block_hash = ?, note = ? WHERE id = ?",
                (receipt.tx_hash, receipt.block_number, receipt.block_hash, note, intent.id),
            )
            connection.execute(
                "UPDATE identity SET anchor_number = ?, anchor_hash = ? WHERE anchor_number IS NULL",
                (receipt.block_number, receipt.block_hash),
            )

    def done_elsewhere(self, intent: Intent, note: str) -> None:
        """The effect is on the chain without a receipt of ours. An open nonce is free for others."""
        with self._commit() as connection:
            connection.execute("DELETE FROM nonces WHERE state = 'open' AND intent_id = ?", (intent.id,))
            self._set_state(connection, intent, IntentState.FINAL)
            connection.execute("UPDATE intents SET note = ? WHERE id = ?", (note, intent.id))

    def unsigned(self, intent: Intent, state: IntentState = IntentState.PLANNED) -> None:
        """Forget attempts that were never signed, and their nonce if nothing signed holds it."""
        with self._commit() as connection:
            connection.execute("DELETE FROM attempts WHERE intent_id = ? AND raw IS NULL", (intent.id,))
            freed = connection.execute(
                "DELETE FROM nonces WHERE state = 'open' AND intent_id = ? AND nonce NOT IN "
                "(SELECT nonce FROM attempts WHERE attempts.intent_id = nonces.intent_id)",
                (intent.id,),
            ).rowcount
            if freed:
                self._set_state(connection, intent, state)

    def nonce_is_foreign(self, nonce: int) -> None:
        """The chain has used it, how is not known yet. Its intent keeps its bytes and looks for itself."""
        with self._commit() as connection:
            connection.execute(
                "UPDATE nonces SET state = 'foreign' WHERE nonce = ? AND state = 'open'", (nonce,)
            )

    def lost(self, intent: Intent, nonce: int) -> None:
        """The nonce was used without the effect: the bytes are dead for ever; the intent begins anew."""
        with self._commit() as connection:
            connection.execute(
                "UPDATE nonces SET state = 'foreign' WHERE nonce = ? AND intent_id = ? AND state = 'open'",
                (nonce, intent.id),
            )
            connection.execute(
                "UPDATE attempts SET state = 'lost' WHERE nonce = ? AND intent_id = ?", (nonce, intent.id)
            )
            self._set_state(connection, intent, IntentState.PLANNED)

    def _go_on(self, connection: sqlite3.Connection, intent: Intent, state: IntentState) -> None:
        """What has ended stays so while its reorganised transaction is brought back: it is found by that."""
        connection.execute(
            "UPDATE intents SET state = ?, changed_at_ms = ? "
            "WHERE id = ? AND state NOT IN ('final', 'failed')",
            (state, self._now_ms(), intent.id),
        )

    def _take(self, connection: sqlite3.Connection, intent: Intent, nonce: int) -> None:
        try:
            connection.execute(
                "INSERT INTO nonces VALUES (?, ?, ?, ?, 'open') ON CONFLICT (chain_id, signer, nonce) "
                "DO UPDATE SET intent_id = excluded.intent_id, state = 'open' WHERE state = 'foreign'",
                (self.chain_id, self.signer, nonce, intent.id),
            )
        except sqlite3.IntegrityError as error:
            raise JournalError(f"{intent.key}: another transaction of {self.signer} is in flight") from error
        if not self.holds(intent, nonce):
            raise JournalError(f"{intent.key}: nonce {nonce} belongs to another transaction")

    def _set_state(self, connection: sqlite3.Connection, intent: Intent, state: IntentState) -> None:
        connection.execute(
            "UPDATE intents SET state = ?, changed_at_ms = ? WHERE id = ?", (state, self._now_ms(), intent.id)
        )


def _hash(data: bytes) -> str:
    return "0x" + keccak(data).hex()
