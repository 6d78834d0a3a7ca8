"""How much may still fall due: money that is owed stays counted, however long it waits."""

from dataclasses import replace
from pathlib import Path

import pytest
from liqpass.domain.money import Usdc
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.reasons import Reason
from liqpass.policies.selling import open_exposure
from liqpass.refusals import RefusedError
from paper_chain import OTHER_BUYER, PAYOUT
from payout_steps import approve_and_execute, build
from worlds import World

FOUR_DAYS_S = 4 * 86_400


def exposure(world: World) -> int:
    with world.store.read() as unit:
        return open_exposure(unit, world.parameters, world.clock.now_ms())


@pytest.mark.parametrize("reach", ["claimed", "approved"])
def test_exposure__cover_and_grace_long_over_but_not_paid__still_counted(world: World, reach: str) -> None:
    getattr(world, reach)("alice")

    world.chain.mine(seconds=FOUR_DAYS_S)

    assert exposure(world) == PAYOUT


def test_exposure__cover_and_grace_over_without_a_claim__not_counted(world: World) -> None:
    order = world.covered("alice")
    counted = exposure(world)

    world.chain.mine(seconds=((order.end_ms or 0) // 1000 + 86_400) - world.chain.head().time_s)

    assert (counted, exposure(world)) == (PAYOUT, 0)


def test_exposure__paid__not_counted(world: World) -> None:
    world.approved("alice")
    approve_and_execute(world, build(world))
    world.chain.settle()
    world.do.reconciling.reconcile()

    assert exposure(world) == 0


def test_quote__approved_claims_fill_the_book__closed_until_they_are_paid(tmp_path: Path) -> None:
    world = World(tmp_path, replace(CONSERVATIVE, max_open_exposure=Usdc(2 * PAYOUT)))
    world.approved("alice")
    world.approved("bob", OTHER_BUYER)
    world.chain.mine(seconds=FOUR_DAYS_S)

    with pytest.raises(RefusedError) as error:
        world.do.selling.quote()

    assert error.value.reasons == (Reason.EXPOSURE_EXHAUSTED,)
