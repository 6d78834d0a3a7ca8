"""How the web service bears load with a long history: `python -m benchmarks.api`.

`liqpass serve` as a process, real HTTP, the OKX simulator behind it. The admin queue's median with the
longest history is compared with that of the shortest one in the same run: ends with 1 when it grew by more
than MOST_GROWTH.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from eth_account import Account
from liqpass.adapters.chain.anvil import Anvil, AnvilError
from liqpass.adapters.clock import SystemClock
from liqpass.adapters.database import migrate
from liqpass.adapters.okx.simulator.closes import Close
from liqpass.adapters.okx.simulator.server import SimulatorServer
from liqpass.adapters.okx.simulator.simulation import Simulation
from liqpass.bootstrap import Application
from liqpass.policies import ByPosition
from liqpass.ports import OkxCredentials
from liqpass.settings import read_settings
from postgres_server import PostgresMissingError, PostgresServer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from benchmarks.api_history import fill
from benchmarks.api_load import Connection, LoadError, Request, Timing, load
from demo.service import ServiceError, ServiceProcess

SIZES = (1_000, 10_000, 100_000)
MOST_GROWTH = 1.5
CONNECTIONS = 8
QUEUE = "/admin/claims?status=PENDING&limit=50"
_REVIEWER = "0x" + "c1" * 32
_BUYER = "0x" + "b1" * 32


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: what was asked of which book, and how fast it answered."""

    database: str
    policies: int
    workers: int
    connections: int
    what: str
    timing: Timing


@dataclass(frozen=True, slots=True)
class Effort:
    """How many requests of each kind."""

    quotes: int = 1_500
    pages: int = 800
    claims: int = 40


class Bench:
    """A book on one database, filled to one size, and the service over it."""

    def __init__(self, simulator: SimulatorServer, log: Path) -> None:
        self._simulator = simulator
        self._log = log
        self._application = Application(read_settings())

    def fill(self, policies: int) -> None:
        """Migrate and give the book its history."""
        migrate.upgrade(self._application.engine)
        app = self._application
        fill(app.engine, app.site, app.parameters, policies, app.clock.now_ms())

    def serve(self, workers: int) -> ServiceProcess:
        """The service without housekeeping: nothing else shall use the machine."""
        return ServiceProcess(self._log, {}, "--no-housekeeping", "--workers", str(workers))

    def claimable(self, count: int) -> list[str]:
        """So many orders of one buyer, paid, covered from now on, their positions liquidated."""
        do, exchange = self._application.use_cases, self._simulator.exchange
        buyer = str(Account.from_key(_BUYER).address)
        found = []
        for _ in range(count):
            name = f"trader {secrets.token_hex(8)}"
            with self._simulator.simulation.lock:
                account = exchange.add_account(name)
                position = exchange.open_position(
                    name, "BTC-USDT-SWAP", contracts=Decimal(10), age_ms=7_200_000
                )
            key = account.keys["reader"].credentials
            credentials = OkxCredentials(key.api_key, key.secret, key.passphrase, False)
            order = do.selling.create_order(buyer, actor="bench")
            wanted = ByPosition("BTC-USDT-SWAP", position.pos_id)
            do.binding.bind(order.id, credentials, wanted, actor="bench")
            do.paying.mark_paid(order.id, actor="bench", reason="bench")
            with self._simulator.simulation.lock:
                exchange.close_position(name, position.pos_id, Close.FULL_LIQUIDATION)
            found.append(order.id)
        return found

    def close(self) -> None:
        """Let go of the database."""
        self._application.engine.dispose()


