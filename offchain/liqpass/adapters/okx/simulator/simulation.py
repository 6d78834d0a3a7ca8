"""The exchange together with what is armed against its clients, and the lock that guards both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from liqpass.adapters.okx.simulator.exchange import Exchange
from liqpass.adapters.okx.simulator.faults import Faults
from liqpass.adapters.okx.simulator.gate import RateLimits
from liqpass.adapters.okx.transport import Clock

DEMO_ACCOUNTS = ("trader-1", "trader-2", "trader-3")


class Simulation:
    """State of one simulator. Hold `lock` while touching `exchange` or `faults` from another thread."""

    def __init__(self, clock: Clock, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.lock = threading.RLock()
        self.rates = RateLimits(monotonic_s)
        self.reset()

    def reset(self) -> None:
        """The demo accounts, and nothing else."""
        self.exchange = Exchange(self._clock.now_ms)
        self.faults = Faults()
        self.rates.forget()
        for name in DEMO_ACCOUNTS:
            self.exchange.add_account(name)
