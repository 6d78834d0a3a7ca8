"""A flight-status record, and the reading that it gives a feed. A forecast gives none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from liqpass.domain.parametric.reading import CANCELLED, HEARTBEAT_S, Reading, ReadingError, reading_of_delay
from liqpass.domain.parametric.times import TimeError, format_time, parse_moment, unix_seconds
from liqpass.domain.strict_json import StrictJsonError, parse_strict

SCHEMA = "liqpass.flight-status/1"
MAX_BYTES = 64 * 1024

_FLIGHT = re.compile(r"[A-Z0-9]{2,3}[0-9]{1,4}[A-Z]?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_AIRPORT = re.compile(r"[A-Z]{3}", re.ASCII)
_REQUIRED = {"schema", "flight", "date", "airport", "status", "scheduledDeparture", "observedAt"}
_OPTIONAL = {"actualDeparture", "estimatedDeparture"}


class FlightStatusError(ValueError):
    """A record that is malformed or contradicts itself."""


class Status(StrEnum):
    """What is known of a flight. SCHEDULED: it is still on the ground."""

    SCHEDULED = "scheduled"
    DEPARTED = "departed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FlightStatus:
    """What a source said of one flight at `observed_at_s`. Times in unix seconds.

    `date` is that of the scheduled departure at the airport, `YYYY-MM-DD`; `airport` its IATA code.
    """

    flight: str
    date: str
    airport: str
    status: Status
    scheduled_s: int
    actual_s: int | None
    observed_at_s: int

    def __post_init__(self) -> None:
        for name, pattern in (("flight", _FLIGHT), ("date", _DATE), ("airport", _AIRPORT)):
            if pattern.fullmatch(getattr(self, name)) is None:
                raise FlightStatusError(f"{name} is malformed: {getattr(self, name)!r}")
        if (self.status is Status.DEPARTED) != (self.actual_s is not None):
            raise FlightStatusError(
                "an actual departure is required of a flight that has departed, and of no other"
            )
        if self.actual_s is not None and self.actual_s > self.observed_at_s:
            raise FlightStatusError(
                f"departure at {format_time(self.actual_s)} lies after the observation at "
                f"{format_time(self.observed_at_s)}: a forecast is no departure"
            )

    @property
    def description(self) -> str:
        """The description of the only feed that this record is for."""
        return feed_description(self.flight, self.date, self.airport)


def feed_description(flight: str, date: str, airport: str) -> str:
    """What names a feed on chain; policies bind its hash."""
    return f"{flight} {date} {airport} departure delay, minutes"


def parse_flight_status(data: bytes) -> FlightStatus:
    """Read a JSON record; unknown keys are refused. Raises `FlightStatusError`."""
    try:
        record = parse_strict(data, max_bytes=MAX_BYTES, max_depth=2, numbers=False)
    except StrictJsonError as error:
        raise FlightStatusError(str(error)) from error
    if not isinstance(record, Mapping):
        raise FlightStatusError("a flight status is a JSON object")
    wrong = (_REQUIRED - set(record)) | (set(record) - _REQUIRED - _OPTIONAL)
    if wrong:
        raise FlightStatusError(f"the record differs in: {', '.join(sorted(wrong))}")
    if record["schema"] != SCHEMA:
        raise FlightStatusError(f"schema {record['schema']!r}, expected {SCHEMA}")
    if record.get("estimatedDeparture") is not None:
        raise FlightStatusError("estimatedDeparture is set: an estimate is a forecast, and feeds report none")
    return _read(record)


def reading_of_status(status: FlightStatus, now_s: int) -> Reading:
    """The reading to report at `now_s`: the delay of the departure, or so far, or the cancellation.

    Raises `ReadingError` where nothing is known, and for a record from the future or older than a heartbeat:
    reporting it would make it look fresh.
    """
    if status.observed_at_s > now_s:
        raise ReadingError(
            f"observed at {format_time(status.observed_at_s)}, it is only {format_time(now_s)}"
        )
    age_s = now_s - status.observed_at_s
    if age_s > HEARTBEAT_S:
        raise ReadingError(f"observed {age_s} s ago, allowed are {HEARTBEAT_S} s: ask the source again")
    if status.status is Status.UNKNOWN:
        raise ReadingError(f"the status of {status.flight} is unknown: there is no reading")
    if status.status is Status.CANCELLED:
        return CANCELLED
    # Still on the ground: late up to the observation, not up to `now_s`, for it may have left since.
    until_s = status.observed_at_s if status.actual_s is None else status.actual_s
    return reading_of_delay(until_s - status.scheduled_s)


def _read(record: Mapping[str, Any]) -> FlightStatus:
    for name in _REQUIRED:
        if not isinstance(record[name], str):
            raise FlightStatusError(f"{name} is not a string")
    try:
        status = Status(record["status"])
    except ValueError:
        raise FlightStatusError(f"status {record['status']!r}, known are: {', '.join(Status)}") from None
    try:
        scheduled = parse_moment(record["scheduledDeparture"])
        observed_at_s = unix_seconds(parse_moment(record["observedAt"]))
        actual = record.get("actualDeparture")
        actual_s = None if actual is None else unix_seconds(parse_moment(actual))
        scheduled_s = unix_seconds(scheduled)
    except TimeError as error:
        raise FlightStatusError(str(error)) from None
    # Written in another zone the date may be another: the record would be taken for the next day's flight.
    if scheduled.date().isoformat() != record["date"]:
        raise FlightStatusError(
            f"scheduledDeparture {record['scheduledDeparture']} is not on {record['date']}: "
            "write it in the airport's own zone"
        )
    return FlightStatus(
        record["flight"], record["date"], record["airport"], status, scheduled_s, actual_s, observed_at_s
    )
