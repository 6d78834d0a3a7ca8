"""What a feed reports of a flight: minutes of departure delay, floored to 10; 9990 for a cancelled flight."""

from typing import NewType

Reading = NewType("Reading", int)
"""A value of a feed: a multiple of 10 from 0 to `MAX_DELAY`, or `CANCELLED`."""

STEP_MINUTES = 10
CANCELLED = Reading(9_990)
MAX_DELAY = Reading(9_980)
"""A longer delay is reported as this: it reaches every threshold, and 9990 means a cancellation only."""

MIN_THRESHOLD_MINUTES = 10
MAX_THRESHOLD_MINUTES = 9_980
MAX_AGE_S = 1_800
"""A reading that is older, in seconds, does not count on chain."""

HEARTBEAT_S = 600
"""A feed reports at least this often, in seconds, until the claim deadline of the policies on it."""


class ReadingError(ValueError):
    """There is no reading, or a number is none. Nothing may be reported then."""


def reading_of_delay(delay_s: int) -> Reading:
    """The reading of a departure `delay_s` seconds after the scheduled one; 0 where it is early.

    Floored: 129 minutes and 59 seconds are 120, against the policyholder.
    """
    minutes = max(delay_s, 0) // 60
    return Reading(min(minutes - minutes % STEP_MINUTES, MAX_DELAY))


def delayed_since(departure_s: int, threshold_minutes: int) -> int:
    """Unix seconds from which readings count: before, a delay of that length would be a forecast."""
    return departure_s + 60 * threshold_minutes


def reading_in_words(reading: Reading) -> str:
    """For people."""
    if reading == CANCELLED:
        return f"{reading} (cancelled)"
    return f"{reading} minutes"
