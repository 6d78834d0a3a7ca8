"""The repository's own programs in processes of their own: what they say, and what they started."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
Start = Callable[..., subprocess.Popen[str]]


def started(folder: Path, module: str, *arguments: str) -> subprocess.Popen[str]:
    """`python -m module`, with that folder for its temporary files, so that what it leaves can be seen."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    """Until it says a line with these words."""
    assert process.stdout is not None
    while words not in (line := process.stdout.readline()):
        assert line, "it ended too early"


def interrupted(process: subprocess.Popen[str], signal_number: int) -> str:
    """Send the signal, wait for the end; what it said from then on."""
    assert process.stdout is not None
    process.send_signal(signal_number)
    rest = process.stdout.read()
    process.wait()
    return rest


def children_of(process: subprocess.Popen[str]) -> list[Path]:
    """Their folders in /proc, each of which is there as long as its process."""
    pid = process.pid
    return [Path("/proc", child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
