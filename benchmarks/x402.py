"""What the bond costs in time: the insured facilitator beside the SDK's own: `python -m benchmarks.x402`.

Real HTTP, stock clients and a stock resource server, on anvil that mines each transaction at once, and on
blocks of one second where two blocks deep count. The contenders take turns in one run. Ends with 1 where four
lanes do not settle LEAST_SPEEDUP times as fast as one on the slow blocks: what lanes are for.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from liqpass.adapters.chain.anvil import Anvil, AnvilError
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from x402.http.clients import x402_requests

from benchmarks.api_load import LoadError, Request, Timing, load
from benchmarks.stage import BenchmarkError
from benchmarks.x402_stage import ACCOUNTS, CONTENDERS, KEY, Contender, PaidStage

LEAST_SPEEDUP = 3.0
AT_ONCE, BLOCKS = "mined at once", "1 s blocks, 2 deep"
WHERE = (
    "Measured on this machine, whose cores anvil, facilitators, shops and client share. In brackets: beside "
    "the stock facilitator in the same run, which counts a receipt at once (depth 1) and has many in flight; "
    "ours waits for the depth. Gas with MockUSDC. Nothing here was measured on Base."
)


@dataclass(frozen=True, slots=True)
class Effort:
    """How many of each a round, and how many rounds. `burst`: settlements asked for at once."""

    rounds: int
    single: int
    burst: int


EFFORTS = {AT_ONCE: Effort(rounds=4, single=8, burst=24), BLOCKS: Effort(rounds=2, single=4, burst=12)}


@dataclass(slots=True)
class Row:
    """One contender on one chain: seconds that each answer took, seconds and number of all bursts, gas."""

    chain: str
    contender: str
    verify_s: list[float] = field(default_factory=list)
    settle_s: list[float] = field(default_factory=list)
    call_s: list[float] = field(default_factory=list)  # a paid call, less the median of a free one
    burst_s: float = 0.0
    burst_count: int = 0
    gas: list[int] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Settlements a second where many are asked for at once."""
        return self.burst_count / self.burst_s

    def add_burst(self, timing: Timing) -> None:
        """One more burst."""
        self.burst_s += timing.all_s
        self.burst_count += len(timing.took_s)


def p50(took_s: list[float]) -> float:
    """The median, in milliseconds."""
    return statistics.median(took_s) * 1000


def p95(took_s: list[float]) -> float:
    """Of twenty answers, nineteen came by then; milliseconds."""
    ordered = sorted(took_s)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] * 1000


def speedup(rows: list[Row]) -> float:
    """Settlements a second of four lanes beside one, on the slow blocks."""
    rate = {row.contender: row.per_second for row in rows if row.chain == BLOCKS}
    return rate[CONTENDERS[2].name] / rate[CONTENDERS[1].name]


@dataclass(frozen=True, slots=True)
class Measured:
    """A contender that serves."""

    stage: PaidStage
    contender: Contender
    facilitator: str
    shop: str
    row: Row

    def round(self, effort: Effort) -> None:
        """One of everything. Raises BenchmarkError, LoadError."""
        before = len(self.stage.settlements(self.contender))
        self.row.verify_s += self._posted("/verify", effort.single).took_s
        self.row.settle_s += self._posted("/settle", effort.single).took_s
        self.row.add_burst(self._posted("/settle", effort.burst, connections=effort.burst))
        self.row.call_s += self._calls(effort.single)
        settled = self.stage.settlements(self.contender)[before:]
        if len(settled) != 2 * effort.single + effort.burst:
            raise BenchmarkError(
                f"{self.contender.name}: {len(settled)} settlements are not what was asked for"
            )
        self.row.gas += [self.stage.gas(each) for each in settled]

    def _posted(self, path: str, count: int, *, connections: int = 1) -> Timing:
        headers = {"Authorization": f"Bearer {KEY}"}
        bodies = [json.dumps(self.stage.body(self.contender)) for _ in range(count)]
        requests = [Request("POST", path, headers, body) for body in bodies]
        return load(self.facilitator, requests, connections=connections)

    def _calls(self, count: int) -> list[float]:
        session = x402_requests(self.stage.paying())

        def timed(path: str) -> float:
            began = time.perf_counter()
            answer = session.get(f"{self.shop}{path}", timeout=60)
            took_s = time.perf_counter() - began
            if answer.status_code != 200:
                raise BenchmarkError(f"{self.contender.name}: {path} answered {answer.status_code}")
            return took_s

        free_s = statistics.median(timed("/free") for _ in range(count))
        return [timed("/work") - free_s for _ in range(count)]


