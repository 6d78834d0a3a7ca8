"""`ParametricWatch`: every policy that has not ended, at little cost, whatever happens to the chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kept_world import ACTIVE_TO_S, DEADLINE_S, LEADER, OTHER_LEADER, KeptWorld
from liqpass.adapters.chain.parametric_reader import ParametricReader
from liqpass.adapters.chain.parametric_watch import ParametricWatch
from liqpass.adapters.chain.rpc import BlockId, Web3Rpc
from liqpass.adapters.chain.settled_blocks import OVERLAP_BLOCKS, SettledBlocks
from liqpass.domain.parametric.keeping import KeptPolicy


class CountingReader(ParametricReader):
    """Remembers which policies were asked for."""

    def __init__(self, world: KeptWorld) -> None:
        super().__init__(world.web3, world.contract.address, first_block=0)
        self.asked: list[int] = []

    def kept(self, number: int, at: BlockId) -> KeptPolicy | None:
        self.asked.append(number)
        return super().kept(number, at)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KeptWorld]:
    with KeptWorld.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def reader(world: KeptWorld) -> CountingReader:
    return CountingReader(world)


def watching(world: KeptWorld, reader: ParametricReader, *leaders: int) -> ParametricWatch:
    rpc = Web3Rpc.connect(world.node.url, tries=2)
    blocks = SettledBlocks(rpc, first_block=0, settled="latest", progress=lambda *_: None)
    return ParametricWatch(blocks, reader, leaders=[world.address(leader) for leader in leaders])


def live(watch: ParametricWatch) -> list[int]:
    return [policy.number for policy in watch.live()[1]]


def test_live__new_and_old_policies__all_that_have_not_ended(
    world: KeptWorld, reader: CountingReader
) -> None:
    watch = watching(world, reader)
    old, failed = world.draft(), world.draft(OTHER_LEADER)
    world.send(world.contract.functions.failUnderwriting(failed), OTHER_LEADER)
    world.node.mine(2 * OVERLAP_BLOCKS)
    assert live(watch) == [old]
    new = world.draft(OTHER_LEADER)

    assert live(watch) == [old, new]
    assert live(watching(world, reader, LEADER)) == [old]
    assert live(watching(world, reader, LEADER, OTHER_LEADER)) == [old, new]


def test_live__ended_long_ago__not_asked_for_any_more(world: KeptWorld, reader: CountingReader) -> None:
    watch = watching(world, reader)
    number = world.fund()
    world.node.mine(2 * OVERLAP_BLOCKS)
    world.at(ACTIVE_TO_S + 1)
    assert live(watch) == [number]
    world.send(world.contract.functions.expirePolicy(number), LEADER)

    assert live(watch) == []
    world.node.mine(2 * OVERLAP_BLOCKS)
    assert live(watch) == []
    reader.asked.clear()
    assert live(watch) == []

    assert reader.asked == []


def test_live__end_reorganised__live_again(world: KeptWorld, reader: CountingReader) -> None:
    watch = watching(world, reader)
    number = world.draft()
    world.node.mine(2 * OVERLAP_BLOCKS)
    assert live(watch) == [number]
    world.send(world.contract.functions.failUnderwriting(number), LEADER)
    assert live(watch) == []

    world.node.reorg(1)

    assert live(watch) == [number]


def test_live__creation_reorganised_below_what_was_read__forgotten_and_read_anew(
    world: KeptWorld, reader: CountingReader
) -> None:
    watch = watching(world, reader)
    state = world.node.snapshot()
    world.draft()
    world.node.mine(2 * OVERLAP_BLOCKS)
    assert len(live(watch)) == 1

    world.node.revert(state)
    other = world.draft(OTHER_LEADER)
    world.node.mine(2 * OVERLAP_BLOCKS + 1)

    assert live(watch) == [other]


def test_live__underwriting_that_is_late__not_asked_for_any_more(
    world: KeptWorld, reader: CountingReader
) -> None:
    watch = watching(world, reader)
    number = world.draft()
    world.node.mine(2 * OVERLAP_BLOCKS)
    world.at(DEADLINE_S)
    assert live(watch) == [number]
    world.at(DEADLINE_S + 1)
    assert live(watch) == []
    world.node.mine(2 * OVERLAP_BLOCKS)
    assert live(watch) == []
    reader.asked.clear()

    assert live(watch) == []

    assert reader.asked == []
