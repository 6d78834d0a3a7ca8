"""`today`: the vault's calendar against Python's."""

from datetime import UTC, datetime

import pytest
from clock import DAY_S, utc_date
from hypothesis import given, settings
from hypothesis import strategies as st

LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def today_at(vault, time_s):
    """The view in a block of any time, past ones included."""
    call = {"to": vault.address, "data": "0x" + vault.today.encode_input().hex().removeprefix("0x")}
    answer = vault.provider.make_request("eth_call", [call, "latest", {}, {"time": hex(time_s)}])
    return int(answer, 16)


def test_today__now__is_the_blocks_date(vault, clock):
    assert vault.today() == clock.today == 20350515


@pytest.mark.parametrize(
    "first_of",
    [
        (1970, 1, 2),
        (2000, 2, 29),
        (2000, 3, 1),
        (2027, 1, 1),
        (2027, 3, 1),
        (2028, 2, 29),
        (2028, 3, 1),
        (2035, 6, 1),
        (2036, 1, 1),
        (2100, 3, 1),
        (2400, 2, 29),
        (2400, 3, 1),
        (9999, 12, 31),
    ],
)
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_today__around_midnight__agrees_with_python(first_of, offset, vault):
    time_s = int(datetime(*first_of, tzinfo=UTC).timestamp()) + offset

    assert today_at(vault, time_s) == utc_date(time_s)


@pytest.mark.parametrize("year", [2027, 2028, 2100, 2400])
def test_today__each_day_of_a_year__agrees_with_python(year, vault):
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    times = [start + day * DAY_S + 12 * 3600 for day in range(366)]

    assert [today_at(vault, time_s) for time_s in times] == [utc_date(time_s) for time_s in times]


@settings(max_examples=200, deadline=None, print_blob=True)
@given(time_s=st.integers(0, LAST_SECOND))
def test_today__any_second_until_the_year_10000__agrees_with_python(vault, time_s):
    assert today_at(vault, time_s) == utc_date(time_s)
