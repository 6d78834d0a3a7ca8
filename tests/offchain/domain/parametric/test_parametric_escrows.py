"""Escrows: exact parts, the dust in share 0, nothing missing and nothing too much."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.money import MAX_USDC, MoneyError
from liqpass.domain.parametric.escrow import EscrowError, escrows


@pytest.mark.parametrize(
    ("payout", "bps", "parts"),
    [
        (1_000_000, (4000, 3500, 2500), (400_000, 350_000, 250_000)),
        (1, (5000, 3000, 2000), (1, 0, 0)),
        (7, (5000, 3000, 2000), (4, 2, 1)),
        (100, (3333, 3333, 3334), (34, 33, 33)),
        (1_000_001, (4000, 3500, 2500), (400_001, 350_000, 250_000)),
        (1_000_003, (625,) * 16, (62_503, *(62_500,) * 15)),
        (MAX_USDC, (10_000,), (MAX_USDC,)),
    ],
)
def test_escrows__table__exact_parts(payout, bps, parts):
    assert escrows(payout, bps) == parts


@pytest.mark.parametrize(
    "bps", [(), (9_999,), (10_001,), (5_000, 4_999), (10_000, 0), (10_001, -1), (0, 10_000)]
)
def test_escrows__parts_that_are_not_the_whole__refused(bps):
    with pytest.raises(EscrowError, match="do not make up 10000 bps"):
        escrows(1, bps)


@pytest.mark.parametrize("payout", [-1, MAX_USDC + 1])
def test_escrows__payout_that_is_no_amount__refused(payout):
    with pytest.raises(MoneyError):
        escrows(payout, (10_000,))


@st.composite
def whole_shares(draw):
    count = draw(st.integers(1, 16))
    cuts = draw(st.lists(st.integers(1, 9_999), min_size=count - 1, max_size=count - 1, unique=True))
    edges = [0, *sorted(cuts), 10_000]
    return tuple(high - low for low, high in pairwise(edges))


@given(st.integers(0, MAX_USDC), whole_shares())
def test_escrows__any_shares__add_up_and_round_down(payout, bps):
    parts = escrows(payout, bps)

    assert sum(parts) == payout
    assert all(part == payout * share // 10_000 for part, share in zip(parts[1:], bps[1:], strict=True))
    assert 0 <= parts[0] - payout * bps[0] // 10_000 < len(bps)
