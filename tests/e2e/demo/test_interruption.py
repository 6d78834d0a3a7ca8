"""An interruption at an awkward moment is an interruption all the same."""

import subprocess
import sys

from programs import REPOSITORY

IN_A_FINALIZER = """
import os, signal
from demo.interruption import EXIT_CODE, Interrupted, raise_on_interruption

class Interrupting:
    def __del__(self):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.getsignal(signal.SIGTERM)  # the handler has run
        except Interrupted:
            print("raised in it", flush=True)
            raise

raise_on_interruption()
try:
    thing = Interrupting()
    del thing
    signal.pause()
except Interrupted:
    raise SystemExit(EXIT_CODE)
"""


def test_interruption__in_a_finalizer__raised_after_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FINALIZER],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "raised in it\n", "")
