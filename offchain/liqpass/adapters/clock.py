"""Clocks: the machine's, and on a development chain the chain's own, so that service and chain agree."""

from __future__ import annotations

import time
from collections.abc import Callable


class SystemClock:
    """The machine's clock, kept right by NTP."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return time.time_ns() // 1_000_000


class ChainClock:
    """The time of the latest block; for chain id 31337 only, where tests and the demo move time by mining.

    `latest_block_time_s` reads it from the node; whatever it raises is passed on.
    """

    def __init__(self, latest_block_time_s: Callable[[], int]) -> None:
        self._latest_block_time_s = latest_block_time_s

    def now_ms(self) -> int:
        """Unix time of the latest block in milliseconds."""
        return self._latest_block_time_s() * 1000
