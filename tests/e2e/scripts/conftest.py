"""One deployed world for the whole session; chain, journals and files are put back after each test."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
for folder in (
    REPOSITORY,
    REPOSITORY / "tests" / "offchain" / "domain",
):  # `scripts`, and the domain's stories
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from bond_world import BondWorld  # noqa: E402
from operator_world import World  # noqa: E402
from policy_world import PolicyWorld  # noqa: E402


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World.open(tmp_path_factory.mktemp("operator")) as world:
        yield world


@pytest.fixture
def world(deployed: World) -> Iterator[World]:
    record = (deployed.folder / "deployments" / "local.json").read_text()
    snapshot = deployed.node.snapshot()
    shutil.rmtree(deployed.folder / "journal", ignore_errors=True)
    yield deployed
    deployed.node.revert(snapshot)
    (deployed.folder / "deployments" / "local.json").write_text(record)


@pytest.fixture(scope="module")
def bonded(deployed: World) -> Iterator[BondWorld]:
    snapshot = deployed.node.snapshot()
    yield BondWorld.of(deployed)
    deployed.node.revert(snapshot)


@pytest.fixture
def bonds(bonded: BondWorld, world: World) -> BondWorld:
    """The whole file's bond; a test of such a file does not look at `world` without it."""
    assert bonded.world is world
    return bonded


@pytest.fixture(scope="module")
def insured(deployed: World) -> Iterator[PolicyWorld]:
    snapshot = deployed.node.snapshot()
    yield PolicyWorld.of(deployed)
    deployed.node.revert(snapshot)


@pytest.fixture
def policies(insured: PolicyWorld, world: World) -> PolicyWorld:
    """The whole file's insurers; a test of such a file does not look at `world` without them."""
    assert insured.world is world
    return insured
