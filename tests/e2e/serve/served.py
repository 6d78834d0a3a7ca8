"""`liqpass serve` as a process of its own, over a fresh SQLite book and a chain that nobody runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from click.testing import CliRunner
from liqpass.adapters.database import migrate
from liqpass.adapters.database.engine import open_engine
from liqpass.entrypoints.cli import main

START_S = 60
SECRETS = {
    "LIQPASS_MASTER_KEY": "5ec2e7" * 10 + "abcd",
    "LIQPASS_INTERNAL_KEY": "canary-internal-key-0123456789abcdef",
}


@dataclass
class Served:
    """A running service; `log` is complete once it has ended."""

    process: subprocess.Popen[str]
    url: str
    log: Path
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    def get(self, path: str) -> httpx.Response:
        return self.client.get(self.url + path)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code; never waits for ever."""
        self.client.close()
        os.kill(self.process.pid, how)
        return self.process.wait(60)


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """What an operator would export, in a folder of the test's own."""
    record = folder / "local.json"
    contract = {"address": "0x" + "c0" * 20, "block": 1}
    vault = {"address": "0x" + "fa" * 20, "block": 1}
    record.write_text(
        json.dumps({"chainId": 31337, "contracts": {"Checkout": contract, "PayoutVault": vault}})
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIQPASS_")}
    ours = {
        "LIQPASS_DATABASE_URL": f"sqlite:///{folder / 'liqpass.db'}",
        "LIQPASS_DEPLOYMENT": str(record),
        "LIQPASS_RPC_URL": "http://127.0.0.1:9",  # the discard port: nobody answers there
        **SECRETS,
    }
    return kept | ours | changes


def upgraded(folder: Path) -> None:
    engine = open_engine(f"sqlite:///{folder / 'liqpass.db'}")
    migrate.upgrade(engine)
    engine.dispose()


def start(folder: Path, *options: str, **changes: str) -> Served:
    """Serve on a free port; ready when this returns."""
    log = folder / "serve.log"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from liqpass.entrypoints.cli import main; main()",
            "serve",
            "--port",
            "0",
            *options,
        ],
        env=environment(folder, **changes),
        stdout=subprocess.PIPE,
        stderr=log.open("w"),
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("listening on "):
        process.wait(START_S)
        raise AssertionError(f"it did not start: {line}{log.read_text()}")
    served = Served(process, line.removeprefix("listening on ").strip(), log)
    # The kernel keeps the request until the first worker listens.
    assert served.client.get(f"{served.url}/healthz", timeout=START_S).status_code == 200
    return served


def refused(folder: Path, *options: str, **changes: str) -> tuple[int, str]:
    """Exit code and standard error of a service that must not start; in this process, as it ends at once."""
    result = CliRunner(mix_stderr=False).invoke(
        main, ["serve", "--port", "0", *options], env=environment(folder, **changes), catch_exceptions=False
    )
    assert result.stdout == ""
    return result.exit_code, result.stderr
