"""Threads for what waits on a node, so that the event loop never does; and a bound on what waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from liqpass.adapters.x402.places import BusyError, Places

P = ParamSpec("P")
Answer = TypeVar("Answer")


class BoundedPool:
    """`threads` threads, and at most `most` calls in them and before them."""

    def __init__(self, name: str, *, threads: int, most: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._name, self._places = name, Places(name, most)

    @property
    def waiting(self) -> int:
        """Calls that have no end yet."""
        return self._places.taken

    def submit(
        self, provider: str, call: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs
    ) -> Future[Answer]:
        """Raises BusyError. Cancelling the future keeps a call from beginning, and stops none that has."""
        self._places.take(provider)
        try:
            future = self._executor.submit(call, *args, **kwargs)
        except RuntimeError:  # shut down
            self._places.leave(provider)
            raise BusyError(f"{self._name} has ended") from None
        future.add_done_callback(lambda _: self._places.leave(provider))
        return future

    async def run(
        self, provider: str, call: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs
    ) -> Answer:
        """Its answer. Raises BusyError, or what the call raises."""
        return await asyncio.wrap_future(self.submit(provider, call, *args, **kwargs))

    def close(self) -> None:
        """Take no more, and wait for what has begun; what has not is cancelled."""
        self._executor.shutdown(wait=True, cancel_futures=True)
