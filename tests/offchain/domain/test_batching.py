"""Cap, cut-off, carry-over: by approval time, nobody overtakes."""

import dataclasses
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.batching import ApprovedClaim, BatchingError, batch_id, cut_off_ms, plan_batch
from liqpass.domain.money import Usdc
from liqpass.domain.parameters import CONSERVATIVE

DAY = 20261121
CUT_OFF_MS = int(datetime(2026, 11, 21, 2, 0, tzinfo=UTC).timestamp()) * 1000  # 10:00 in Shanghai
CAP = CONSERVATIVE.daily_cap


def _claim(number, amount=50_000_000, approved_at_ms=CUT_OFF_MS - 1000):
    return ApprovedClaim(f"claim-{number}", number, amount, approved_at_ms)


def _plan(claims, cap=CAP):
    return plan_batch(claims, batch=DAY, cap=cap, parameters=CONSERVATIVE)


def test_plan__within_cap__all_in_order_of_approval():
    late, early = _claim(1, approved_at_ms=CUT_OFF_MS - 1), _claim(2, approved_at_ms=CUT_OFF_MS - 9)
    plan = _plan([late, early])

    assert plan.planned == (early, late)
    assert (plan.over_cap, plan.after_cut_off) == ((), ())
    assert (plan.batch_id, plan.cut_off_ms, plan.total) == (DAY, CUT_OFF_MS, 100_000_000)


@pytest.mark.parametrize(("offset_ms", "planned"), [(-1, True), (0, False)])
def test_plan__approved_at_the_cut_off__waits_for_the_next_day(offset_ms, planned):
    claim = _claim(1, approved_at_ms=CUT_OFF_MS + offset_ms)
    plan = _plan([claim])

    assert (claim in plan.planned, claim in plan.after_cut_off) == (planned, not planned)
    tomorrow = plan_batch([claim], batch=DAY + 1, cap=CAP, parameters=CONSERVATIVE)
    assert tomorrow.planned == (claim,)


def test_plan__eleven_full_payouts__ten_fit_the_cap_and_one_is_carried_over():
    claims = [_claim(number) for number in range(1, 12)]
    plan = _plan(claims)

    assert plan.planned == tuple(claims[:10])
    assert plan.over_cap == (claims[10],)
    assert plan.total == CAP


def test_plan__large_claim_does_not_fit__smaller_ones_behind_wait_too():
    claims = [_claim(1, 60), _claim(2, 50), _claim(3, 10)]
    plan = _plan(claims, cap=Usdc(100))

    assert plan.planned == (claims[0],)
    assert plan.over_cap == (claims[1], claims[2])


def test_plan__same_moment__by_policy_number():
    assert _plan([_claim(2), _claim(1)]).planned == (_claim(1), _claim(2))


@pytest.mark.parametrize(
    "claims",
    [[_claim(1, 0)], [_claim(1), _claim(1, 5)]],
    ids=["nothing", "twice"],
)
def test_plan__claim_that_can_never_be_paid__refused(claims):
    with pytest.raises(BatchingError):
        _plan(claims)


def test_plan__claim_above_a_lowered_daily_cap__set_aside_and_the_others_paid():
    above, behind = _claim(1, CAP + 1), _claim(2)

    plan = _plan([above, behind])

    assert (plan.planned, plan.above_daily_cap, plan.over_cap) == ((behind,), (above,), ())


@given(
    st.lists(st.tuples(st.integers(1, CAP), st.integers(-5000, 5000)), max_size=30),
    st.integers(0, CAP),
    st.randoms(use_true_random=False),
)
def test_plan__any_claims_in_any_order__nothing_lost_cap_kept_same_plan(terms, cap, rng):
    claims = [_claim(n, amount, CUT_OFF_MS + at) for n, (amount, at) in enumerate(terms, 1)]
    plan = _plan(claims, Usdc(cap))
    shuffled = list(claims)
    rng.shuffle(shuffled)

    assert _plan(shuffled, Usdc(cap)) == plan
    assert sorted((*plan.planned, *plan.over_cap, *plan.after_cut_off), key=lambda c: c.policy_no) == claims
    assert plan.total <= cap
    assert not plan.over_cap or plan.total + plan.over_cap[0].amount > cap
    waiting = [claim.approved_at_ms for claim in plan.over_cap]
    assert all(claim.approved_at_ms <= min(waiting, default=CUT_OFF_MS) for claim in plan.planned)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 21, 0, 0, tzinfo=UTC), 20261121),
        (datetime(2026, 11, 20, 23, 59, 59, 999_000, tzinfo=UTC), 20261120),
        (datetime(2027, 1, 1, tzinfo=UTC), 20270101),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), 20280229),
    ],
)
def test_batch_id__moment__utc_date(moment, expected):
    assert batch_id(int(moment.timestamp() * 1000)) == expected


@pytest.mark.parametrize("day", [20260229, 20261301, 0, 99999999])
def test_cut_off__no_date__refused(day):
    with pytest.raises(BatchingError, match="not a date"):
        cut_off_ms(day, CONSERVATIVE)


def test_cut_off__other_zone__same_local_time():
    west = dataclasses.replace(CONSERVATIVE, cut_off_utc_offset_min=-480)

    assert cut_off_ms(DAY, west) - cut_off_ms(DAY, CONSERVATIVE) == 16 * 3_600_000
