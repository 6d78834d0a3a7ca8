"""What waits is bounded, and one provider leaves room for the others."""

from __future__ import annotations

import pytest
from liqpass.adapters.x402.places import BusyError, Places


def taken_alone(places: Places, provider: str) -> int:
    """How many places the provider gets before it is refused."""
    count = 0
    while True:
        try:
            places.take(provider)
        except BusyError:
            return count
        count += 1


def test_take__one_provider_alone__four_fifths_and_others_find_room() -> None:
    places = Places("test", 64)

    assert taken_alone(places, "0xa1") == 52
    assert places.taken == 52
    assert taken_alone(places, "0xb2") == 10
    assert taken_alone(places, "0xc3") == 2

    with pytest.raises(BusyError, match="64 calls wait for test already"):
        places.take("0xd4")


def test_take__fifteen_greedy_providers__the_next_one_finds_a_place() -> None:
    places = Places("test", 64)
    greedy = [f"0x{number:02x}" for number in range(15)]
    for _ in range(64):
        for provider in greedy:
            try:
                places.take(provider)
            except BusyError:
                continue

    places.take("0xff")


def test_take__own_share_used_up__told_whose() -> None:
    places = Places("test", 3)
    places.take("0xa1")
    places.take("0xa1")
    places.leave("0xa1")
    places.take("0xa1")
    places.take("0xa1")

    with pytest.raises(BusyError, match="3 calls wait for test already"):
        places.take("0xa1")

    crowded = Places("test", 6)
    assert taken_alone(crowded, "0xa1") == 5
    with pytest.raises(BusyError, match="5 calls of 0xa1 wait for test already"):
        crowded.take("0xa1")


def test_leave__all__nothing_is_kept_of_the_provider() -> None:
    places = Places("test", 2)
    places.take("0xa1")
    places.leave("0xa1")

    assert places.taken == 0
    assert taken_alone(places, "0xb2") == 2
