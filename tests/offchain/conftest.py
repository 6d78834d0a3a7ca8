"""Databases: a fresh one for each test, on SQLite and on a real PostgreSQL server."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from postgres_server import PostgresMissingError, PostgresServer

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 1 << 30


def _in_memory() -> Path | None:
    """A folder in memory with room to spare, or None: on a disk a database's 300 files take far longer."""
    usable = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return _MEMORY if usable else None


@cache
def _migrated_file() -> bytes:
    """A migrated SQLite file; migrating once saves a third of a second a test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = open_engine(f"sqlite:///{path}")
        migrate.upgrade(engine)
        engine.dispose()  # the last connection takes the write-ahead log into the file
        return path.read_bytes()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server a test run. Without one its tests are skipped; with CI=true they fail."""
    try:
        server = PostgresServer(_in_memory())
    except PostgresMissingError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a fresh migrated SQLite file, `liqpass.db` in the test's folder."""
    path = tmp_path / "liqpass.db"
    path.touch(mode=0o600)
    path.write_bytes(_migrated_file())
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """URL of a fresh migrated PostgreSQL database."""
    url = postgres_server.create_migrated()
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh migrated database; a test that takes it runs once on each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url
