"""What the tests of payouts do again and again."""

from liqpass.payouts import Built
from liqpass.payouts.building import payouts_of
from liqpass.records import Claim, Order
from worlds import World

DAY_S = 86_400


def next_morning(world: World) -> None:
    """One hour past midnight UTC: before the cut-off at 02:00."""
    time_s = world.chain.head().time_s
    world.chain.mine(seconds=DAY_S - time_s % DAY_S + 3_600)


def pass_validity(world: World, order: Order) -> None:
    """Every block in which the order could be paid is deep, and sync has read it."""
    ahead_s = order.valid_until_s + 1 - world.chain.head().time_s
    world.chain.mine(seconds=max(ahead_s, 1))
    world.chain.mine(world.parameters.confirmations)
    world.do.syncing.sync()


def build(world: World) -> Built:
    next_morning(world)
    return world.do.building.build(actor="op")


def approve_and_execute(world: World, built: Built, *, refused: tuple[str, ...] = ()) -> str:
    """The hash of the transaction that executes the batch."""
    batch, items = world.do.building.show(built.batch.id)
    world.chain.approve(batch.id, batch.payout_root, batch.total)
    return world.chain.execute(payouts_of(batch, items), refused=refused)


def claim_state(world: World, claim: Claim) -> str:
    return world.do.reviewing.show(claim.id)[0].state
