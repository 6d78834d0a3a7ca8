"""Ctrl-C and kills: the demo stops where it is, and cleans up."""

from __future__ import annotations

import signal
import sys
from types import FrameType

EXIT_CODE = 130
_AGAIN_S = 0.001


class Interrupted(BaseException):
    """Not a KeyboardInterrupt, which click would turn into a command's failure."""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_IGN)  # a second Ctrl-C must not stop the cleaning up
    raise Interrupted


def _raise_again(_signal: int, _frame: FrameType | None) -> None:
    raise Interrupted


def _unraisable(dropped: sys.UnraisableHookArgs) -> None:
    """CPython drops what is raised in a finalizer or beside a fork: an interruption is raised again then."""
    if dropped.exc_type is Interrupted:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
    else:
        sys.__unraisablehook__(dropped)


def raise_on_interruption() -> None:
    """From now on both signals raise Interrupted."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _interrupt)
    signal.signal(signal.SIGALRM, _raise_again)
    sys.unraisablehook = _unraisable
