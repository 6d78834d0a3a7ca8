"""A payout that the signers would refuse stops nobody but itself, and a person can end or reopen it."""

import pytest
from liqpass.adapters.database.tables import claims
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.batch_json import parse_batch_file
from liqpass.domain.machine import IllegalTransition
from liqpass.domain.reasons import Reason
from liqpass.records import Claim
from liqpass.refusals import ConflictError, InvalidInputError
from paper_chain import OTHER_BUYER
from payout_steps import approve_and_execute, build, claim_state, next_morning
from sqlalchemy import text, update
from worlds import World


def refused(world: World, name: str = "alice") -> Claim:
    """An APPROVED claim whose premium the chain no longer has."""
    claim = world.approved(name)
    del world.chain.transactions[world.do.selling.show(claim.order_id).payment_tx or ""]
    return claim


def test_build__one_claim_that_the_signers_would_refuse__left_out_with_its_reasons(world: World) -> None:
    bad = refused(world)
    good = world.approved("bob", OTHER_BUYER)

    built = build(world)

    assert [item.claim_id for item in world.do.building.show(built.batch.id)[1]] == [good.id]
    (left,) = built.left_out
    assert (left.claim.claim_id, [each.reason for each in left.refusals]) == (
        bad.id,
        [Reason.PAYMENT_NOT_FOUND],
    )
    assert (claim_state(world, bad), claim_state(world, good)) == ("APPROVED", "BATCHED")
    entry = world.controlling.audit_entries(subject=f"claim/{bad.id}")[-1]
    assert (entry.action, entry.actor, entry.details["reasons"]) == (
        "CLAIM_LEFT_OUT",
        "op",
        "PAYMENT_NOT_FOUND",
    )


def test_plan__one_claim_that_the_signers_would_refuse__shown_and_nothing_changed(world: World) -> None:
    bad = refused(world)
    good = world.approved("bob", OTHER_BUYER)
    next_morning(world)
    before = world.snapshot()

    draft = world.do.building.plan()

    assert [line.claim_id for line in draft.plan.planned] == [good.id]
    assert [left.claim.claim_id for left in draft.left_out] == [bad.id]
    assert world.snapshot() == before


def test_build__nothing_but_refused_claims__conflict_names_them_and_the_audit_log_keeps_it(
    world: World,
) -> None:
    bad = refused(world)
    next_morning(world)

    with pytest.raises(ConflictError, match="policy 1: PAYMENT_NOT_FOUND"):
        world.do.building.build(actor="op")

    assert claim_state(world, bad) == "APPROVED"
    assert world.controlling.audit_entries(subject=f"claim/{bad.id}")[-1].action == "CLAIM_LEFT_OUT"
    assert world.do.building.listed() == []


def test_build__left_out_claim_frees_its_place_under_the_cap(world: World) -> None:
    refused(world)
    world.chain.mine(seconds=60)
    others = [world.approved(f"t{n}", f"0x{0xA000 + n:040x}") for n in range(10)]

    built = build(world)

    assert [line.claim_id for line in built.plan.planned] == [claim.id for claim in others]
    assert built.plan.over_cap == ()


def test_build__evidence_that_cannot_be_read__left_out(world: World) -> None:
    bad = world.approved("alice")
    good = world.approved("bob", OTHER_BUYER)
    with world.engine.begin() as connection:
        connection.execute(update(claims).where(claims.c.id == bad.id).values(bundle=b"{}"))

    built = build(world)

    assert [line.claim_id for line in built.plan.planned] == [good.id]
    assert [each.reason for left in built.left_out for each in left.refusals] == [Reason.EVIDENCE_UNREADABLE]


def test_build__order_marked_paid_by_hand__stays_in(world: World) -> None:
    order = world.bound("alice")
    world.do.paying.mark_paid(order.id, actor="olga", reason="bank transfer 17")
    world.chain.mine(seconds=700)
    world.liquidate("alice")
    claim = world.do.claiming.submit(order.id, actor="buyer")
    world.do.reviewing.approve(claim.id, reviewer="rita")

    assert [line.claim_id for line in build(world).plan.planned] == [claim.id]


def test_build__the_node_is_of_another_chain__conflict_and_nothing_changed(world: World) -> None:
    world.approved("alice")
    next_morning(world)
    world.chain.id = 1
    before = world.snapshot()

    with pytest.raises(ConflictError, match="BATCH_WRONG_CHAIN"):
        world.do.building.build(actor="op")

    assert world.snapshot() == before


def test_build__claim_decided_anew_while_the_chain_was_read__conflict(world: World) -> None:
    claim = world.approved("alice")
    next_morning(world)

    def decide_anew() -> None:
        world.do.reviewing.reopen(claim.id, reviewer="olga", reason="a doubt")
        world.do.reviewing.approve(claim.id, reviewer="ravi")

    world.signers.meanwhile = decide_anew

    with pytest.raises(ConflictError, match="build again"):
        world.do.building.build(actor="op")

    assert world.do.building.listed() == []


