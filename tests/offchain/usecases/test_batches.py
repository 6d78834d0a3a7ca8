"""Batches: cut-off, cap, one a day, and the file that the signers check."""

from dataclasses import replace
from pathlib import Path

import pytest
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.bootstrap import UseCases
from liqpass.domain.batch_check import check
from liqpass.domain.batch_json import parse_batch_file
from liqpass.domain.chain_facts import PremiumPayment
from liqpass.domain.money import Usdc
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.reasons import Reason
from liqpass.refusals import ConflictError
from paper_chain import BUYER, CHECKOUT, OTHER_BUYER
from payout_steps import approve_and_execute, build, claim_state, next_morning
from worlds import World


def test_build__approved_claim__batch_of_today_with_its_root(world: World) -> None:
    claim = world.approved("alice")

    built = build(world)

    batch, items = world.do.building.show(built.batch.id)
    assert (batch.state, batch.total, len(items)) == ("PLANNED", claim.payout, 1)
    assert (items[0].recipient, items[0].evidence_hash) == (BUYER, claim.evidence_hash)
    assert claim_state(world, claim) == "BATCHED"


def test_build__nothing_approved__conflict_and_nothing_changed(world: World) -> None:
    before = world.snapshot()

    with pytest.raises(ConflictError, match="nothing to pay"):
        world.do.building.build(actor="op")

    assert world.snapshot() == before


def test_build__second_on_the_same_day__conflict_and_nothing_changed(world: World) -> None:
    world.approved("alice")
    build(world)
    before = world.snapshot()

    with pytest.raises(ConflictError, match="one batch a day"):
        world.do.building.build(actor="op")

    assert world.snapshot() == before


def test_build__approved_after_the_cut_off__waits_for_tomorrow(world: World) -> None:
    world.chain.mine(seconds=3 * 3_600)
    late = world.approved("alice")

    with pytest.raises(ConflictError, match="1 approved claims wait"):
        world.do.building.build(actor="op")

    assert claim_state(world, late) == "APPROVED"
    assert [line.claim_id for line in world.do.building.plan().plan.after_cut_off] == [late.id]


def test_build__above_the_cap__carried_over_by_approval_time(tmp_path: Path) -> None:
    cap = Usdc(60_000_000)
    world = World(tmp_path, replace(CONSERVATIVE, daily_cap=cap, max_open_exposure=Usdc(10 * cap)))
    first = world.approved("alice")
    second = world.approved("bob", OTHER_BUYER)

    built = build(world)
    approve_and_execute(world, built)
    world.chain.settle()
    world.do.reconciling.reconcile()
    tomorrow = build(world)

    assert [line.claim_id for line in built.plan.planned] == [first.id]
    assert [line.claim_id for line in built.plan.over_cap] == [second.id]
    assert [line.claim_id for line in tomorrow.plan.planned] == [second.id]


def test_build__daily_cap_lowered_below_every_approved_claim__set_aside_not_broken(world: World) -> None:
    claim = world.approved("alice")
    next_morning(world)
    cap = Usdc(2_000_000)
    lowered = replace(CONSERVATIVE, payout_cap=cap, daily_cap=cap)
    building = UseCases(replace(world.outside, parameters=lowered)).building

    assert [line.claim_id for line in building.plan().plan.above_daily_cap] == [claim.id]
    with pytest.raises(ConflictError, match="1 approved claims wait"):
        building.build(actor="op")


def test_export__batch__file_passes_the_signers_check(world: World) -> None:
    claim = world.approved("alice")
    order = world.do.selling.show(claim.order_id)
    built = build(world)

    file = parse_batch_file(world.do.exporting.batch_file(built.batch.id, actor="op"))

    paid = world.chain.transactions[order.payment_tx or ""]
    payment = PremiumPayment(
        order_id=order.order_hash,
        transaction=paid.tx_hash,
        checkout=CHECKOUT,
        payer=BUYER,
        amount=Usdc(order.premium),
        quote_hash=order.quote_hash or "",
        block_time_s=paid.block.time_s,
        confirmations=world.chain.head().number - paid.block.number,
    )
    facts = world.signers.facts(file)
    assert facts.payments == {order.order_hash: (payment,)}
    assert check(file, facts, params_versions=file.parameters.keys()) == []
    assert "0x" + file.payout_root.hex() == built.batch.payout_root


def test_export__two_reviewers_and_manual_order__both_in_the_file(world: World) -> None:
    order = world.bound("alice")
    world.do.paying.mark_paid(order.id, actor="olga", reason="bank transfer 17")
    world.chain.mine(seconds=700)
    world.liquidate("alice", Close.PARTIAL_LIQUIDATION)
    claim = world.do.claiming.submit(order.id, actor="buyer")
    world.do.reviewing.approve(claim.id, reviewer="rita", reason="one")
    world.do.reviewing.approve(claim.id, reviewer="ravi", reason="two")
    built = build(world)

    file = parse_batch_file(world.do.exporting.batch_file(built.batch.id, actor="op"))

    (item,) = file.items
    facts = world.signers.facts(file)
    assert check(file, facts, params_versions=file.parameters.keys(), allow_manual=1) == []
    assert [each.reason for each in check(file, facts, params_versions=file.parameters.keys())] == [
        Reason.MANUAL_NOT_ALLOWED
    ]
    assert (item.review.reviewer, item.review.second_reviewer, item.review.reason) == (
        "rita",
        "ravi",
        "one; two",
    )
    assert item.payment.reason == "bank transfer 17"


def test_export__row_changed_behind_our_back__refused(world: World) -> None:
    world.approved("alice")
    built = build(world)
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE batch_items SET amount = amount + 1")

    with pytest.raises(ConflictError, match="no longer give its payout root"):
        world.do.exporting.batch_file(built.batch.id, actor="op")
