"""Evidence fetched anew: neither an early claim nor a slow review costs the trader."""

import json

import pytest
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.evidence import MAX_BYTES
from liqpass.domain.machine import IllegalTransition
from liqpass.domain.reasons import Reason
from liqpass.ports import OkxFetchError
from liqpass.records import Claim
from liqpass.refusals import RefusedError
from worlds import World


def early(world: World) -> Claim:
    """A PENDING claim that was pressed while the position was open, liquidated an hour later."""
    claim = world.do.claiming.submit(world.covered("alice").id, actor="buyer")
    world.chain.mine(seconds=3_600)
    world.liquidate("alice")
    return claim


def test_submit__pressed_again_after_a_not_eligible_verdict__fetched_and_judged_anew(world: World) -> None:
    claim = early(world)

    again = world.do.claiming.submit(claim.order_id, actor="buyer")

    assert (claim.state, claim.verdict) == ("PENDING", "NOT_ELIGIBLE")
    assert (again.id, again.state, again.verdict, again.attempt) == (claim.id, "PENDING", "ELIGIBLE", 2)
    assert again.evidence_hash != claim.evidence_hash


def test_refetch__pending_that_one_had_approved__earlier_review_is_void(world: World) -> None:
    claim = world.claimed("alice", kind=Close.PARTIAL_LIQUIDATION)
    world.do.reviewing.approve(claim.id, reviewer="rita", reason="yes")

    world.do.claiming.refetch(claim.id, actor="op")
    first = world.do.reviewing.approve(claim.id, reviewer="rita", reason="yes, this evidence too")
    second = world.do.reviewing.approve(claim.id, reviewer="ravi", reason="yes")

    assert (first.needs_second, second.claim.state) == (True, "APPROVED")


def test_refetch__pending_while_okx_is_down__evidence_before_stands_and_its_reviews_do_not(
    world: World,
) -> None:
    claim = world.claimed("alice", kind=Close.PARTIAL_LIQUIDATION)
    world.do.reviewing.approve(claim.id, reviewer="rita", reason="yes")
    world.okx.fault = OkxFetchError(Reason.FETCH_FAILED, "the key is gone", key_broken=True)

    kept = world.do.claiming.refetch(claim.id, actor="op")
    first = world.do.reviewing.approve(claim.id, reviewer="ravi", reason="yes")

    assert (kept.state, kept.failure_code, kept.evidence_hash) == (
        "PENDING",
        "FETCH_FAILED",
        claim.evidence_hash,
    )
    assert first.needs_second


def test_refetch__approved__illegal_and_nothing_changed(world: World) -> None:
    claim = world.approved("alice")
    before = world.snapshot()

    with pytest.raises(IllegalTransition):
        world.do.claiming.refetch(claim.id, actor="op")

    assert world.snapshot() == before


def test_submit__first_claim_in_time_and_rejected_late__may_be_claimed_again(world: World) -> None:
    claim = early(world)
    world.chain.mine(seconds=3 * 86_400)
    world.do.reviewing.reject(claim.id, reviewer="rita", reason="nothing", final=False)

    again = world.do.claiming.submit(claim.order_id, actor="buyer")

    assert (again.id != claim.id, again.state, again.verdict) == (True, "PENDING", "ELIGIBLE")


def test_submit__never_claimed_in_time__refused(world: World) -> None:
    order = world.covered("alice")
    world.liquidate("alice")
    world.chain.mine(seconds=3 * 86_400)

    with pytest.raises(RefusedError) as error:
        world.do.claiming.submit(order.id, actor="buyer")

    assert error.value.reasons == (Reason.CLAIM_TOO_LATE,)


def test_submit__evidence_above_the_size_of_a_bundle__failed_and_not_approvable(world: World) -> None:
    order = world.covered("alice")
    world.liquidate("alice")
    pages = MAX_BYTES // 4_000_000 + 1
    row = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "pad": "x" * 3_999_000}
    filler = json.dumps({"code": "0", "msg": "", "data": [row]}).encode()
    world.okx.repeated = (filler, pages)

    failed = world.do.claiming.submit(order.id, actor="buyer")

    assert (failed.state, failed.failure_code) == ("FAILED", "EVIDENCE_UNREADABLE")
    assert failed.bundle is None
    world.okx.repeated = None
    assert world.do.claiming.submit(order.id, actor="buyer").state == "PENDING"


def test_submit__orders__asked_from_a_second_before_the_position_was_opened(world: World) -> None:
    claim = world.claimed("alice")
    order = world.do.selling.show(claim.order_id)

    with world.store.read() as unit:
        paths = [answer.path for answer in unit.claims.responses(claim.id, 1)]

    asked = [path for path in paths if "orders-history" in path]
    assert len(asked) == 2
    assert all(f"begin={(order.c_time_ms or 0) - 1_000}" in path for path in asked)
