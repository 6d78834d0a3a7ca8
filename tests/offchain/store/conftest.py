"""A migrated SQLite file for each test."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from sqlalchemy import Engine


@pytest.fixture
def free_port_url() -> Callable[[], str]:
    """An address of this machine where nobody listens."""

    def url() -> str:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{taken.getsockname()[1]}"

    return url


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    migrate.upgrade(engine)
    yield engine
    engine.dispose()
