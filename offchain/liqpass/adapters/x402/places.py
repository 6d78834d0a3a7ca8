"""A bounded number of places for what waits, of which no provider can take all."""

from __future__ import annotations

import threading
from collections import Counter

_SHARE = 4  # times what is free


class BusyError(Exception):
    """Too much waits already: nothing was begun."""


class Places:
    """`most` of them. For any thread.

    A provider gets another one while it has fewer than four times as many as are free. Alone it so takes four
    fifths of them (52 of 64), with others less, and one that has none finds one: only sixteen providers
    together can take the last.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._lock, self._taken = threading.Lock(), Counter[str]()

    @property
    def taken(self) -> int:
        """How many."""
        with self._lock:
            return self._taken.total()

    def take(self, provider: str) -> None:
        """One of them, until `leave`. Raises BusyError."""
        with self._lock:
            free, own = self._most - self._taken.total(), self._taken[provider]
            if free == 0:
                raise BusyError(f"{self._most} calls wait for {self._name} already")
            if own >= _SHARE * free:
                raise BusyError(f"{own} calls of {provider} wait for {self._name} already")
            self._taken[provider] += 1

    def leave(self, provider: str) -> None:
        """Give one back."""
        with self._lock:
            self._taken[provider] -= 1
            if not self._taken[provider]:
                del self._taken[provider]
