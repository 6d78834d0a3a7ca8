"""A copy of a SQLite book, taken while others write to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from liqpass.adapters.database.engine import BUSY_TIMEOUT_S, DatabaseError
from liqpass.domain.audit import Anchor


class BackupError(DatabaseError):
    """No copy was made, and nothing was overwritten."""


def backup(url: str, to: Path) -> Anchor:
    """Copy the book at `url` to a new file of mode 0600, check it, and return the copy's audit anchor.

    Raises BackupError: not SQLite, no book there, a file at `to`, or a copy that is not sound.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise BackupError("this copies SQLite files only: for PostgreSQL use `pg_dump --format=custom`")
    book = Path(parsed.database or "")
    if not book.is_file():
        raise BackupError(f"there is no database file {book}")
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise BackupError(f"{to} is there already: a backup overwrites nothing") from None
    try:
        anchor = _copy(book, to)
    except sqlite3.Error as error:
        to.unlink()
        raise BackupError(f"{book} cannot be copied: {error}") from None
    except BaseException:
        to.unlink()
        raise
    return anchor


def _copy(book: Path, to: Path) -> Anchor:
    with (
        closing(sqlite3.connect(book, timeout=BUSY_TIMEOUT_S)) as source,
        closing(sqlite3.connect(to)) as copy,
    ):
        source.backup(copy)  # all pages in one read transaction: writers go on, and the copy is of one state
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a write-ahead log beside it
        (found,) = copy.execute("PRAGMA integrity_check").fetchone()
        if found != "ok":
            raise BackupError(f"the copy is not sound: {found}")
        count, head = copy.execute("SELECT count, head FROM audit_head").fetchone()
    return Anchor(int(count), str(head))
