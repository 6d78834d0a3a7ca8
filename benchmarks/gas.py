"""What LiqPass costs in gas, beside the bare USDC operation in the same run: `python -m benchmarks.gas`.

Every figure is `gasUsed` of one whole transaction, intrinsic gas included, on an anvil that enforces Base's
limit of 2^24 gas a transaction. A goal that names a figure is a part of that: what the original design was
measured to cost. Goals that are missed are marked; ends with 1 when a batch that has to fit into one
transaction does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from liqpass.adapters.chain.anvil import Anvil, AnvilError
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks import bonds, parametric, payouts, premiums
from benchmarks.artifacts import ArtifactError
from benchmarks.figures import Figure
from benchmarks.stage import BenchmarkError, Stage


def measure() -> list[Figure]:
    """All figures, from one run on one chain. Raises ArtifactError, AnvilError or BenchmarkError."""
    with Anvil() as node:
        stage = Stage(node)
        return [
            *premiums.measure(stage),
            *payouts.measure(stage),
            *bonds.measure(stage),
            *parametric.measure(stage),
        ]


def table(figures: list[Figure]) -> Table:
    """The figures for people."""
    rows = Table(title="Gas, each beside the bare USDC operation in the same run", box=SIMPLE)
    for heading in ("operation", "beside"):
        rows.add_column(heading, no_wrap=True)
    for heading in (
        "gas",
        "a payment",
        "bare gas",
        "ratio",
        "gas (Circle)",
        "ratio (Circle)",
        "ratio (original)",
        "goal",
        "",
    ):
        rows.add_column(heading, justify="right", no_wrap=True)
    for figure in figures:
        rows.add_row(
            figure.operation,
            figure.bare_operation,
            "does not fit" if figure.gas is None else f"{figure.gas:,}",
            "" if figure.gas is None else f"{figure.gas / figure.count:,.0f}",
            "" if figure.bare_gas is None else f"{figure.bare_gas:,}",
            _ratio(figure.ratio),
            "" if figure.circle_gas is None else f"{figure.circle_gas:,}",
            _ratio(figure.circle_ratio),
            _ratio(figure.peer_ratio),
            _goal(figure),
            {None: "", True: "[green]pass[/]", False: "[bold red]MISSED[/]"}[figure.passed],
        )
    return rows


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}"


def _goal(figure: Figure) -> str:
    goals = []
    if figure.goal is not None:
        of = "" if figure.peer is None else f" {figure.peer:,}"
        goals.append(f"≤ {figure.goal:.2f} ×{of}")
    if figure.limit is not None:
        goals.append(f"≤ {figure.limit:,}")
    return ", ".join(goals)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of a table")
    options = parser.parse_args(arguments)
    try:
        figures = measure()
    except (AnvilError, ArtifactError, BenchmarkError) as error:
        print(f"no figures: {error}", file=sys.stderr)
        return 2
    missed = [figure.operation for figure in figures if figure.passed is False]
    if options.json:
        print(json.dumps([asdict(figure) | {"passed": figure.passed} for figure in figures], indent=1))
    else:
        console = Console(width=max(Console().width, 240))
        console.print(table(figures))
        console.print(f"[red]missed: {'; '.join(missed)}[/]" if missed else "[green]every goal is met[/]")
    return 0 if all(figure.fits for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
