"""Which arrivals at a payment address have no lock, and what is left of them after returns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.money import Usdc
from liqpass.domain.x402.commitments import settlement_commitment
from liqpass.domain.x402.strays import (
    Arrival,
    Holding,
    Lock,
    Place,
    Return,
    Stray,
    Unreturnable,
    ambiguous,
    holding,
    largest,
    named,
    return_command,
    unlocked,
    unreturnable,
)
from x402_terms import CLIENT, LOCAL, PROVIDER

OTHER = "0x" + "d3" * 20
PRICE = Usdc(100_000)
FIRST, SECOND = b"\x01" * 32, b"\x02" * 32
TX, OTHER_TX = "0x" + "11" * 32, "0x" + "22" * 32


def arrival(
    index: int, amount: int = PRICE, *, client: str = CLIENT, tx_hash: str = TX, block: int = 5
) -> Arrival:
    return Arrival(PROVIDER, client, Usdc(amount), Place(block, index, tx_hash))


def lock(nonce: bytes, *, tx_hash: str = TX, client: str = CLIENT, amount: int = PRICE) -> Lock:
    commitment = settlement_commitment(LOCAL, provider=PROVIDER, client=client, nonce=nonce)
    return Lock(commitment, PROVIDER, client, Usdc(amount), tx_hash)


def returned(index: int, amount: int, *, client: str = CLIENT, block: int = 5) -> Return:
    return Return(PROVIDER, client, Usdc(amount), Place(block, index, OTHER_TX))


def stray(index: int, left: int, amount: int | None = None, *, client: str = CLIENT) -> Stray:
    return Stray(arrival(index, left if amount is None else amount, client=client), Usdc(left))


def test_unlocked__settled_in_its_transaction__none() -> None:
    arrivals, locks = (
        [arrival(1), arrival(7, tx_hash=OTHER_TX)],
        [lock(FIRST), lock(SECOND, tx_hash=OTHER_TX)],
    )

    assert ambiguous(arrivals, locks) == ()
    assert unlocked(LOCAL, arrivals, locks, {}) == ()


def test_unlocked__lock_in_another_transaction__not_its_lock() -> None:
    arrivals, locks = [arrival(1)], [lock(FIRST, tx_hash=OTHER_TX)]

    assert unlocked(LOCAL, arrivals, locks, {}) == (arrival(1),)


def test_unlocked__lock_that_sees_no_payment__not_its_lock() -> None:
    # purchaseInsurance: a client that locks first and then pays to the wrong address, in one transaction
    bought = replace(lock(FIRST), commitment=b"\x7f" * 32)

    assert ambiguous([arrival(1)], [bought]) == ()
    assert unlocked(LOCAL, [arrival(1)], [bought], {}) == (arrival(1),)


def test_unlocked__nothing_arrived__left_out() -> None:
    assert unlocked(LOCAL, [arrival(1, 0), arrival(2, 1)], [], {}) == (arrival(2, 1),)


@pytest.mark.parametrize(
    ("extra", "locks"),
    [
        (arrival(2), [lock(FIRST)]),
        (arrival(2, 1), [lock(FIRST)]),
        (arrival(2, client=OTHER), [lock(FIRST)]),
        (arrival(2), [lock(FIRST, amount=1)]),
    ],
)
def test_ambiguous__more_or_other_than_was_settled__named(extra: Arrival, locks: list[Lock]) -> None:
    assert ambiguous([arrival(1), extra], locks) == (TX,)


@pytest.mark.parametrize("settled", [1, 2])
def test_unlocked__one_of_two_alike_settled__told_by_the_nonce(settled: int) -> None:
    arrivals = [arrival(1), arrival(2)]
    nonces = {settled: FIRST, 3 - settled: SECOND}

    found = unlocked(LOCAL, arrivals, [lock(FIRST)], {TX: nonces})

    assert found == (arrival(3 - settled),)


def test_unlocked__nonce_of_another_clients_settlement__a_stray() -> None:
    # The same nonce by two clients: each authorization is another.
    arrivals = [arrival(1), arrival(2, client=OTHER)]

    assert unlocked(LOCAL, arrivals, [lock(FIRST)], {TX: {1: FIRST, 2: FIRST}}) == (arrivals[1],)


def test_unlocked__no_authorization_beside_a_settlement__a_stray() -> None:
    assert unlocked(LOCAL, [arrival(1), arrival(2)], [lock(FIRST)], {TX: {1: FIRST}}) == (arrival(2),)


def test_holding__no_returns__everything_in_order() -> None:
    found = holding(PROVIDER, [arrival(4, 7), arrival(2, 5)], [])

    assert found == Holding(PROVIDER, (stray(2, 5), stray(4, 7)), 0)
    assert found.amount == 12


@pytest.mark.parametrize(
    ("amount", "left"),
    [
        (9, [stray(1, 5), stray(3, 5)]),  # exactly the second one
        (5, [stray(2, 9), stray(3, 5)]),  # the first of two alike
        (3, [stray(1, 2, 5), stray(2, 9), stray(3, 5)]),
        (6, [stray(2, 8, 9), stray(3, 5)]),
        (19, []),
    ],
)
def test_holding__returned__exactly_that_one_or_the_oldest(amount: int, left: list[Stray]) -> None:
    found = holding(PROVIDER, [arrival(1, 5), arrival(2, 9), arrival(3, 5)], [returned(9, amount)])

    assert found == Holding(PROVIDER, tuple(left), 0)


def test_holding__returned_in_part_and_then_the_rest__none() -> None:
    found = holding(PROVIDER, [arrival(1, 9)], [returned(2, 4), returned(3, 5)])

    assert found == Holding(PROVIDER, (), 0)


def test_holding__returned_before_it_came__a_later_one_is_not_touched() -> None:
    found = holding(PROVIDER, [arrival(2, 5, block=6)], [returned(9, 5, block=5)])

    assert found == Holding(PROVIDER, (Stray(arrival(2, 5, block=6), Usdc(5)),), 5)
    assert found.amount == 0


def test_holding__returned_to_another_than_the_sender__the_stray_stays_and_the_sum_fits() -> None:
    found = holding(PROVIDER, [arrival(1, 5)], [returned(2, 3, client=OTHER)])

    assert found == Holding(PROVIDER, (stray(1, 5),), 3)
    assert found.amount == 2


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([CLIENT, OTHER]), st.integers(1, 9)), max_size=25))
def test_holding__whatever_comes_and_goes__the_sum_fits_and_nothing_is_returned_twice(
    story: list[tuple[bool, str, int]],
) -> None:
    comes = [arrival(n, amount, client=client) for n, (is_in, client, amount) in enumerate(story) if is_in]
    goes = [
        returned(n, amount, client=client) for n, (is_in, client, amount) in enumerate(story) if not is_in
    ]

    found = holding(PROVIDER, comes, goes)

    assert found.amount == sum(each.amount for each in comes) - sum(each.amount for each in goes)
    assert all(0 < each.left <= each.arrival.amount for each in found.strays)
    places = [each.arrival.place.order for each in found.strays]
    assert places == sorted(set(places))


def test_largest__flooded__the_largest_in_order_and_the_older_of_equals() -> None:
    strays = [stray(1, 1), stray(2, 9), stray(3, 1), stray(4, 8)]

    assert largest(strays, 3) == (strays[0], strays[1], strays[3])
    assert largest(strays, 2) == (strays[1], strays[3])


def test_named__with_and_without_authorization__its_nonce_or_none() -> None:
    assert named(stray(1, 5), {1: FIRST, 2: SECOND}).arrival.nonce == FIRST
    assert named(stray(3, 5), {1: FIRST, 2: SECOND}).arrival.nonce is None


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (CLIENT, None),
        (PROVIDER, Unreturnable.PROVIDER),
        (OTHER, Unreturnable.PROVIDER),
        ("0x" + "0" * 40, Unreturnable.NOBODY),
    ],
)
def test_unreturnable__of_whom_the_contract_refuses__says_why(
    client: str, reason: Unreturnable | None
) -> None:
    assert unreturnable(stray(1, 5, client=client), payout_address=OTHER) is reason


def test_return_command__part_left__for_exactly_that() -> None:
    assert return_command(stray(1, 30_001, 100_000)) == (
        "ape run bond return-stray 0xA1A1a1a1A1A1A1A1A1a1a1a1a1a1A1A1a1A1a1a1 "
        "0xc2C2C2C2C2C2c2c2c2c2C2C2c2C2C2C2C2C2c2C2 0.030001"
    )
