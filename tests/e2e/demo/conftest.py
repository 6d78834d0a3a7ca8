"""Each test starts its programs with a temporary folder of its own; none outlives the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import Start, started


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program: `start(module, *arguments)`."""
    running: list[subprocess.Popen[str]] = []

    def begin(module: str, *arguments: str) -> subprocess.Popen[str]:
        running.append(started(tmp_path, module, *arguments))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()
