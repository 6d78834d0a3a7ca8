"""Times of the chain as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(time_s: int) -> str:
    """Unix seconds as date and time of day in UTC."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
