"""A private node a test, and a folder of deployments of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ape_runs import deployments_folder
from liqpass.adapters.chain.anvil import Anvil


@pytest.fixture
def node() -> Iterator[Anvil]:
    with Anvil() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return deployments_folder(tmp_path)
