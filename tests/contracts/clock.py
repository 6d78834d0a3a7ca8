"""The chain's clock. Tests say when; nothing waits."""

from datetime import UTC, datetime
from typing import Any

NOON = int(datetime(2035, 5, 15, 12, tzinfo=UTC).timestamp())
"""When each test starts: far from midnight, and later than any machine that runs this."""

DAY_S = 86_400


def utc_date(time_s: int) -> int:
    """YYYYMMDD by Python's calendar, the oracle for the vault's."""
    return int(datetime.fromtimestamp(time_s, UTC).strftime("%Y%m%d"))


class Clock:
    """Times in unix seconds."""

    def __init__(self, chain: Any) -> None:
        self._chain = chain

    @property
    def now(self) -> int:
        """Time of the newest block."""
        return int(self._chain.blocks.head.timestamp)

    @property
    def today(self) -> int:
        """UTC date of the newest block as YYYYMMDD."""
        return utc_date(self.now)

    @property
    def next_midnight(self) -> int:
        return (self.now // DAY_S + 1) * DAY_S

    def next_block_at(self, time_s: int) -> None:
        """The next transaction is mined at exactly this time."""
        self._chain.pending_timestamp = time_s

    def travel_to(self, time_s: int) -> None:
        """Mines an empty block at this time, so that views see it."""
        self._chain.pending_timestamp = time_s
        self._chain.mine(1)
