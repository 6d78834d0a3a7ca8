"""Sync of PremiumPaid logs: only deep ones, each once, safe across reorganisations."""

from dataclasses import replace

import pytest
from liqpass.domain.reasons import Reason
from liqpass.ports import TransactionSeen
from liqpass.refusals import ConflictError
from paper_chain import PREMIUM, STRANGER, hash32
from payout_steps import pass_validity
from worlds import World

CONFIRMATIONS = 5


def test_sync__deep_enough_logs__covers_once_and_moves_on(world: World) -> None:
    order = world.bound("alice")
    world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS)

    first = world.do.syncing.sync()
    second = world.do.syncing.sync()

    assert (first.covered, first.unmatched) == ((order.id,), 0)
    assert (second.covered, second.unmatched, second.last) == ((), 0, first.last)
    assert world.do.selling.show(order.id).state == "COVERED"


def test_sync__four_blocks_deep__not_yet_covered_nor_listed(world: World) -> None:
    order = world.bound("alice")
    world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS - 1)

    result = world.do.syncing.sync()

    assert (result.covered, result.unmatched) == ((), 0)
    assert world.do.selling.show(order.id).state == "BOUND"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"order_hash": hash32("unknown")}, Reason.PAYMENT_WRONG_ORDER),
        ({"quote_hash": hash32("other")}, Reason.PAYMENT_WRONG_QUOTE),
        ({"payer": STRANGER}, Reason.PAYMENT_WRONG_PAYER),
        ({"amount": 1}, Reason.PAYMENT_WRONG_AMOUNT),
    ],
)
def test_sync__wrong_log__listed_with_its_money(
    world: World, wrong: dict[str, object], reason: Reason
) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order, **wrong)
    world.chain.mine(CONFIRMATIONS)

    result = world.do.syncing.sync()

    (listed,) = world.do.paying.unmatched(open_only=True)
    assert (result.covered, result.unmatched) == ((), 1)
    assert (listed.tx_hash, listed.reason, listed.amount) == (tx_hash, reason, wrong.get("amount", PREMIUM))


def test_sync__order_paid_twice__second_is_a_duplicate(world: World) -> None:
    order = world.bound("alice")
    world.chain.pay(order)
    second = world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS)

    world.do.syncing.sync()

    (listed,) = world.do.paying.unmatched(open_only=True)
    assert (listed.tx_hash, listed.reason) == (second, Reason.PAYMENT_DUPLICATE)


def test_sync__payment_reorganised_before_it_was_deep__never_covered(world: World) -> None:
    order = world.bound("alice")
    world.chain.pay(order)
    world.chain.mine(3)
    world.do.syncing.sync()
    world.chain.reorg(4)
    world.chain.mine(CONFIRMATIONS)

    result = world.do.syncing.sync()

    assert (result.covered, result.vanished) == ((), ())
    assert world.do.selling.show(order.id).state == "BOUND"


def test_sync__deep_reorganisation_takes_a_counted_payment__reported_and_listed(world: World) -> None:
    world.chain.mine(10)
    world.do.syncing.sync()
    order = world.bound("alice")
    tx_hash = world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS)
    world.do.syncing.sync()
    world.chain.reorg(7)
    world.chain.mine(CONFIRMATIONS)

    result = world.do.syncing.sync()
    again = world.do.syncing.sync()

    assert (result.vanished, again.vanished) == ((order.id,), ())
    (listed,) = world.do.paying.unmatched(open_only=True)
    assert (listed.tx_hash, listed.reason) == (tx_hash, Reason.PAYMENT_NOT_FOUND)


def test_sync__order_cancelled_before_its_payment__listed_for_a_refund(world: World) -> None:
    order = world.bound("alice")
    world.chain.pay(order)
    world.chain.lagging = True
    pass_validity(world, order)
    world.do.selling.cancel(order.id, actor="buyer", reason="changed my mind")
    world.chain.lagging = False

    world.do.syncing.sync()

    (listed,) = world.do.paying.unmatched(open_only=True)
    assert listed.reason == Reason.PAYMENT_OF_CANCELLED_ORDER
    assert world.do.selling.show(order.id).state == "CANCELLED"


def test_sync__backend_lagged_and_answered_no_logs__payment_found_by_the_next_run(world: World) -> None:
    order = world.bound("alice")
    world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS)
    world.chain.lagging = True
    passed = world.do.syncing.sync()
    world.chain.lagging = False
    world.chain.mine(50)

    found = world.do.syncing.sync()

    assert (passed.covered, found.covered) == ((), (order.id,))
    assert world.do.selling.show(order.id).state == "COVERED"


def test_sync__unmatched_payment_read_again_by_the_overlap__counted_and_audited_once(world: World) -> None:
    order = world.bound("alice")
    world.chain.pay(order, amount=1)
    world.chain.mine(CONFIRMATIONS)
    first = world.do.syncing.sync()
    world.chain.mine(3)
    before = len(world.controlling.audit_entries())

    second = world.do.syncing.sync()

    assert (first.unmatched, second.unmatched) == (1, 0)
    assert len(world.controlling.audit_entries()) == before


def test_sync__node_behind_the_cursor__nothing_read_twice_into_the_book(world: World) -> None:
    order = world.bound("alice")
    world.chain.pay(order)
    world.chain.mine(CONFIRMATIONS + 3)
    world.do.syncing.sync()
    ahead = world.chain.blocks
    world.chain.blocks = ahead[:-2]

    behind = world.do.syncing.sync()
    world.chain.blocks = ahead
    again = world.do.syncing.sync()

    assert (behind.covered, again.covered, again.vanished) == ((), (), ())


def test_sync__vanished_payment_mined_again__resolved(world: World) -> None:
    world.chain.mine(10)
    world.do.syncing.sync()
    order = world.bound("alice")
    tx_hash = world.chain.pay(order)
    (log,) = world.chain.transactions[tx_hash].premiums
    world.chain.mine(CONFIRMATIONS)
    world.do.syncing.sync()
    world.chain.reorg(7)
    world.do.syncing.sync()
    block = world.chain.mine()
    world.chain.transactions[tx_hash] = TransactionSeen(tx_hash, True, block, (replace(log, block=block),))
    world.chain.mine(CONFIRMATIONS)

    world.do.syncing.sync()

    assert world.do.paying.unmatched(open_only=True) == []
    assert world.do.selling.show(order.id).policy_no == 1


def test_sync__node_of_another_chain__conflict(world: World) -> None:
    world.chain.id = 1

    with pytest.raises(ConflictError, match="chain 1"):
        world.do.syncing.sync()
