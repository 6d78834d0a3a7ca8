"""The bond's numbers: those of the document, rounding against the provider, both sides of each limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.money import MAX_USDC, MoneyError, parse_usdc
from liqpass.domain.x402.bond import Bond, BondError, ProtectionCost, deadline_s, penalty, protection_cost

THOUSAND = parse_usdc("1000")
LOCKED_AT_S = 1_795_000_000


def _bond(total=THOUSAND, locked=0, minimum=0, liquidated=False):
    return Bond(total, locked, minimum, liquidated)


@pytest.mark.parametrize(
    ("amount", "penalty_bps", "expected"),
    [
        (100_000, 200, ProtectionCost(102_000, 2_000)),  # the document's: 0.10 locks 0.102
        (1, 200, ProtectionCost(2, 1)),
        (50, 200, ProtectionCost(51, 1)),
        (51, 200, ProtectionCost(53, 2)),
        (100_000, 0, ProtectionCost(100_000, 0)),
        (100_000, 1, ProtectionCost(100_010, 10)),
        (100_000, 1_000, ProtectionCost(110_000, 10_000)),
        (0, 200, ProtectionCost(0, 0)),
    ],
)
def test_protection_cost__amount_and_rate__penalty_rounded_up(amount, penalty_bps, expected):
    assert protection_cost(amount, penalty_bps) == expected
    assert penalty(amount, penalty_bps) == expected.penalty


@given(st.integers(0, MAX_USDC), st.integers(0, 1_000))
def test_penalty__any_amount_and_rate__least_number_not_below_the_share(amount, penalty_bps):
    fine = penalty(amount, penalty_bps)

    assert 0 <= fine * 10_000 - amount * penalty_bps < 10_000
    assert (fine == 0) == (amount * penalty_bps == 0)


def test_protection_cost__lock_beyond_every_amount__refused_where_the_penalty_is_not():
    assert penalty(MAX_USDC, 200) == 1_584_563_250_285_286_751_870_879_007  # the contract's
    with pytest.raises(MoneyError, match="amount 80812725764549624345414829342 is outside"):
        protection_cost(MAX_USDC, 200)


@pytest.mark.parametrize("penalty_bps", [-1, 1_001, True, 2.0, None])
def test_penalty__rate_out_of_range__refused(penalty_bps):
    with pytest.raises(BondError, match=r"is outside 0\.\.1000 basis points"):
        penalty(100_000, penalty_bps)


@pytest.mark.parametrize("amount", [-1, MAX_USDC + 1, True, 0.1])
def test_penalty__not_an_amount__refused(amount):
    with pytest.raises(MoneyError):
        penalty(amount, 200)


def test_bond__one_payment_locked__the_documents_numbers():
    bond = _bond(locked=protection_cost(100_000, 200).total_lock, minimum=parse_usdc("500"))

    assert bond.available == parse_usdc("999.898")
    assert bond.is_healthy
    assert bond.locked_share_bps == 1
    assert not bond.is_strained


@pytest.mark.parametrize(
    ("bond", "healthy"),
    [
        (_bond(locked=500_000_000, minimum=500_000_000), True),
        (_bond(locked=500_000_001, minimum=500_000_000), False),
        (_bond(locked=500_000_000, minimum=500_000_000, liquidated=True), False),
        (_bond(total=0), True),
        (_bond(total=0, minimum=1), False),
        (_bond(total=0, liquidated=True), False),
    ],
)
def test_is_healthy__around_the_minimum__flips_exactly_there(bond, healthy):
    assert bond.is_healthy is healthy


@pytest.mark.parametrize(
    ("bond", "share_bps", "strained"),
    [
        (_bond(locked=699_999_999), 6_999, False),
        (_bond(locked=700_000_000), 7_000, True),
        (_bond(locked=THOUSAND), 10_000, True),
        (_bond(total=3, locked=2), 6_666, False),
        (_bond(total=10, locked=7), 7_000, True),
        (_bond(total=0), 0, False),
    ],
)
def test_locked_share__around_the_warning__rounded_down_and_strained_from_70_percent(
    bond, share_bps, strained
):
    assert bond.locked_share_bps == share_bps
    assert bond.is_strained is strained


@given(st.integers(1, MAX_USDC), st.data())
def test_bond__any_state__parts_add_up_and_the_warning_is_exact(total, data):
    locked = data.draw(st.integers(0, total))
    bond = _bond(total=total, locked=locked)

    assert bond.available + bond.locked == total
    assert 0 <= locked * 10_000 - bond.locked_share_bps * total < total
    assert bond.is_strained == (locked * 10 >= total * 7)


def test_bond__more_locked_than_there_is__refused():
    with pytest.raises(BondError, match="1000000001 locked of a bond of 1000000000"):
        _bond(locked=THOUSAND + 1)


@pytest.mark.parametrize("field", ["total", "locked", "minimum"])
@pytest.mark.parametrize("amount", [-1, MAX_USDC + 1, True])
def test_bond__not_an_amount__refused(field, amount):
    with pytest.raises(MoneyError):
        _bond(**{field: amount})


@pytest.mark.parametrize(
    ("timeout_minutes", "seconds"), [(0, 5 * 60), (1, 60), (5, 5 * 60), (10_080, 7 * 24 * 3600)]
)
def test_deadline__time_out__that_many_minutes_after_the_lock_or_the_default(timeout_minutes, seconds):
    assert deadline_s(LOCKED_AT_S, timeout_minutes, default_timeout_minutes=5) == LOCKED_AT_S + seconds


@pytest.mark.parametrize(
    ("timeout_minutes", "default_timeout_minutes", "told"),
    [(-1, 5, -1), (10_081, 5, 10_081), (0, 0, 0), (0, 10_081, 10_081)],
)
def test_deadline__time_out_out_of_range__refused(timeout_minutes, default_timeout_minutes, told):
    with pytest.raises(BondError, match=f"time-out of {told} minutes is outside 1..10080"):
        deadline_s(LOCKED_AT_S, timeout_minutes, default_timeout_minutes)
