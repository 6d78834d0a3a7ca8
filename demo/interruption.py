"""Ctrl-C and kills: the demo stops where it is, and cleans up."""

from __future__ import annotations

import signal
from types import FrameType

EXIT_CODE = 130


class Interrupted(BaseException):
    """Not a KeyboardInterrupt, which click would turn into a command's failure."""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_IGN)  # a second Ctrl-C must not stop the cleaning up
    raise Interrupted


def raise_on_interruption() -> None:
    """From now on both signals raise Interrupted."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _interrupt)
