"""A file of deliveries that was named without the contract gets its present name, with all that is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from liqpass.adapters.chain.errors import JournalBusyError, JournalError
from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState
from liqpass.adapters.x402.deliveries_file import deliveries_path, own_deliveries, take_over
from liqpass.domain.x402.insurance import Insurance

LOCKED = Delivery(b"\x01" * 32, 2_000)
INSURANCE, PROVIDER = Insurance(31337, "0x" + "c1" * 20), "0x" + "a2" * 20
SERVED, FAILED = DeliveryState.SERVED, DeliveryState.FAILED


def test_take_over__earlier_name__renamed_with_all_that_is_in_it(tmp_path: Path) -> None:
    earlier = tmp_path / f"31337-{PROVIDER}.deliveries"
    with Deliveries.open(earlier) as left:
        left.enter(LOCKED, SERVED)

    take_over(tmp_path, INSURANCE, PROVIDER)
    take_over(tmp_path, INSURANCE, PROVIDER)

    with Deliveries.open(deliveries_path(tmp_path, INSURANCE, PROVIDER)) as opened:
        assert opened.all_in(SERVED) == [LOCKED]
    assert [path.name for path in tmp_path.iterdir()] == [f"31337-0x{'c1' * 20}-{PROVIDER}.deliveries"]


def test_take_over__killed_with_all_of_it_in_the_log_beside__nothing_lost(tmp_path: Path) -> None:
    made, earlier = tmp_path / "made", tmp_path / f"31337-{PROVIDER}.deliveries"
    with Deliveries.open(made) as left:
        left.enter(LOCKED, SERVED)
        for end in ("", "-wal"):
            earlier.with_name(earlier.name + end).write_bytes(made.with_name(made.name + end).read_bytes())

    take_over(tmp_path, INSURANCE, PROVIDER)

    with Deliveries.open(deliveries_path(tmp_path, INSURANCE, PROVIDER)) as opened:
        assert opened.all_in(SERVED) == [LOCKED]


def test_take_over__another_process_has_it_open__refused_and_left(tmp_path: Path) -> None:
    earlier = tmp_path / f"31337-{PROVIDER}.deliveries"
    with Deliveries.open(earlier), pytest.raises(JournalBusyError, match="another process is working with"):
        take_over(tmp_path, INSURANCE, PROVIDER)

    assert not deliveries_path(tmp_path, INSURANCE, PROVIDER).exists()


def test_take_over__both_are_there__neither_touched(tmp_path: Path) -> None:
    earlier = tmp_path / f"31337-{PROVIDER}.deliveries"
    for path, state in ((earlier, SERVED), (deliveries_path(tmp_path, INSURANCE, PROVIDER), FAILED)):
        with Deliveries.open(path) as left:
            left.enter(LOCKED, state)

    take_over(tmp_path, INSURANCE, PROVIDER)

    with Deliveries.open(deliveries_path(tmp_path, INSURANCE, PROVIDER)) as opened:
        assert opened.all_in(FAILED) == [LOCKED]
    assert earlier.exists()


def test_take_over__something_else__refused_and_left(tmp_path: Path) -> None:
    earlier = tmp_path / f"31337-{PROVIDER}.deliveries"
    earlier.write_text("no database, but long enough to be taken for a header of one" * 20)

    with pytest.raises(JournalError, match="cannot be used"):
        take_over(tmp_path, INSURANCE, PROVIDER)

    assert earlier.exists()


def test_own_deliveries__earlier_name__taken_over_and_nobody_elses_meanwhile(tmp_path: Path) -> None:
    with Deliveries.open(tmp_path / f"31337-{PROVIDER}.deliveries") as left:
        left.enter(LOCKED, SERVED)

    with own_deliveries(tmp_path, INSURANCE, PROVIDER) as opened:
        found = opened.all_in(SERVED)
        with (
            pytest.raises(JournalBusyError, match="one at a time"),
            own_deliveries(tmp_path, INSURANCE, PROVIDER),
        ):
            pass

    assert found == [LOCKED]
