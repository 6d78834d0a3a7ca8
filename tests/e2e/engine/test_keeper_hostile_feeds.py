"""`liqpass keeper parametric` among policies made to harm it: they cost it little, and stop no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kept_world import KEEPER, LATE_S, KeptWorld

# What a feed does when OpenParametric asks. It begins at 0x42; everybody else is answered from 0x1a.
HOSTILE = {
    # While more than 3,000,000 gas are left, burn them; then answer with 2^20 bytes: too much to take.
    "burns and floods": "622dc6c05a11604257621000005ff3",
    "never ends": "604256",
    "no instruction": "fe",
}
BURNS_SOME = "5f6209000053601a56"  # 720,000 gas for memory, each time; then the same answer


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KeptWorld]:
    with KeptWorld.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def fund_on(world: KeptWorld) -> Callable[[str], int]:
    """fund_on(code): a funded policy; its feed runs `code` for OpenParametric, and answers all others."""

    def fund(code: str) -> int:
        feed = world.deploy_feed()
        number = world.fund(feed=feed)
        runtime = (
            f"3373{world.contract.address[2:]}14604257"  # caller == OpenParametric? jump to 0x42
            f"5b365f5f375f5f365f73{world.feed.address[2:]}5afa503d5f5f3e3d5ff3"  # ask the world's feed
            f"5b{code}"
        )
        world.node.rpc("anvil_setCode", feed, f"0x{runtime}")
        return number

    return fund


@pytest.mark.parametrize("name", HOSTILE)
def test_round__feed_that_no_check_survives__other_policies_go_on(
    world: KeptWorld, fund_on: Callable[[str], int], name: str
) -> None:
    hostile, sound = fund_on(HOSTILE[name]), world.fund()
    world.push(130, LATE_S)

    done = world.round()

    assert (done.failed, world.transactions()) == (1, 1)
    assert (world.state(hostile), world.state(sound)) == ("Funded", "Claimable")


@pytest.mark.parametrize("code", ["0x5b5f56", "0x621000005ff3"], ids=["never ends", "floods"])
def test_round__feed_that_no_node_can_read__other_policies_go_on(world: KeptWorld, code: str) -> None:
    feed = world.deploy_feed()
    hostile, sound = world.fund(feed=feed), world.fund()
    world.node.rpc("anvil_setCode", feed, code)
    world.push(130, LATE_S)

    done = world.round()

    assert (done.failed, world.transactions()) == (0, 2)
    assert (world.state(hostile), world.state(sound)) == ("Active", "Claimable")


def test_round__feed_that_burns_gas__not_paid_for(world: KeptWorld, fund_on: Callable[[str], int]) -> None:
    number = fund_on(BURNS_SOME)
    world.push(130, LATE_S)
    held = world.web3.eth.get_balance(world.address(KEEPER))

    done = world.round()

    assert (done.failed, world.transactions(), world.state(number)) == (1, 0, "Funded")
    assert world.web3.eth.get_balance(world.address(KEEPER)) == held


@pytest.mark.parametrize(("least", "state"), [("1.00", "Claimable"), ("1.000001", "Funded")])
def test_once__around_the_least__less_is_left_to_others(world: KeptWorld, least: str, state: str) -> None:
    number = world.fund()
    world.push(130, LATE_S)

    result = world.command("--least", least)

    assert (result.exit_code, world.state(number)) == (0, state)
    assert world.transactions() == (state == "Claimable")
