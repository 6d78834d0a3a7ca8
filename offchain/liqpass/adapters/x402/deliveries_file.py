"""Where a provider's deliveries are, for one process; a file named without the contract is renamed."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from liqpass.adapters.chain.errors import JournalBusyError, JournalError
from liqpass.adapters.chain.journal_file import locked
from liqpass.adapters.x402.deliveries import Deliveries
from liqpass.domain.x402.insurance import Insurance


def deliveries_path(folder: Path, insurance: Insurance, provider: str) -> Path:
    """`<chainId>-<contract>-<provider>.deliveries`: what another contract locked is not mixed with it."""
    return folder / f"{insurance.chain_id}-{insurance.contract}-{provider}.deliveries"


@contextlib.contextmanager
def own_deliveries(folder: Path, insurance: Insurance, provider: str) -> Iterator[Deliveries]:
    """A provider's, for one process at a time. Raises JournalError (JournalBusyError: another has them)."""
    path = deliveries_path(folder, insurance, provider)
    with locked(path):
        take_over(folder, insurance, provider)
        with Deliveries.open(path) as deliveries:
            yield deliveries


def take_over(folder: Path, insurance: Insurance, provider: str) -> None:
    """Give a file named `<chainId>-<provider>.deliveries` its present name, unless there is one of that.

    Raises JournalBusyError where a process still works with it, JournalError for another kind of file.
    """
    earlier = folder / f"{insurance.chain_id}-{provider}.deliveries"
    path = deliveries_path(folder, insurance, provider)
    if path.exists() or not earlier.exists():
        return
    with contextlib.closing(sqlite3.connect(earlier, isolation_level=None, timeout=1)) as connection:
        try:
            # All of it into the one file that is renamed. SQLite does so only where nobody else has it open.
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise JournalBusyError(f"another process is working with {earlier}") from error
        except sqlite3.DatabaseError as error:
            raise JournalError(f"{earlier} cannot be used: {type(error).__name__}") from error
    earlier.rename(path)
