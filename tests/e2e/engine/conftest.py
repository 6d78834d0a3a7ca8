"""A private node, and an engine on it whose process can be made to die."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kill import TEN, Payer
from liqpass.adapters.chain.anvil import Anvil


@pytest.fixture
def node() -> Iterator[Anvil]:
    with Anvil() as running:
        yield running


@pytest.fixture
def payer(node: Anvil, tmp_path: Path) -> Payer:
    return Payer(node, tmp_path / "journal")


@pytest.fixture
def received(node: Anvil, payer: Payer) -> Callable[[], int]:
    """Wei that the recipient holds: TEN is exactly one effect."""
    assert TEN > 0
    return lambda: int(node.rpc("eth_getBalance", payer.recipient, "latest"), 16)
