"""`make demo`'s story in a process of its own, to its end and cut short."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    """Starts the demo with a temporary folder of its own, so that what it leaves there can be seen."""
    running: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo"],
            cwd=REPOSITORY,
            env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_demo__runs_to_its_end__and_leaves_only_the_report(start, tmp_path) -> None:
    process = start()
    told, _ = process.communicate()

    assert process.returncode == 0, told
    assert "999.898 USDC is available" in told
    assert "ends at -0.002 USDC" in told
    assert "the one who had accepted has its 0.40 USDC back" in told
    assert "the beneficiary received 1.00 USDC" in told
    assert "0.40, 0.35 and 0.25 USDC of the other went back to its insurers" in told
    assert "everything is as it should be" in told
    assert list(tmp_path.glob("liqpass-demo-*")) == []
    kept = {path.name.split("-")[0] for path in (REPOSITORY / "var" / "demo").iterdir()}
    assert kept == {"batch", "evidence", "proof", "report"}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds anvil in /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("told", ["anvil listens at", "liqpass order quote"])
def test_demo__interrupted__stops_the_chain_and_removes_its_files(start, tmp_path, sent, told) -> None:
    process = start()
    assert process.stdout is not None
    while told not in (line := process.stdout.readline()):
        assert line, "the demo ended too early"
    chains = children_of(process.pid)
    assert chains

    process.send_signal(sent)
    rest = process.stdout.read()
    process.wait()

    assert process.returncode == 130, rest
    assert [pid for pid in chains if Path(f"/proc/{pid}").exists()] == []
    assert list(tmp_path.glob("liqpass-demo-*")) == []
