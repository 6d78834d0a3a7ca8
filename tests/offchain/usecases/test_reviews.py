"""Reviews: two eyes or four, final or not; illegal transitions change nothing; replay."""

from collections.abc import Callable

import pytest
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.machine import IllegalTransition
from liqpass.domain.reasons import Reason
from liqpass.ports import OkxFetchError
from liqpass.refusals import ConflictError, InvalidInputError
from paper_chain import BUYER, OTHER_BUYER
from worlds import World


def test_approve__eligible__one_reviewer_suffices(world: World) -> None:
    claim = world.claimed("alice")

    result = world.do.reviewing.approve(claim.id, reviewer="rita")

    assert (result.claim.state, result.needs_second, result.claim.recipient) == ("APPROVED", False, BUYER)
    assert world.do.selling.show(claim.order_id).state == "APPROVED"


def test_approve__needs_review__two_reviewers_with_reasons(world: World) -> None:
    claim = world.claimed("alice", kind=Close.PARTIAL_LIQUIDATION)

    first = world.do.reviewing.approve(claim.id, reviewer="rita", reason="half was liquidated")
    second = world.do.reviewing.approve(claim.id, reviewer="ravi", reason="agreed")

    assert (first.needs_second, first.claim.state) == (True, "PENDING")
    assert (second.needs_second, second.claim.state) == (False, "APPROVED")


def test_approve__needs_review_by_the_same_reviewer_twice__conflict(world: World) -> None:
    claim = world.claimed("alice", kind=Close.PARTIAL_LIQUIDATION)
    world.do.reviewing.approve(claim.id, reviewer="rita", reason="yes")
    before = world.snapshot()

    with pytest.raises(ConflictError) as error:
        world.do.reviewing.approve(claim.id, reviewer=" RITA ", reason="yes, really")

    assert error.value.reasons == (Reason.SECOND_REVIEWER_MISSING,)
    assert world.snapshot() == before


def test_approve__needs_review_without_reason__invalid(world: World) -> None:
    claim = world.claimed("alice", kind=Close.PARTIAL_LIQUIDATION)

    with pytest.raises(InvalidInputError) as error:
        world.do.reviewing.approve(claim.id, reviewer="rita")

    assert error.value.reasons == (Reason.REVIEW_REASON_MISSING,)


def test_approve__not_eligible__conflict_and_nothing_changed(world: World) -> None:
    claim = world.claimed("alice", kind=Close.MANUAL)
    before = world.snapshot()

    with pytest.raises(ConflictError) as error:
        world.do.reviewing.approve(claim.id, reviewer="rita", reason="please")

    assert error.value.reasons == (Reason.NOT_ELIGIBLE,)
    assert world.snapshot() == before


def test_reject__not_final__cover_goes_on_and_a_new_claim_may_come(world: World) -> None:
    claim = world.claimed("alice", kind=Close.MANUAL)

    rejected = world.do.reviewing.reject(claim.id, reviewer="rita", reason="closed by hand", final=False)
    second = world.do.claiming.submit(claim.order_id, actor="buyer")

    assert (rejected.state, rejected.rejection_final) == ("REJECTED", False)
    assert (second.id != claim.id, second.state) == (True, "PENDING")


def test_reject__final__policy_over_and_key_erased(world: World) -> None:
    claim = world.claimed("alice", kind=Close.MANUAL)

    world.do.reviewing.reject(claim.id, reviewer="rita", reason="fraud", final=True)

    assert world.do.selling.show(claim.order_id).state == "REJECTED"
    with world.store.read() as unit:
        assert unit.controls.credential(claim.order_id) is None
    with pytest.raises(IllegalTransition):
        world.do.claiming.submit(claim.order_id, actor="buyer")


def test_reject__failed_claim_whose_key_is_gone__rejected(world: World) -> None:
    order = world.covered("alice")
    world.okx.fault = OkxFetchError(Reason.FETCH_FAILED, "the key is gone", key_broken=True)
    failed = world.do.claiming.submit(order.id, actor="buyer")

    rejected = world.do.reviewing.reject(failed.id, reviewer="rita", reason="no evidence", final=False)

    assert (rejected.state, world.do.selling.show(order.id).state) == ("REJECTED", "COVERED")


