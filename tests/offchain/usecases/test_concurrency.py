"""Fifty threads on one SQLite file: one winner, everything said once, the audit chain unbroken."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from liqpass.domain.machine import IllegalTransition
from liqpass.policies import ByPosition
from liqpass.records import StaleStateError
from liqpass.refusals import UseCaseError
from paper_chain import BUYER
from worlds import World

THREADS = 50


def all_at_once(act: Callable[[int], object]) -> tuple[list[object], list[Exception]]:
    """Results and expected errors of `act(0..49)`, started together."""
    start = threading.Barrier(THREADS)

    def run(index: int) -> object:
        start.wait(30)
        try:
            return act(index)
        except (UseCaseError, IllegalTransition, StaleStateError) as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(run, range(THREADS)))
    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)], errors


def audit_actions(world: World) -> list[str]:
    assert world.controlling.verify_audit(None)[1] is None
    return [entry.action for entry in world.controlling.audit_entries()]


def test_submit__fifty_at_once__one_claim_fetched_once(world: World) -> None:
    order = world.covered("alice")
    world.liquidate("alice")

    claims, errors = all_at_once(lambda _: world.do.claiming.submit(order.id, actor="buyer"))

    assert errors == []
    assert len({claim.id for claim in claims}) == 1  # type: ignore[attr-defined]
    assert (world.okx.fetches, len(world.do.reviewing.listed())) == (1, 1)
    assert audit_actions(world).count("CLAIM_VERIFIED") == 1


def test_approve__fifty_reviewers_at_once__one_approval(world: World) -> None:
    claim = world.claimed("alice")

    winners, errors = all_at_once(lambda i: world.do.reviewing.approve(claim.id, reviewer=f"reviewer {i}"))

    assert (len(winners), len(errors)) == (1, THREADS - 1)
    assert audit_actions(world).count("CLAIM_REVIEWED") == 1
    assert audit_actions(world).count("CLAIM_APPROVED") == 2  # claim and order, once each


def test_approve_and_reject__fifty_at_once__one_decision(world: World) -> None:
    claim = world.claimed("alice")

    def decide(index: int) -> object:
        if index % 2:
            return world.do.reviewing.approve(claim.id, reviewer=f"reviewer {index}")
        return world.do.reviewing.reject(claim.id, reviewer=f"reviewer {index}", reason="no", final=True)

    winners, errors = all_at_once(decide)

    # An approval may come first and be taken back by the one rejection; nothing follows a rejection.
    approvals = audit_actions(world).count("CLAIM_APPROVED") // 2
    assert approvals in {0, 1}
    assert (len(winners), len(errors)) == (1 + approvals, THREADS - 1 - approvals)
    assert audit_actions(world).count("CLAIM_REJECTED") == 2  # claim and order, once each
    states = (world.do.reviewing.show(claim.id)[0].state, world.do.selling.show(claim.order_id).state)
    assert states == ("REJECTED", "REJECTED")


def test_bind__fifty_at_once__one_binding(world: World) -> None:
    pos_id = world.trader("alice")
    order = world.do.selling.create_order(BUYER, actor="buyer")
    wanted = ByPosition("BTC-USDT-SWAP", pos_id)

    winners, errors = all_at_once(
        lambda _: world.do.binding.bind(order.id, world.credentials("alice"), wanted, actor="buyer")
    )

    assert (len(winners), len(errors)) == (1, THREADS - 1)
    assert audit_actions(world).count("QUOTE_FROZEN") == 1


def test_bind__fifty_orders_for_one_position__one_sold(world: World) -> None:
    pos_id = world.trader("alice")
    orders = [world.do.selling.create_order(f"0x{i + 1:040x}", actor="buyer") for i in range(THREADS)]
    wanted = ByPosition("BTC-USDT-SWAP", pos_id)

    winners, errors = all_at_once(
        lambda i: world.do.binding.bind(orders[i].id, world.credentials("alice"), wanted, actor="buyer")
    )

    assert (len(winners), len(errors)) == (1, THREADS - 1)


def test_pay__fifty_at_once_by_hand_and_by_transaction__one_policy_number(world: World) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order)
    world.chain.mine(5)

    def pay(index: int) -> object:
        if index % 2:
            return world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")
        return world.do.paying.mark_paid(order.id, actor="olga", reason="by hand")

    all_at_once(pay)

    assert world.do.selling.show(order.id).policy_no == 1
    with world.store.write() as unit:
        assert unit.orders.next_policy_no() == 2  # not one number was burnt by a loser
    actions = audit_actions(world)
    assert actions.count("PREMIUM_PAID") + actions.count("MARKED_PAID_BY_HAND") == 1


def test_build__fifty_at_once__one_batch(world: World) -> None:
    world.approved("alice")

    winners, errors = all_at_once(lambda _: world.do.building.build(actor="op"))

    assert (len(winners), len(errors)) == (1, THREADS - 1)
    assert audit_actions(world).count("BATCH_BUILT") == 1
