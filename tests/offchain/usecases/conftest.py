"""A fresh business for each test, once on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import World


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    world = World(tmp_path, database_url=database_url)
    yield world
    world.engine.dispose()
