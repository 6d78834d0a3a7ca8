"""Threads for what waits on a node, so that the event loop never does; and a bound on what waits for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
Answer = TypeVar("Answer")


class BusyError(Exception):
    """Too much waits already: nothing was begun."""


class BoundedPool:
    """`threads` threads, and at most `most` calls in them and before them."""

    def __init__(self, name: str, *, threads: int, most: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._name, self._most, self._free = name, most, threading.Semaphore(most)
        self._lock, self._waiting = threading.Lock(), 0

    @property
    def waiting(self) -> int:
        """Calls that have no end yet."""
        return self._waiting

    def submit(self, call: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs) -> Future[Answer]:
        """Raises BusyError. Cancelling the future keeps a call from beginning, and stops none that has."""
        if not self._free.acquire(blocking=False):
            raise BusyError(f"{self._most} calls wait for {self._name} already")
        with self._lock:
            self._waiting += 1
        try:
            future = self._executor.submit(call, *args, **kwargs)
        except RuntimeError:  # shut down
            self._ended(None)
            raise BusyError(f"{self._name} has ended") from None
        future.add_done_callback(self._ended)
        return future

    async def run(self, call: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs) -> Answer:
        """Its answer. Raises BusyError, or what the call raises."""
        return await asyncio.wrap_future(self.submit(call, *args, **kwargs))

    def close(self) -> None:
        """Take no more, and wait for what has begun; what has not is cancelled."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _ended(self, _: object) -> None:
        with self._lock:
            self._waiting -= 1
        self._free.release()