def _refetch(world: World, claim_id: str) -> object:
    return world.do.claiming.refetch(claim_id, actor="op")


def _approve(world: World, claim_id: str) -> object:
    return world.do.reviewing.approve(claim_id, reviewer="rosa", reason="x")


def _reject(world: World, claim_id: str) -> object:
    return world.do.reviewing.reject(claim_id, reviewer="rosa", reason="x", final=True)


def _release(world: World, claim_id: str) -> object:
    return world.do.releasing.release(claim_id, actor="op", reason="x")


@pytest.mark.parametrize(
    ("state", "action"),
    [
        ("PENDING", _release),
        ("APPROVED", _refetch),
        ("APPROVED", _approve),
        ("APPROVED", _release),
        ("BATCHED", _approve),
        ("BATCHED", _reject),
        ("BATCHED", _release),
        ("REJECTED", _approve),
        ("REJECTED", _reject),
        ("REJECTED", _refetch),
        ("FAILED", _approve),
        ("FAILED", _release),
    ],
)
def test_illegal_transition__claim__error_and_nothing_changed(
    world: World, state: str, action: Callable[[World, str], object]
) -> None:
    if state == "FAILED":
        order = world.covered("alice")
        world.okx.fault = OkxFetchError(Reason.FETCH_FAILED, "down")
        claim = world.do.claiming.submit(order.id, actor="buyer")
    else:
        claim = world.claimed("alice")
    if state == "REJECTED":
        world.do.reviewing.reject(claim.id, reviewer="rita", reason="x", final=False)
    if state in ("APPROVED", "BATCHED"):
        world.do.reviewing.approve(claim.id, reviewer="rita")
    if state == "BATCHED":
        world.do.building.build(actor="op")
    assert world.do.reviewing.show(claim.id)[0].state == state
    before = world.snapshot()

    with pytest.raises(IllegalTransition):
        action(world, claim.id)

    assert world.snapshot() == before


def test_replay__stored_bytes__same_decision(world: World) -> None:
    claim = world.claimed("alice")

    replay = world.do.replaying.replay(claim.id)

    assert (replay.differences, str(replay.decision.verdict)) == ((), "ELIGIBLE")


def test_replay__stored_payout_changed__difference_named(world: World) -> None:
    claim = world.claimed("alice")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE claims SET payout = payout + 1")

    assert world.do.replaying.replay(claim.id).differences == ("payout",)


def test_listed__two_claims__oldest_first(world: World) -> None:
    first = world.claimed("alice")
    second = world.claimed("bob", OTHER_BUYER)

    assert [claim.id for claim in world.do.reviewing.listed()] == [first.id, second.id]


def test_approve__evidence_fetched_anew_since_it_was_looked_at__refused(world: World) -> None:
    claim = world.claimed("alice")
    world.do.claiming.refetch(claim.id, actor="rita")

    with pytest.raises(ConflictError) as refused:
        world.do.reviewing.approve(claim.id, reviewer="rita", seen_hash=claim.evidence_hash)

    assert refused.value.reasons == (Reason.EVIDENCE_CHANGED,)
    fresh, words = world.do.reviewing.show(claim.id)
    assert (fresh.state, words) == ("PENDING", [])
    approved = world.do.reviewing.approve(claim.id, reviewer="rita", seen_hash=fresh.evidence_hash)
    assert approved.claim.state == "APPROVED"


def test_reject__evidence_fetched_anew_since_it_was_looked_at__refused(world: World) -> None:
    claim = world.claimed("alice")
    world.do.claiming.refetch(claim.id, actor="rita")

    with pytest.raises(ConflictError) as refused:
        world.do.reviewing.reject(
            claim.id, reviewer="rita", reason="no", final=True, seen_hash=claim.evidence_hash
        )

    assert refused.value.reasons == (Reason.EVIDENCE_CHANGED,)
    assert world.do.reviewing.show(claim.id)[0].state == "PENDING"
