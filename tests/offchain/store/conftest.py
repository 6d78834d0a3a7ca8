"""A migrated database for each test."""

import socket
from collections.abc import Callable, Iterator

import pytest
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
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()
