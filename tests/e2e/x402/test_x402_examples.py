"""Each example with its one command: it shows what it says, ends with 0 and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts an example with a temporary folder of its own, so that what it leaves there can be seen."""
    running: list[subprocess.Popen[str]] = []

    def begin(name: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "examples", name],
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


@pytest.mark.parametrize(
    ("name", "script", "client", "facts", "ends"),
    [
        (
            "provider",
            "provider.py",
            "python client.py",
            6,
            {"client": "10.00 → 9.90", "provider": "0.00 → 0.10", "its bond": "1000.00 → 1000.00"},
        ),
        (
            "jobs",
            "jobs.py",
            "python client.py",
            10,
            {"client": "10.00 → 9.90", "provider": "0.00 → 0.20", "its bond": "1000.00 → 999.898"},
        ),
        (
            "node",
            "provider.py",
            "node client.mjs",
            6,
            {"client": "10.00 → 9.90", "provider": "0.00 → 0.10", "its bond": "1000.00 → 1000.00"},
        ),
    ],
)
def test_example__one_command__told_to_its_end(
    start: Start, tmp_path: Path, name: str, script: str, client: str, facts: int, ends: dict[str, str]
) -> None:
    process = start(name)
    told, _ = process.communicate()

    assert process.returncode == 0, told
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert lines[0] == "loading; each program below takes some seconds to start, longer the first time"
    # What takes its time is told before it begins.
    steps = ["starting anvil, ", "facilitator $ liqpass x402 facilitator ", "facilitator │ "]
    steps += [
        f"provider $ python {script}",
        "provider │ ",
        f"client $ {client} ",
        "client │ ",
    ]
    firsts = [next(n for n, line in enumerate(lines) if line.startswith(step)) for step in steps]
    assert firsts == sorted(firsts)
    assert [line for line in lines if line.startswith(f"{facts} facts checked")], told
    for what, money in ends.items():
        assert f"{what} {money} USDC" in lines
    assert list(tmp_path.glob("liqpass-example-*")) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes in /proc")
def test_example__interrupted__stops_all_its_processes(start: Start, tmp_path: Path) -> None:
    process = start("provider")
    assert process.stdout is not None
    while "listening on" not in (line := process.stdout.readline()):
        assert line, "the example ended too early"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()

    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    process.wait()

    assert process.returncode == 130, rest
    assert len(children) >= 2  # anvil and the facilitator
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []
    assert list(tmp_path.glob("liqpass-example-*")) == []


def test_document__three_lines_of_a_provider__those_of_the_example() -> None:
    section = (REPOSITORY / "docs" / "x402.md").read_text().partition("## For a provider")[2]
    lines = section.partition("```python\n")[2].partition("```")[0]

    assert lines.count("\n") == 3
    assert lines in (REPOSITORY / "examples" / "provider.py").read_text()
