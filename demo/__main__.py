"""`python -m demo`: ends with 0 when every step was as it should be, 1 when not, 130 when interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
from types import FrameType


class Interrupted(BaseException):
    """Ctrl-C or a kill. Not a KeyboardInterrupt, which click would turn into a command's failure."""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_IGN)  # a second Ctrl-C must not stop the cleaning up
    raise Interrupted


def main() -> int:
    argparse.ArgumentParser(prog="make demo", description=__doc__).parse_args()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _interrupt)
    try:
        # Only now, because it takes seconds, in which an interruption has to be clean too.
        from demo.story import perform  # noqa: PLC0415

        return perform()
    except Interrupted:
        sys.stdout.write("interrupted: chain, simulator and files are gone\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
