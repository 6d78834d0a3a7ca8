"""Times of the chain as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(time_s: int) -> str:
    """Unix seconds as date and time of day in UTC."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def hours(seconds: int) -> str:
    """A duration, exactly."""
    whole, rest = divmod(seconds, 3600)
    return f"{whole} hours" + (f" and {rest} seconds" if rest else "")
