"""Times as people and airlines write them, with their zone, and as the contract keeps them: unix seconds."""

import re
from datetime import UTC, datetime

MAX_TIME_S = 2**40 - 1  # the contract keeps times as uint40

_ISO_8601 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)


class TimeError(ValueError):
    """Text or number that is not a time."""


def parse_moment(text: object) -> datetime:
    """Read `2026-03-15T19:00:00+09:00`: a zone is required, seconds may be left out, fractions are refused.

    The answer keeps the zone as it was written. Raises `TimeError`.
    """
    if not isinstance(text, str) or _ISO_8601.fullmatch(text) is None:
        raise TimeError(f"not a time with a zone such as 2026-03-15T19:00:00+09:00: {text!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise TimeError(f"not a time: {text!r} ({error})") from None


def parse_time(value: object) -> int:
    """Unix seconds of an ISO 8601 time with its zone, or unix seconds as they are.

    YAML reads an unquoted time as a `datetime`, which is taken where it has a zone. Raises `TimeError`.
    """
    if type(value) is int:
        return _in_range(value)
    if isinstance(value, datetime):
        if value.tzinfo is None or value.microsecond:
            raise TimeError(f"a time needs its zone and whole seconds: {value.isoformat()}")
        return unix_seconds(value)
    return unix_seconds(parse_moment(value))


def unix_seconds(moment: datetime) -> int:
    """Unix seconds of a time with a zone and whole seconds. Raises `TimeError` before 1970."""
    return _in_range(int(moment.timestamp()))  # exact: far below 2^53


def format_time(time_s: int) -> str:
    """`2026-03-15T10:00:00Z`. Beyond the year 9999, which the contract can hold, the bare seconds."""
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return str(time_s)


def _in_range(time_s: int) -> int:
    if time_s.bit_length() > 64:  # Python refuses to write numbers of thousands of digits
        raise TimeError("a number of more than 64 bits")
    if not 0 <= time_s <= MAX_TIME_S:
        raise TimeError(f"{time_s} s is outside 0..{MAX_TIME_S} unix seconds")
    return time_s
