"""A client's receipts of insured payments: on the disk before a payment leaves, so that no answer is needed.

Whoever has the file may claim for the client, and learns what it bought; nobody can pay with it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from liqpass.adapters.chain.errors import JournalError, JournalPermissionError
from liqpass.adapters.chain.journal_file import create_whole
from liqpass.domain.identifiers import parse_address
from liqpass.domain.money import usdc
from liqpass.domain.x402.commitments import bytes32
from liqpass.domain.x402.insurance import Insurance
from liqpass.domain.x402.receipts import Answer, Receipt
from liqpass.private_files import shared_with_others

_TABLE = """CREATE TABLE IF NOT EXISTS receipts (
    commitment BLOB PRIMARY KEY, chain_id INTEGER NOT NULL, contract TEXT NOT NULL, provider TEXT NOT NULL,
    client TEXT NOT NULL, amount TEXT NOT NULL, nonce BLOB NOT NULL, valid_before_s TEXT NOT NULL,
    signed_at_s INTEGER NOT NULL, url TEXT NOT NULL, settled INTEGER, transaction_hash BLOB,
    deadline_s INTEGER, UNIQUE (client, nonce))"""
_ENTER = "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)"
_ANSWER = "UPDATE receipts SET settled = ?, transaction_hash = ?, deadline_s = ? WHERE commitment = ?"
_ALL = "SELECT * FROM receipts WHERE chain_id = ? AND contract = ? ORDER BY rowid"
_MADE_UP = "SELECT type FROM sqlite_master WHERE type IN ('view', 'trigger')"
_OTHERS = "SELECT count(*) FROM receipts WHERE chain_id <> ? OR contract <> ?"
_SIGNED = "SELECT * FROM receipts WHERE client = ? AND nonce = ?"
_Kind = TypeVar("_Kind", str, int)


class Receipts:
    """A file of mode 0600, of any number of processes. Made by `open`; for any thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Open or create, closed at the end. Raises JournalError for a file that is something else.

        And where none can be made; JournalPermissionError where others may read it: they would learn what
        its owner bought.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_whole(path, lambda new: _connect(new).close())
        if fault := shared_with_others(path):
            raise JournalPermissionError(fault)
        with contextlib.closing(_connect(path)) as connection:
            yield cls(connection)

    def enter(self, receipt: Receipt) -> None:
        """On the disk when this returns. Raises JournalError: then the payment must not leave."""
        row = (
            receipt.commitment,
            receipt.insurance.chain_id,
            receipt.insurance.contract,
            receipt.provider,
            receipt.client,
            str(receipt.amount),
            receipt.nonce,
            str(receipt.valid_before_s),
            receipt.signed_at_s,
            receipt.url,
        )
        self._change(_ENTER, row)

    def enter_answer(self, commitment: bytes, answer: Answer) -> None:
        """What the server said of it. Raises JournalError."""
        self._change(_ANSWER, (answer.settled, answer.transaction, answer.deadline_s, commitment))

    def of(self, insurance: Insurance) -> list[Receipt]:
        """Those of one contract, the oldest first. Raises JournalError."""
        return self._read(_ALL, (insurance.chain_id, insurance.contract))

    def of_others(self, insurance: Insurance) -> int:
        """How many there are of other contracts or chains. Raises JournalError."""
        with self._lock, _faults():
            found = self._connection.execute(_OTHERS, (insurance.chain_id, insurance.contract)).fetchone()
        return int(found[0])

    def signed(self, client: str, nonce: bytes) -> Receipt | None:
        """The receipt of a client's signature. Raises JournalError."""
        found = self._read(_SIGNED, (client, nonce))
        return found[0] if found else None

    def _change(self, statement: str, row: tuple[Any, ...]) -> None:
        with self._lock, _faults():
            self._connection.execute(statement, row)

    def _read(self, query: str, row: tuple[Any, ...]) -> list[Receipt]:
        with self._lock, _faults():
            rows = self._connection.execute(query, row).fetchall()
        try:
            return [_receipt(found) for found in rows]
        except (ValueError, TypeError, IndexError) as error:  # IdentifierError and MoneyError among them
            raise JournalError(f"the receipts hold something else: {error}") from None


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_TABLE)
        made_up = connection.execute(_MADE_UP).fetchone()
    except sqlite3.DatabaseError as error:
        why = "".join(each for each in str(error) if each.isprintable())  # may quote a stranger's schema
        raise JournalError(f"{path} cannot be used: {why}") from error
    if made_up is not None:  # a stranger's: a query without end, or rows that go as soon as they are entered
        connection.close()
        raise JournalError(f"{path} cannot be used: it holds a {made_up['type']}")
    return connection


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(f"the receipts cannot be used: {type(error).__name__}: {error}") from error


def _receipt(row: sqlite3.Row) -> Receipt:
    """Raises ValueError, TypeError, IndexError: the file may be anybody's, and its columns hold anything."""
    settled, transaction, deadline_s = row["settled"], row["transaction_hash"], row["deadline_s"]
    told = Answer(
        settled=bool(settled),
        transaction=None if transaction is None else bytes32(transaction, "transaction"),
        deadline_s=None if deadline_s is None else _typed(deadline_s, int),
    )
    return Receipt(
        insurance=Insurance(row["chain_id"], row["contract"]),
        commitment=bytes32(row["commitment"], "commitment"),
        provider=parse_address(row["provider"]),
        client=parse_address(row["client"]),
        amount=usdc(int(_typed(row["amount"], str))),
        nonce=bytes32(row["nonce"], "nonce"),
        valid_before_s=int(_typed(row["valid_before_s"], str)),
        signed_at_s=_typed(row["signed_at_s"], int),
        url=_typed(row["url"], str),
        answer=None if settled is None else told,
    )


def _typed(value: object, kind: type[_Kind]) -> _Kind:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} instead of {kind.__name__}")
    return value
