"""`python -m demo`: ends with 0 when every step was as it should be, 1 when not, 130 when interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
from types import FrameType

from liqpass.adapters.chain.anvil import AnvilError
from liqpass.adapters.okx.simulator.accounts import SimulatorError
from rich.console import Console

from demo.narrator import Narrator
from demo.stage import DemoError
from demo.story import run


class Interrupted(BaseException):
    """Ctrl-C or a kill. Not a KeyboardInterrupt, which click would turn into a command's failure."""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise Interrupted


def main() -> int:
    argparse.ArgumentParser(prog="make demo", description=__doc__).parse_args()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _interrupt)
    narrator = Narrator(Console(width=160 if not sys.stdout.isatty() else None, highlight=False))
    try:
        run(narrator)
    except (DemoError, AnvilError, SimulatorError) as error:
        narrator.failure(str(error))
        return 1
    except Interrupted:
        narrator.say("interrupted: chain, simulator and files are gone")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
