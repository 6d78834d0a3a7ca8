"""One chain and one facilitator for all of it; each test pays with payments of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from insured_world import InsuredWorld, Running


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsuredWorld]:
    with InsuredWorld.open(tmp_path_factory.mktemp("x402")) as opened:
        yield opened


@pytest.fixture(scope="session")
def facilitator(world: InsuredWorld) -> Iterator[Running]:
    with world.facilitator() as running:
        yield running


@pytest.fixture
def held(chain: InsuredWorld) -> Iterator[InsuredWorld]:
    """The `chain` that a file of tests has for itself, mining only when it is told to."""
    chain.node.set_automine(on=False)
    try:
        yield chain
    finally:
        chain.node.set_automine(on=True)
        chain.node.mine()
