"""A fetch that outlives its lease: the claim goes on without it, and nobody's request crashes."""

from collections.abc import Callable

import pytest
from liqpass.claims.submit import LEASE_MS
from liqpass.domain.reasons import Reason
from liqpass.ports import OkxFetchError
from liqpass.records import Claim
from test_concurrency import all_at_once, audit_actions
from worlds import World


def dead(world: World) -> Claim:
    """A claim whose fetch died with its process a lease ago."""
    order = world.covered("alice")
    world.liquidate("alice")
    claim = world.do.claiming.submit(order.id, actor="buyer")
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE claims SET state = 'VERIFYING', bundle = NULL, evidence_hash = NULL, verdict = NULL"
        )
        connection.exec_driver_sql("DELETE FROM okx_responses WHERE attempt > 0")
    world.clock.ahead_ms += LEASE_MS
    return claim


def test_submit__fetch_dead__fetched_again(world: World) -> None:
    claim = dead(world)

    again = world.do.claiming.submit(claim.order_id, actor="buyer")

    assert (again.id, again.state, again.attempt, again.failure_code) == (claim.id, "PENDING", 2, None)
    assert "FETCH_DIED" in audit_actions(world)


def test_submit__fetch_alive__answered_as_it_is(world: World) -> None:
    claim = dead(world)
    world.clock.ahead_ms -= 1

    again = world.do.claiming.submit(claim.order_id, actor="buyer")

    assert (again.state, again.attempt) == ("VERIFYING", 1)


def test_submit__fetch_dead_pressed_fifty_times__fetched_once_and_nobody_sees_an_error(world: World) -> None:
    claim = dead(world)
    fetches = world.okx.fetches

    claims, errors = all_at_once(lambda _: world.do.claiming.submit(claim.order_id, actor="buyer"))

    assert errors == []
    assert {each.id for each in claims} == {claim.id}  # type: ignore[attr-defined]
    assert world.okx.fetches == fetches + 1
    assert world.do.reviewing.show(claim.id)[0].state == "PENDING"


def test_fail_dead_fetches__lease_over__failed_and_retryable(world: World) -> None:
    claim = dead(world)

    (failed,) = world.do.claiming.fail_dead_fetches()

    assert (failed.id, failed.state, failed.failure_code) == (claim.id, "FAILED", "FETCH_DIED")
    assert world.do.claiming.submit(claim.order_id, actor="buyer").state == "PENDING"


def test_fail_dead_fetches__nothing_dead__nothing_changed(world: World) -> None:
    dead(world)
    world.clock.ahead_ms -= 1
    before = world.snapshot()

    assert world.do.claiming.fail_dead_fetches() == []
    assert world.snapshot() == before


def test_fail_dead_fetches__evidence_from_before__pending_with_it(world: World) -> None:
    claim = world.claimed("alice")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE claims SET state = 'VERIFYING', attempt = 2")
    world.clock.ahead_ms += LEASE_MS

    (kept,) = world.do.claiming.fail_dead_fetches()

    assert (kept.state, kept.failure_code, kept.evidence_hash) == (
        "PENDING",
        "FETCH_DIED",
        claim.evidence_hash,
    )


def test_fail_dead_fetches__fifty_at_once__said_once(world: World) -> None:
    dead(world)

    ended, errors = all_at_once(lambda _: world.do.claiming.fail_dead_fetches())

    assert (errors, sum(len(each) for each in ended)) == ([], 1)  # type: ignore[arg-type,misc]
    assert audit_actions(world).count("FETCH_DIED") == 1


def _ended(world: World, _order_id: str) -> None:
    world.do.claiming.fail_dead_fetches()


def _pressed_again(world: World, order_id: str) -> None:
    world.do.claiming.submit(order_id, actor="buyer")


@pytest.mark.parametrize("fault", [None, OkxFetchError(Reason.FETCH_FAILED, "OKX is down")])
@pytest.mark.parametrize(
    ("meanwhile", "state", "attempt"), [(_ended, "FAILED", 1), (_pressed_again, "PENDING", 2)]
)
def test_submit__fetch_that_outlives_its_lease__loses_and_answers_the_claim_as_it_is(
    world: World,
    meanwhile: Callable[[World, str], None],
    state: str,
    attempt: int,
    fault: OkxFetchError | None,
) -> None:
    order = world.covered("alice")
    world.liquidate("alice")

    def a_lease_passes() -> None:
        world.okx.during = lambda: None
        world.clock.ahead_ms += LEASE_MS
        meanwhile(world, order.id)
        world.okx.fault = fault

    world.okx.during = a_lease_passes

    late = world.do.claiming.submit(order.id, actor="buyer")

    assert (late.state, late.attempt) == (state, attempt)
    assert world.do.reviewing.show(late.id)[0] == late
    assert audit_actions(world).count("CLAIM_VERIFIED") == (1 if state == "PENDING" else 0)
