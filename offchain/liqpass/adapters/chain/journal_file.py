"""The journal's file: tables, mode 0600, the signer's lock, and putting a dead chain's journal aside."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from liqpass.adapters.chain.errors import JournalBusyError, JournalError, JournalPermissionError
from liqpass.adapters.chain.rpc import ChainIdentity
from liqpass.private_files import shared_with_others

# Numbers of wei are text: SQLite's integers end at 2^63.
_TABLES = (
    """CREATE TABLE identity (
         one INTEGER PRIMARY KEY CHECK (one = 1), chain_id INTEGER NOT NULL, signer TEXT NOT NULL,
         genesis_hash TEXT NOT NULL, anchor_number INTEGER, anchor_hash TEXT)""",
    """CREATE TABLE intents (
         id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, to_address TEXT, value TEXT NOT NULL,
         calldata BLOB NOT NULL, calldata_hash TEXT NOT NULL, describe TEXT NOT NULL, state TEXT NOT NULL,
         tx_hash TEXT, block_number INTEGER, block_hash TEXT, note TEXT NOT NULL DEFAULT '',
         created_at_ms INTEGER NOT NULL, changed_at_ms INTEGER NOT NULL)""",
    """CREATE TABLE nonces (
         chain_id INTEGER NOT NULL, signer TEXT NOT NULL, nonce INTEGER NOT NULL,
         intent_id INTEGER NOT NULL REFERENCES intents(id), state TEXT NOT NULL,
         PRIMARY KEY (chain_id, signer, nonce))""",
    "CREATE UNIQUE INDEX one_in_flight_a_signer ON nonces (chain_id, signer) WHERE state = 'open'",
    """CREATE TABLE attempts (
         id INTEGER PRIMARY KEY, intent_id INTEGER NOT NULL REFERENCES intents(id), nonce INTEGER NOT NULL,
         gas INTEGER NOT NULL, max_fee TEXT NOT NULL, priority TEXT NOT NULL, raw BLOB, tx_hash TEXT UNIQUE,
         state TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
         CHECK ((raw IS NULL) = (tx_hash IS NULL) AND (raw IS NULL) = (state = 'planned')))""",
)


def journal_path(folder: Path, chain_id: int, signer: str) -> Path:
    """`<folder>/<chainId>-<signer>.sqlite3`; callers use `~/.liqpass/journal` as the folder."""
    return folder / f"{chain_id}-{signer}.sqlite3"


def open_or_create(path: Path, identity: ChainIdentity, signer: str) -> sqlite3.Connection:
    """The journal at `path`, made with that identity if there is none.

    Raises JournalPermissionError, JournalError where it cannot be made.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    create_whole(path, lambda new: _with_tables(new, identity, signer).close())
    return _with_tables(path, identity, signer)


def _with_tables(path: Path, identity: ChainIdentity, signer: str) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        for table in _TABLES:
            connection.execute(table)
        connection.execute(
            "INSERT INTO identity VALUES (1, ?, ?, ?, NULL, NULL)",
            (identity.chain_id, signer, identity.genesis_hash),
        )
    connection.execute("COMMIT")
    return connection


def create_whole(path: Path, prepare: Callable[[Path], None]) -> None:
    """A file for SQLite, prepared under another name, unless one is there or another process is faster.

    Processes that begin at once never meet a file half made: SQLite does not wait where two turn the log of
    one on. Raises JournalError, and leaves nothing, where the file system has no hard links.
    """
    if path.exists():
        return
    with tempfile.TemporaryDirectory(prefix=f"{path.name}-", dir=path.parent) as folder:
        new = Path(folder) / path.name
        make_private(new)
        prepare(new)
        try:
            os.link(new, path)
        except FileExistsError:
            return
        except OSError as error:
            raise JournalError(
                f"{path} cannot be created: {path.parent} takes no hard link ({error.strerror}); choose a "
                "folder on a disk of this machine: FAT, exFAT and some network volumes have no hard links"
            ) from None


def make_private(path: Path) -> None:
    """An empty file of mode 0600 for SQLite, which gives its side files the same mode, unless one is there.

    What is there is not opened: closing it gives up the locks of this process's connections to it, and
    another process then removes the log of what these go on to write.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def open_existing(path: Path) -> sqlite3.Connection:
    """The journal at `path`. Raises JournalError when there is no file, JournalPermissionError."""
    if not path.is_file():
        raise JournalError(f"no journal at {path}")
    return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    if fault := shared_with_others(path):
        raise JournalPermissionError(fault)
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    except sqlite3.OperationalError as error:
        raise JournalError(f"{path} cannot be opened: {error}") from None
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock beside `path`; it falls with the process. Raises JournalBusyError: it says who has it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise JournalBusyError(
                f"another process is sending with {path} ({_holder(lock)}): one at a time may"
            ) from None
        # Only told to others: a disk that is full keeps nobody from sending.
        with contextlib.suppress(OSError):
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock)


def _holder(lock: int) -> str:
    said = os.pread(lock, 20, 0).decode("ascii", "replace")
    return f"pid {said}" if said.isdecimal() else "its pid is not told"


def set_aside(path: Path) -> Path:
    """Rename the journal and its log to the first free `<name>.dead-<n>`, and say which that is."""
    number = 1
    while (aside := path.with_name(f"{path.name}.dead-{number}")).exists():
        number += 1
    path.rename(aside)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.with_name(path.name + "-wal").rename(aside.with_name(aside.name + "-wal"))
    return aside
