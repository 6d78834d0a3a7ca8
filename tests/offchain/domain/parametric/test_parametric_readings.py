"""Readings: floored to ten minutes, nothing early, nothing unknown, no forecast."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liqpass.domain.parametric.flight_status import (
    FlightStatus,
    FlightStatusError,
    Status,
    parse_flight_status,
    reading_of_status,
)
from liqpass.domain.parametric.reading import (
    CANCELLED,
    Reading,
    ReadingError,
    delayed_since,
    reading_in_words,
    reading_of_delay,
)
from parametric_stories import DEPARTURE_S, DESCRIPTION

OBSERVED_S = DEPARTURE_S + 8_100
PAGE = Path(__file__).parents[4] / "docs" / "flight-feed.md"
RECORD = {
    "schema": "liqpass.flight-status/1",
    "flight": "KE081",
    "date": "2026-03-15",
    "airport": "ICN",
    "status": "departed",
    "scheduledDeparture": "2026-03-15T19:00:00+09:00",
    "actualDeparture": "2026-03-15T21:14:00+09:00",
    "estimatedDeparture": None,
    "observedAt": "2026-03-15T12:15:00Z",
}
NOT_DEPARTED = {key: value for key, value in RECORD.items() if key != "actualDeparture"}


def parse(record):
    return parse_flight_status(json.dumps(record).encode())


def reading(record, now_s=OBSERVED_S):
    return reading_of_status(parse(record), now_s)


@pytest.mark.parametrize(
    ("delay_s", "expected"),
    [
        (-90_000, 0),
        (-1, 0),
        (0, 0),
        (599, 0),
        (600, 10),
        (6_600, 110),
        (7_199, 110),
        (7_200, 120),
        (7_799, 120),
        (7_800, 130),
        (598_800, 9_980),
        (599_399, 9_980),
        (599_400, 9_980),
        (10**9, 9_980),
    ],
)
def test_reading_of_delay__seconds__floored_to_ten_minutes(delay_s, expected):
    assert reading_of_delay(delay_s) == expected


@given(st.integers(-(10**7), 10**7), st.integers(1, 998))
def test_reading_of_delay__any_delay__reaches_a_threshold_exactly_when_it_has_passed(delay_s, tens):
    value = reading_of_delay(delay_s)

    assert value in range(0, 9_981, 10)
    assert (value >= 10 * tens) is (delay_s >= 600 * tens)


def test_delayed_since__two_hours__after_departure():
    assert delayed_since(DEPARTURE_S, 120) == 1_773_576_000


def test_reading_in_words__cancelled_and_late__told_apart():
    assert (reading_in_words(CANCELLED), reading_in_words(Reading(130))) == (
        "9990 (cancelled)",
        "130 minutes",
    )


def test_parse__departed__every_field():
    assert parse(RECORD) == FlightStatus(
        "KE081", "2026-03-15", "ICN", Status.DEPARTED, DEPARTURE_S, DEPARTURE_S + 8_040, OBSERVED_S
    )
    assert parse(RECORD).description == DESCRIPTION


def test_reading__record_of_the_feeds_page__130_for_the_feed_that_it_describes():
    page = PAGE.read_text("utf-8")
    shown = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    status = parse_flight_status(shown[1].encode())

    assert reading_of_status(status, OBSERVED_S) == 130
    assert f"`{status.description}`" in page


def test_reading__departed_134_minutes_late__130():
    assert reading(RECORD) == 130


def test_reading__departed_early__0():
    assert reading({**RECORD, "actualDeparture": "2026-03-15T18:50:00+09:00"}) == 0


def test_reading__still_on_the_ground__delay_so_far_at_the_observation():
    assert reading({**NOT_DEPARTED, "status": "scheduled"}, OBSERVED_S + 600) == 130


def test_reading__before_departure__0():
    early = {**NOT_DEPARTED, "status": "scheduled", "observedAt": "2026-03-15T09:00:00Z"}
    assert reading(early, DEPARTURE_S - 3_600) == 0


def test_reading__cancelled__9990():
    assert reading({**NOT_DEPARTED, "status": "cancelled"}) == 9_990


def test_reading__unknown__none():
    with pytest.raises(ReadingError, match="status of KE081 is unknown: there is no reading"):
        reading({**NOT_DEPARTED, "status": "unknown"})


@pytest.mark.parametrize("record", [RECORD, {**NOT_DEPARTED, "status": "cancelled"}])
def test_reading__older_than_a_heartbeat__refused(record):
    assert reading(record, OBSERVED_S + 600) > 0
    with pytest.raises(ReadingError, match="observed 601 s ago, allowed are 600 s"):
        reading(record, OBSERVED_S + 601)


def test_reading__from_the_future__refused():
    with pytest.raises(ReadingError, match="observed at 2026-03-15T12:15:00Z, it is only"):
        reading(RECORD, OBSERVED_S - 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimatedDeparture": "2026-03-15T21:14:00+09:00"}, "an estimate is a forecast"),
        ({"actualDeparture": "2026-03-15T12:15:01Z"}, "lies after the observation at 2026-03-15T12:15:00Z"),
        ({"actualDeparture": None}, "an actual departure is required"),
        ({"status": "cancelled"}, "and of no other"),
        ({"status": "scheduled"}, "and of no other"),
        ({"status": "delayed"}, "known are: scheduled, departed, cancelled, unknown"),
        ({"status": 5}, "a number where only strings are allowed"),
        ({"status": None}, "status is not a string"),
        ({"schema": "liqpass.flight-status/2"}, "expected liqpass.flight-status/1"),
        ({"gate": "12"}, "differs in: gate"),
        ({"flight": "ke081"}, "flight is malformed: 'ke081'"),
        ({"airport": "RKSI"}, "airport is malformed"),
        ({"date": "2026-03-16"}, "is not on 2026-03-16: write it in the airport's own zone"),
        ({"scheduledDeparture": "2026-03-15T19:00:00"}, "not a time with a zone"),
        ({"scheduledDeparture": "2026-02-30T19:00:00Z"}, "not a time: '2026-02-30T19:00:00Z'"),
        ({"observedAt": "2026-03-15"}, "not a time with a zone"),
        ({"observedAt": "1969-12-31T23:59:59Z"}, "outside 0"),
        ({"actualDeparture": "2026-03-15T21:14:00.5+09:00"}, "not a time with a zone"),
    ],
)
def test_parse__malformed_or_contradicting__refused(changes, message):
    with pytest.raises(FlightStatusError, match=message):
        parse({**RECORD, **changes})


def test_parse__scheduled_in_another_zone_on_the_next_day__refused():
    # 01:00 on the 16th in Seoul is 16:00 on the 15th in UTC: the feed of the 15th is another flight's.
    moved = {**RECORD, "scheduledDeparture": "2026-03-15T16:00:00Z", "date": "2026-03-16"}
    with pytest.raises(FlightStatusError, match="own zone"):
        parse(moved)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "a flight status is a JSON object"),
        (b"", "not JSON"),
        (b'{"schema": "x", "schema": "x"}', "duplicate key"),
        (b'{"schema": "liqpass.flight-status/1"}', "differs in: airport, date, flight"),
    ],
)
def test_parse__not_a_record__refused(data, message):
    with pytest.raises(FlightStatusError, match=message):
        parse_flight_status(data)