def measure(
    bench: Bench, database: str, policies: int, *, workers: tuple[int, ...], effort: Effort
) -> Iterator[Row]:
    """The queue alone on one connection, then everything under load, for each number of workers."""
    bench.fill(policies)
    for count in workers:
        with bench.serve(count) as service:
            with Connection(service.url) as connection:
                desk = connection.signed_in("/admin", _REVIEWER)
                buyer = connection.signed_in("/api", _BUYER)
            page = Request("GET", QUEUE, desk)
            quote = Request("POST", "/api/quote", {}, "{}")
            load(service.url, [page, quote] * 20 * count, connections=2 * count)  # warm
            if count == workers[0]:
                alone = load(service.url, [page] * (effort.pages // 2), connections=1)
                yield Row(database, policies, count, 1, "admin queue", alone)
            if policies != SIZES[-1] and effort == Effort():
                continue
            claims = [
                Request("POST", f"/api/purchase-orders/{order}/claim", buyer | {"Idempotency-Key": order})
                for order in bench.claimable(effort.claims)
            ]
            for what, requests in (
                ("quote", [quote] * effort.quotes),
                ("admin queue", [page] * effort.pages),
                ("claim", claims),
            ):
                timing = load(service.url, requests, connections=CONNECTIONS)
                yield Row(database, policies, count, CONNECTIONS, what, timing)


def growth(rows: list[Row], database: str) -> float:
    """Median of the queue with the longest history beside the shortest one's."""
    alone = sorted(
        (row.policies, row.timing.p50_ms) for row in rows if (row.database, row.connections) == (database, 1)
    )
    return alone[-1][1] / alone[0][1]


def run(sizes: tuple[int, ...], workers: tuple[int, ...], effort: Effort) -> list[Row]:
    """Every row, on SQLite and, where its server is installed, on PostgreSQL."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="liqpass-bench-") as name,
        Anvil() as node,
        SimulatorServer(Simulation(SystemClock())) as simulator,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(name)
        try:
            postgres = stack.enter_context(PostgresServer())
        except PostgresMissingError as error:
            print(f"only SQLite: {error}", file=sys.stderr)
            postgres = None
        for size in sizes:
            urls = {"SQLite": f"sqlite:///{folder / f'{size}.db'}"}
            if postgres is not None:
                urls["PostgreSQL"] = postgres.create_empty()
            for database, url in urls.items():
                with _environment(folder, node.url, simulator.url, url):
                    bench = Bench(simulator, folder / "serve.log")
                    rows += measure(bench, database, size, workers=workers, effort=effort)
                    bench.close()
    return rows


@contextlib.contextmanager
def _environment(folder: Path, node: str, okx: str, database: str) -> Iterator[None]:
    record = folder / "local.json"
    address = "0x" + "00" * 19
    contracts = {"Checkout": {"address": address + "c1", "block": 0}}
    contracts["PayoutVault"] = {"address": address + "c2", "block": 0}
    # Nothing that is measured calls a contract: they need not be there.
    record.write_text(json.dumps({"chainId": 31337, "contracts": contracts}))
    ours = {
        "LIQPASS_DATABASE_URL": database,
        "LIQPASS_RPC_URL": node,
        "LIQPASS_DEPLOYMENT": str(record),
        "LIQPASS_OKX_HOST": okx,
        "LIQPASS_MASTER_KEY": "00" * 32,
        "LIQPASS_REVIEWERS": str(Account.from_key(_REVIEWER).address),
        "LIQPASS_RATE_PER_MINUTE": "0",
        "LIQPASS_COSTLY_RATE_PER_MINUTE": "0",
        # One buyer stands for many, and cover begins at once.
        "LIQPASS_PARAMETERS__MAX_ACTIVE_POLICIES": "100",
        "LIQPASS_PARAMETERS__MAX_RECENT_POLICIES": "1000",
        "LIQPASS_PARAMETERS__MAX_OPEN_EXPOSURE": "1000000",
        "LIQPASS_PARAMETERS__WAITING_S": "0",
    }
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("LIQPASS_")]:
        del os.environ[name]
    os.environ.update(ours)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def table(rows: list[Row]) -> Table:
    """The figures for people."""
    shown = Table(title="The web service under load", box=SIMPLE)
    for heading in ("database", "policies", "workers", "connections", "request", "a second", "p50", "p99"):
        shown.add_column(heading, justify="left" if heading in ("database", "request") else "right")
    for row in rows:
        timing = row.timing
        shown.add_row(
            row.database,
            f"{row.policies:,}",
            str(row.workers),
            str(row.connections),
            row.what,
            f"{timing.per_second:,.0f}",
            f"{timing.p50_ms:.1f} ms",
            f"{timing.p99_ms:.1f} ms",
        )
    return shown


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args(arguments)
    try:
        rows = run(SIZES, (1, 2), Effort())
    except (AnvilError, LoadError, ServiceError) as error:
        print(f"no figures: {error}", file=sys.stderr)
        return 2
    console = Console(width=max(Console().width, 120))
    console.print(table(rows))
    worst = 0.0
    for database in dict.fromkeys(row.database for row in rows):
        ratio = growth(rows, database)
        worst = max(worst, ratio)
        verdict = "[green]pass[/]" if ratio <= MOST_GROWTH else "[bold red]MISSED[/]"
        sizes = f"{SIZES[-1]:,} : {SIZES[0]:,} policies"
        console.print(f"{database}: queue at {sizes} = {ratio:.2f} (at most {MOST_GROWTH}) {verdict}")
    return 0 if worst <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
