"""A private node a test, and a folder of deployments of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ape_runs import deployments_folder
from liqpass.adapters.chain.anvil import Anvil
from node_connection import own_node


@pytest.fixture
def node() -> Iterator[Anvil]:
    with Anvil() as running, own_node(running.url):
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return deployments_folder(tmp_path)
