"""A migrated SQLite file for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    migrate.upgrade(engine)
    yield engine
    engine.dispose()
