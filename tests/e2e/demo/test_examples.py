"""Each example with its one command: it shows what it says, ends with 0 and leaves nothing behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from programs import REPOSITORY, Start, children_of, interrupted, wait_for


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
    process = start("examples", name)
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
    process = start("examples", "provider")
    wait_for(process, "listening on")
    children = children_of(process)

    rest = interrupted(process, signal.SIGTERM)

    assert process.returncode == 130, rest
    assert len(children) >= 2  # anvil and the facilitator
    assert [child for child in children if child.exists()] == []
    assert list(tmp_path.glob("liqpass-example-*")) == []


def test_document__three_lines_of_a_provider__those_of_the_example() -> None:
    section = (REPOSITORY / "docs" / "x402.md").read_text().partition("## For a provider")[2]
    lines = section.partition("```python\n")[2].partition("```")[0]

    assert lines.count("\n") == 3
    assert lines in (REPOSITORY / "examples" / "provider.py").read_text()