def run(efforts: dict[str, Effort], say: Callable[[str], None] = lambda _: None) -> list[Row]:
    """Every row. Raises AnvilError, BenchmarkError, LoadError."""
    rows: list[Row] = []
    for chain, effort in efforts.items():
        with tempfile.TemporaryDirectory(prefix="liqpass-bench-") as name, Anvil(accounts=ACCOUNTS) as node:
            stage = PaidStage(node, Path(name))
            with contextlib.ExitStack() as stack:
                depth = 1
                if chain == BLOCKS:
                    depth = 2
                    node.set_automine(on=False)
                    node.rpc("evm_setIntervalMining", 1)
                running = [stack.enter_context(_measured(stage, each, chain, depth)) for each in CONTENDERS]
                for number in range(effort.rounds):
                    say(f"{chain}: round {number + 1} of {effort.rounds}")
                    for each in running:
                        each.round(effort)
                rows += [each.row for each in running]
    return rows


@contextlib.contextmanager
def _measured(stage: PaidStage, contender: Contender, chain: str, depth: int) -> Iterator[Measured]:
    with (
        stage.facilitator(contender, depth=depth) as facilitator,
        stage.shop(contender, facilitator) as shop,
    ):
        yield Measured(stage, contender, facilitator, shop, Row(chain, contender.name))


def table(rows: list[Row]) -> Table:
    """The figures for people: each with its ratio to the stock facilitator's on the same chain."""
    shown = Table(title="Insured settlements beside the stock facilitator's", box=SIMPLE)
    for heading in ("chain", "facilitator"):
        shown.add_column(heading)
    for heading in (
        "verify p50 / p95",
        "settle p50 / p95",
        "a paid call adds",
        "a second",
        "gas",
    ):
        shown.add_column(heading, justify="right")
    stock = {row.chain: row for row in rows if row.contender == CONTENDERS[0].name}
    for row in rows:
        beside = stock[row.chain]
        times = [
            f"{p50(took_s):,.0f} / {p95(took_s):,.0f} ms ({p50(took_s) / p50(bare_s):.2f}×)"
            for took_s, bare_s in (
                (row.verify_s, beside.verify_s),
                (row.settle_s, beside.settle_s),
                (row.call_s, beside.call_s),
            )
        ]
        gas, bare_gas = statistics.median(row.gas), statistics.median(beside.gas)
        rate = f"{row.per_second:.1f} ({row.per_second / beside.per_second:.2f}×)"
        shown.add_row(row.chain, row.contender, *times, rate, f"{gas:,.0f} ({gas / bare_gas:.2f}×)")
    return shown


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    try:
        rows = run(EFFORTS, lambda line: print(line, file=sys.stderr))
    except (AnvilError, BenchmarkError, LoadError, httpx.HTTPError) as error:
        print(f"no figures: {error}", file=sys.stderr)
        return 2
    console = Console(width=max(Console().width, 160))
    console.print(table(rows))
    console.print(WHERE)
    ratio = speedup(rows)
    verdict = "[green]pass[/]" if ratio >= LEAST_SPEEDUP else "[bold red]MISSED[/]"
    console.print(f"{BLOCKS}: four lanes : one lane = {ratio:.2f} (at least {LEAST_SPEEDUP}) {verdict}")
    return 0 if ratio >= LEAST_SPEEDUP else 1


if __name__ == "__main__":
    sys.exit(main())
