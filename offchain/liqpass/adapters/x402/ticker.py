"""A thread that does the same thing again and again until it is told to end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def ticking(name: str, every_s: float, act: Callable[[], object]) -> Iterator[None]:
    """Call `act`, which raises nothing, every so many seconds, the first time after the first of them."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every_s):
            act()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
