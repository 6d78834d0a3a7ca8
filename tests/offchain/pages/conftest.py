"""The pages of a whole service."""

from pathlib import Path

import pytest
from web_world import WebWorld


@pytest.fixture
def web(tmp_path: Path) -> WebWorld:
    return WebWorld(tmp_path)