def test_reject__approved_and_final__policy_over(world: World) -> None:
    claim = refused(world)

    rejected = world.do.reviewing.reject(claim.id, reviewer="olga", reason="no premium", final=True)

    assert (rejected.state, world.do.selling.show(claim.order_id).state) == ("REJECTED", "REJECTED")


def test_reject__approved_and_not_final__cover_goes_on(world: World) -> None:
    claim = world.approved("alice")

    rejected = world.do.reviewing.reject(claim.id, reviewer="olga", reason="wrong bundle", final=False)

    assert (rejected.state, world.do.selling.show(claim.order_id).state) == ("REJECTED", "COVERED")


def test_reopen__approved__pending_again_with_reason_and_audit_entry(world: World) -> None:
    claim = world.approved("alice")

    reopened = world.do.reviewing.reopen(claim.id, reviewer="olga", reason="the signers refuse it")

    assert (reopened.state, reopened.approved_at_ms, reopened.recipient) == ("PENDING", None, None)
    assert world.do.selling.show(claim.order_id).state == "CLAIM_REQUESTED"
    entry = world.controlling.audit_entries(subject=f"claim/{claim.id}")[-1]
    assert (entry.action, entry.actor, entry.details["reason"]) == (
        "CLAIM_REOPENED",
        "olga",
        "the signers refuse it",
    )


def test_reopen__no_reason__invalid(world: World) -> None:
    claim = world.approved("alice")

    with pytest.raises(InvalidInputError):
        world.do.reviewing.reopen(claim.id, reviewer="olga", reason=" ")


def test_reopen__batched__illegal_and_nothing_changed(world: World) -> None:
    claim = world.approved("alice")
    build(world)
    before = world.snapshot()

    with pytest.raises(IllegalTransition):
        world.do.reviewing.reopen(claim.id, reviewer="olga", reason="late")

    assert world.snapshot() == before


def test_reopen__two_had_approved__their_words_are_void(world: World) -> None:
    claim = world.claimed("alice", kind=Close.PARTIAL_LIQUIDATION)
    for reviewer in ("rita", "ravi"):
        world.do.reviewing.approve(claim.id, reviewer=reviewer, reason="yes")
    world.do.reviewing.reopen(claim.id, reviewer="olga", reason="look again")

    with pytest.raises(ConflictError, match="another reviewer"):
        world.do.reviewing.approve(claim.id, reviewer="rita", reason="yes")
    first = world.do.reviewing.approve(claim.id, reviewer="rosa", reason="yes")
    second = world.do.reviewing.approve(claim.id, reviewer="rolf", reason="yes")

    assert (first.needs_second, second.needs_second) == (True, False)
    data = world.do.exporting.batch_file(build(world).batch.id, actor="op")
    (item,) = parse_batch_file(data).items
    assert (item.review.reviewer, item.review.second_reviewer) == ("rosa", "rolf")


def test_reconcile__paid_by_a_renewed_approval_after_the_claim_was_rejected__alarm_and_recorded(
    world: World,
) -> None:
    claim = world.approved("alice")
    built = build(world)
    world.chain.approve(built.batch.id, built.batch.payout_root, built.batch.total)
    world.chain.mine(seconds=49 * 3_600)
    world.chain.settle()
    world.do.reconciling.reconcile()
    world.do.reviewing.reject(claim.id, reviewer="olga", reason="fraud", final=True)
    approve_and_execute(world, built)
    world.chain.settle()

    result = world.do.reconciling.reconcile()
    again = world.do.reconciling.reconcile()

    assert (result.paid, claim_state(world, claim)) == ([claim.policy_no], "REJECTED")
    assert "though its claim is REJECTED" in result.alarms[0]
    assert (again.paid, again.alarms) == ([], [])


def test_build__another_policy_was_paid_for_the_same_position__left_out(world: World) -> None:
    first = world.approved("alice")
    approve_and_execute(world, build(world))
    world.chain.settle()
    world.do.reconciling.reconcile()
    second = world.approved("bob", OTHER_BUYER)
    with world.engine.begin() as connection:  # another account by its hash, the same position by OKX's words
        for column in ("pos_id", "c_time_ms"):
            connection.execute(
                text(
                    f"UPDATE orders SET {column} = (SELECT {column} FROM orders WHERE id = :b) WHERE id = :a"
                ),
                {"a": first.order_id, "b": second.order_id},
            )
    next_morning(world)

    (left,) = world.do.building.plan().left_out

    assert (left.claim.claim_id, [each.reason for each in left.refusals]) == (
        second.id,
        [Reason.LIQUIDATION_PAID_BEFORE],
    )
