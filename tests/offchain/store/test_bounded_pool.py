"""What waits for a node waits in threads, and only so much of it."""

from __future__ import annotations

import asyncio
import threading

import pytest
from liqpass.adapters.x402.bounded_pool import BoundedPool
from liqpass.adapters.x402.places import BusyError

PROVIDER = "0xa1"


def test_pool__full__refused_and_free_again_after_an_end() -> None:
    pool, go_on = BoundedPool("test", threads=1, most=2), threading.Event()
    running, waiting = pool.submit(PROVIDER, go_on.wait), pool.submit(PROVIDER, lambda: 7)

    with pytest.raises(BusyError, match="2 calls wait for test already"):
        pool.submit(PROVIDER, lambda: 8)
    assert pool.waiting == 2
    go_on.set()

    assert (running.result(10), waiting.result(10)) == (True, 7)
    assert pool.submit(PROVIDER, lambda: 9).result(10) == 9
    pool.close()
    assert pool.waiting == 0


def test_pool__cancelled_before_it_began__never_runs_and_frees_its_place() -> None:
    pool, go_on, ran = BoundedPool("test", threads=1, most=2), threading.Event(), threading.Event()
    pool.submit(PROVIDER, go_on.wait)
    waiting = pool.submit(PROVIDER, ran.set)

    assert waiting.cancel()
    assert pool.waiting == 1
    go_on.set()
    pool.close()

    assert not ran.is_set()


def test_run__call_that_raises__raised_in_the_event_loop() -> None:
    pool = BoundedPool("test", threads=1, most=1)

    def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(pool.run(PROVIDER, fails))
    pool.close()
    with pytest.raises(BusyError, match="test has ended"):
        pool.submit(PROVIDER, fails)
