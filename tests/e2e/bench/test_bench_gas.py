"""`make bench` as a user runs it, on a node that enforces Base's limit of gas a transaction."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
BATCHES = {
    f"executeBatch, {count} {holders}" for count in (1, 10, 100, 500) for holders in ("existing", "new")
}
BONDS = {
    "settleAndInsure",
    "settleAndInsure, a provider's first",
    "purchaseInsurance",
    "confirmService",
    "confirmServices, 100 by the provider",
    "confirmServices, 100 with signatures",
    "claimInsurance",
}
NO_USDC = {name for name in BONDS if name.startswith(("purchase", "confirm"))}


def test_bench__five_hundred_payouts_to_new_holders__fit_one_transaction() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.gas", "--json"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    figures = {figure["operation"]: figure for figure in json.loads(answer.stdout)}
    assert {"pay", "payWithPermit", "payWithAuthorization", "approveBatch"} | BATCHES | BONDS <= set(figures)
    assert figures["executeBatch, 500 new"]["gas"] < 2**24
    assert {name for name, figure in figures.items() if figure["bare_gas"] is None} == NO_USDC
    assert all(figure["bare_gas"] > 21_000 for name, figure in figures.items() if name not in NO_USDC)
    assert all(figures[name]["passed"] for name in ("settleAndInsure", "purchaseInsurance", "claimInsurance"))
    assert figures["createPolicy, a leader's first, 3 shares"]["gas"] <= 360_000
    assert figures["a life with 4 insurers, paid"]["gas"] <= 0.21 * 4_372_044
