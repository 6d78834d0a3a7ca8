"""Which policies a keeper claims, when, and in which transactions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.money import Usdc
from liqpass.domain.x402.claiming import (
    CLAIM_GAS,
    KEY_PREFIX,
    TRANSACTION_GAS,
    OpenPolicy,
    Seen,
    claim_key,
    claims_per_transaction,
    due_policies,
    plan_claims,
    still_open,
)
from liqpass.domain.x402.insurance import X402Error
from x402_terms import BASE, CLIENT, LOCAL, PROVIDER

DEADLINE_S = 1_800_000_000
MARGIN_S = 10
ANYTHING = Usdc(0)


def policy(number: int, *, deadline_s: int = DEADLINE_S) -> OpenPolicy:
    return OpenPolicy(number.to_bytes(32, "big"), PROVIDER, CLIENT, Usdc(100_000), deadline_s)


policies = st.lists(
    st.builds(
        lambda number, late_s: policy(number, deadline_s=DEADLINE_S + late_s),
        st.integers(1, 40),
        st.integers(-9, 9),
    ),
    max_size=30,
    unique_by=lambda each: each.commitment,
)


@pytest.mark.parametrize(
    ("now_s", "due"),
    [
        (DEADLINE_S, False),
        (DEADLINE_S + MARGIN_S, False),
        (DEADLINE_S + MARGIN_S + 1, True),
    ],
)
def test_due_policies__around_deadline_and_margin__due_only_after_both(now_s: int, due: bool) -> None:
    found = due_policies([policy(1)], now_s=now_s, margin_s=MARGIN_S, least=ANYTHING)

    assert found == ((policy(1),) if due else ())


def test_due_policies__no_margin__due_one_second_after_the_deadline() -> None:
    assert due_policies([policy(1)], now_s=DEADLINE_S, margin_s=0, least=ANYTHING) == ()
    assert due_policies([policy(1)], now_s=DEADLINE_S + 1, margin_s=0, least=ANYTHING) == (policy(1),)


def test_due_policies__several__the_longest_overdue_first() -> None:
    late, later, latest = policy(3, deadline_s=5), policy(1, deadline_s=7), policy(2, deadline_s=7)

    assert due_policies([latest, later, late], now_s=20, margin_s=0, least=ANYTHING) == (late, later, latest)


def test_due_policies__negative_margin__refused() -> None:
    with pytest.raises(X402Error, match="a margin of -1 s would claim before the deadline"):
        due_policies([], now_s=0, margin_s=-1, least=ANYTHING)


def test_due_policies__less_than_the_least__left_to_their_clients() -> None:
    worth, dust = policy(1), replace(policy(2), amount=Usdc(99_999))

    assert due_policies([dust, worth], now_s=DEADLINE_S + 1, margin_s=0, least=Usdc(100_000)) == (worth,)


def test_still_open__locked_and_ended_in_any_order__only_what_has_no_end_is_left() -> None:
    known = (policy(1), policy(2))
    seen = Seen((policy(3), policy(4)), frozenset({policy(2).commitment, policy(4).commitment}))

    assert still_open(known, seen) == (policy(1), policy(3))


def test_still_open__locked_anew_with_another_deadline__the_newer_lock_counts() -> None:
    again = replace(policy(1), deadline_s=DEADLINE_S + 60)

    assert still_open((policy(1),), Seen((again,), frozenset())) == (again,)


@given(policies, st.integers(0, 30))
def test_still_open__read_at_once_or_in_two_ranges__the_same(found: list[OpenPolicy], cut: int) -> None:
    ended = frozenset(each.commitment for each in found[::3])
    first, second = Seen(tuple(found[:cut]), frozenset()), Seen(tuple(found[cut:]), ended)

    assert still_open(still_open((), first), second) == still_open((), Seen(tuple(found), ended))


@pytest.mark.parametrize(
    ("wanted", "gas", "most"),
    [
        (100, 2**24, 100),
        (1_000, 2**24, 167),
        (5, TRANSACTION_GAS + 5 * CLAIM_GAS, 5),
        (5, TRANSACTION_GAS + 5 * CLAIM_GAS - 1, 4),
        (5, 0, 1),
    ],
)
def test_claims_per_transaction__gas__bounds_what_is_wanted(wanted: int, gas: int, most: int) -> None:
    assert claims_per_transaction(wanted, gas) == most


@given(
    policies,
    st.integers(1, 7),
    st.sets(st.integers(1, 40)),
    st.dictionaries(st.integers(1, 40), st.integers(0, 3)),
)
def test_plan_claims__anything_due__each_policy_once_or_in_flight_or_left(
    due: list[OpenPolicy], most: int, flying: set[int], reverted: dict[int, int]
) -> None:
    in_flight = {number.to_bytes(32, "big") for number in flying}
    reverts = {number.to_bytes(32, "big"): count for number, count in reverted.items()}

    plan = plan_claims(due, in_flight=in_flight, reverts=reverts, most=most)

    planned = [each for batch in plan.batches for each in batch]
    assert len(planned) == len(set(planned))
    assert {*planned, *plan.left} == {each for each in due if each.commitment not in in_flight}
    assert all(1 <= len(batch) <= most for batch in plan.batches)
    assert all(
        len(batch) == 1 for batch in plan.batches if any(reverts.get(each.commitment) for each in batch)
    )
    assert [each for each in planned if not reverts.get(each.commitment)] == [
        each for each in due if each in planned and not reverts.get(each.commitment)
    ]
    assert all(reverts[each.commitment] >= 2 for each in plan.left)


def test_plan_claims__one_reverted_once_and_one_twice__alone_and_left() -> None:
    reverts = {policy(2).commitment: 1, policy(3).commitment: 2}

    plan = plan_claims(
        [policy(1), policy(2), policy(3), policy(4)], in_flight=set(), reverts=reverts, most=10
    )

    assert plan.batches == ((policy(1), policy(4)), (policy(2),))
    assert plan.left == (policy(3),)


def test_plan_claims__in_flight__not_sent_again() -> None:
    plan = plan_claims([policy(1), policy(2)], in_flight={policy(1).commitment}, reverts={}, most=10)

    assert plan.batches == ((policy(2),),)


def test_claim_key__same_batch__same_key_under_the_contract() -> None:
    key = claim_key(LOCAL, [policy(1), policy(2)])

    assert key == claim_key(LOCAL, [policy(1), policy(2)])
    assert key.startswith(f"{KEY_PREFIX}{LOCAL.contract}/")


@pytest.mark.parametrize(
    "other",
    [
        [policy(1)],
        [policy(2), policy(1)],
        [policy(1), policy(2, deadline_s=DEADLINE_S + 1)],
    ],
    ids=["fewer", "another order", "locked again later"],
)
def test_claim_key__another_batch__another_key(other: list[OpenPolicy]) -> None:
    assert claim_key(LOCAL, other) != claim_key(LOCAL, [policy(1), policy(2)])


def test_claim_key__chain__is_the_journals_own_matter() -> None:
    assert claim_key(LOCAL, [policy(1)]) == claim_key(BASE, [policy(1)])
