"""The end of a process at one of its broadcasts, as a power cut or a kill makes it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from liqpass.adapters.chain.rpc import Web3Rpc
from web3 import HTTPProvider


class PowerCutError(BaseException):
    """Not an Exception: nothing in the code may catch it, as nothing catches the end of the process."""


def cut_power() -> None:
    raise PowerCutError


def kill() -> None:
    """No handler, no finally, no atexit runs."""
    os.kill(os.getpid(), signal.SIGKILL)


class CutRpc(Web3Rpc):
    """Calls `cut` at the `at`-th broadcast, before or after the node has it."""

    def __init__(self, url: str, at: int, *, after: bool, cut: Callable[[], None] = cut_power) -> None:
        super().__init__(HTTPProvider(url))
        self._left, self._after, self._cut = at, after, cut

    def send_raw(self, raw: bytes) -> None:
        self._left -= 1
        if self._left == 0 and not self._after:
            self._cut()
        super().send_raw(raw)
        if self._left == 0 and self._after:
            self._cut()
