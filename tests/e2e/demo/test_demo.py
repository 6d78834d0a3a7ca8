"""`make demo`'s story in a process of its own, to its end and cut short."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from programs import REPOSITORY, Start, children_of, interrupted, wait_for


def test_demo__runs_to_its_end__and_leaves_only_the_report(start: Start, tmp_path: Path) -> None:
    process = start("demo")
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
def test_demo__interrupted__stops_the_chain_and_removes_its_files(
    start: Start, tmp_path: Path, sent: signal.Signals, told: str
) -> None:
    process = start("demo")
    wait_for(process, told)
    chains = children_of(process)
    assert chains

    rest = interrupted(process, sent)

    assert process.returncode == 130, rest
    assert [chain for chain in chains if chain.exists()] == []
    assert list(tmp_path.glob("liqpass-demo-*")) == []
