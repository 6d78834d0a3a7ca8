"""Claims: one at a time, fetched, judged and kept; a failed fetch does not use the claim up."""

import json

import pytest
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.evidence import parse_bundle
from liqpass.domain.machine import IllegalTransition
from liqpass.domain.reasons import Reason
from liqpass.ports import OkxFetchError
from liqpass.refusals import ConflictError, NotFoundError, RefusedError
from worlds import World


def test_submit__liquidated_in_the_window__pending_with_bundle_and_verdict(world: World) -> None:
    claim = world.claimed("alice")

    assert (claim.state, claim.verdict, claim.reasons) == ("PENDING", "ELIGIBLE", '["LIQUIDATED_IN_WINDOW"]')
    assert 0 < (claim.payout or 0) <= 50_000_000
    bundle = parse_bundle(claim.bundle or b"")
    assert "0x" + bundle.evidence_hash.hex() == claim.evidence_hash
    assert len(bundle.salt) == 64
    assert bundle.requests[0].path == "/api/v5/account/positions"
    with world.store.read() as unit:
        stored = unit.claims.responses(claim.id, 1)
    assert [request.body for request in bundle.requests[1:]] == [each.body.decode() for each in stored]


def test_submit__pressed_again__same_claim_and_nothing_changed(world: World) -> None:
    claim = world.claimed("alice")
    before = world.snapshot()

    again = world.do.claiming.submit(claim.order_id, actor="buyer")

    assert again == claim
    assert world.snapshot() == before


def test_submit__not_paid__refused_and_nothing_changed(world: World) -> None:
    order = world.bound("alice")
    before = world.snapshot()

    with pytest.raises(ConflictError) as error:
        world.do.claiming.submit(order.id, actor="buyer")

    assert error.value.reasons == (Reason.PURCHASE_ORDER_NOT_PAID,)
    assert world.snapshot() == before


def test_submit__unknown_order__not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.do.claiming.submit("no-such-order", actor="buyer")


def test_submit__before_the_cover_begins__refused(world: World) -> None:
    order = world.bound("alice")
    tx_hash = world.chain.pay(order)
    world.chain.mine(5)
    world.do.paying.pay_by_transaction(order.id, tx_hash, actor="buyer")

    with pytest.raises(RefusedError) as error:
        world.do.claiming.submit(order.id, actor="buyer")

    assert error.value.reasons == (Reason.CLAIM_BEFORE_COVER,)


@pytest.mark.parametrize(("late_ms", "accepted"), [(-1, True), (0, False)])
def test_submit__at_the_end_of_the_grace__to_the_millisecond(
    world: World, late_ms: int, accepted: bool
) -> None:
    order = world.covered("alice")
    world.liquidate("alice")
    deadline_ms = (order.end_ms or 0) + 86_400_000
    world.clock.ahead_ms = deadline_ms + late_ms - world.chain.head().time_s * 1000
    before = world.snapshot()

    if accepted:
        assert world.do.claiming.submit(order.id, actor="buyer").state == "PENDING"
        return
    with pytest.raises(RefusedError) as error:
        world.do.claiming.submit(order.id, actor="buyer")
    assert error.value.reasons == (Reason.CLAIM_TOO_LATE,)
    assert world.snapshot() == before


def test_submit__okx_down__failed_and_not_used_up(world: World) -> None:
    order = world.covered("alice")
    world.liquidate("alice")
    world.okx.fault = OkxFetchError(Reason.FETCH_FAILED, "OKX is busy (OKX code 50013)")

    failed = world.do.claiming.submit(order.id, actor="buyer")
    world.okx.fault = None
    claim = world.do.claiming.refetch(failed.id, actor="op")

    assert (failed.state, failed.failure_code) == ("FAILED", "FETCH_FAILED")
    assert failed.failure == "OKX is busy (OKX code 50013)"
    assert (claim.id, claim.state, claim.attempt, claim.verdict) == (failed.id, "PENDING", 2, "ELIGIBLE")
    assert claim.failure is None


@pytest.mark.parametrize("body", [b"<html>", b'{"code":"0","code":"0","msg":"","data":[]}', b"\xff"])
def test_submit__unreadable_body__failed_kept_raw_and_retryable(world: World, body: bytes) -> None:
    order = world.covered("alice")
    world.liquidate("alice")
    world.okx.bodies = [body]

    failed = world.do.claiming.submit(order.id, actor="buyer")
    with world.store.read() as unit:
        kept = unit.claims.responses(failed.id, 1)
    claim = world.do.claiming.submit(order.id, actor="buyer")

    assert (failed.state, failed.failure_code) == ("FAILED", "EVIDENCE_UNREADABLE")
    assert kept[0].body == body
    assert (claim.id, claim.state) == (failed.id, "PENDING")


def test_submit__grace_over_while_failed__retry_still_counts(world: World) -> None:
    order = world.covered("alice")
    world.liquidate("alice")
    world.okx.fault = OkxFetchError(Reason.FETCH_FAILED, "down")
    failed = world.do.claiming.submit(order.id, actor="buyer")
    world.okx.fault = None
    world.chain.mine(seconds=3 * 86_400)

    assert world.do.claiming.refetch(failed.id, actor="op").state == "PENDING"


def test_submit__bug_while_judging__failed_and_the_bug_is_seen(world: World) -> None:
    order = world.covered("alice")
    world.okx.fault = ZeroDivisionError()  # type: ignore[assignment]

    with pytest.raises(ZeroDivisionError):
        world.do.claiming.submit(order.id, actor="buyer")

    (claim,) = world.do.reviewing.listed()
    assert (claim.state, claim.failure) == ("FAILED", "internal fault: ZeroDivisionError")


def test_refetch__verifying_whose_process_died__after_the_lease_only(world: World) -> None:
    order = world.covered("alice")
    world.liquidate("alice")
    world.okx.fault = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        world.do.claiming.submit(order.id, actor="buyer")
    world.okx.fault = None
    (stuck,) = world.do.reviewing.listed()

    with pytest.raises(IllegalTransition):
        world.do.claiming.refetch(stuck.id, actor="op")
    world.chain.mine(seconds=300)

    assert stuck.state == "VERIFYING"
    assert world.do.claiming.refetch(stuck.id, actor="op").state == "PENDING"


@pytest.mark.parametrize(
    ("kind", "verdict", "reason"),
    [
        (Close.PARTIAL_LIQUIDATION, "NEEDS_REVIEW", "PARTIAL_LIQUIDATION"),
        (Close.MANUAL, "NOT_ELIGIBLE", "CLOSED_BY_TRADER"),
        (Close.ADL, "NOT_ELIGIBLE", "AUTO_DELEVERAGED"),
        (Close.DELIVERY, "NOT_ELIGIBLE", "DELIVERED"),
    ],
)
def test_submit__other_ends__verdict_and_reason(world: World, kind: Close, verdict: str, reason: str) -> None:
    claim = world.claimed("alice", kind=kind)

    assert claim.verdict == verdict
    assert reason in json.loads(claim.reasons or "[]")
