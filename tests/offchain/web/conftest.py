"""The web service on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scenes import ROOMY
from web_world import WebWorld


@pytest.fixture
def web(tmp_path: Path, database_url: str) -> Iterator[WebWorld]:
    world = WebWorld(tmp_path, database_url=database_url)
    yield world
    world.engine.dispose()


@pytest.fixture
def roomy(tmp_path: Path, database_url: str) -> Iterator[WebWorld]:
    """One in which a buyer may have many policies."""
    world = WebWorld(tmp_path, ROOMY, database_url=database_url)
    yield world
    world.engine.dispose()
