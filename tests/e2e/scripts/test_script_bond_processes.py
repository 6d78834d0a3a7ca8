"""`ape run bond` as a process of its own: watched until Ctrl-C, and killed with a transaction on its way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bond_world import BOND, PROVIDER, BondWorld
from operator_world import ONE_USDC, REPOSITORY, transaction_in

APE = str(Path(sys.executable).with_name("ape"))


@contextmanager
def process(bonds: BondWorld, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`ape run bond <arguments>` against the node; killed at the end if it still runs."""
    folder = bonds.world.folder
    network = f"ethereum:local:{bonds.world.node.url}"
    command = [APE, "run", "bond", *arguments, "--network", network, "--deployments", folder / "deployments"]
    running = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def look_with(lines: IO[str], open_payments: list[str]) -> dict[str, Any]:
    """The first look, of those that follow, which shows just these payments."""
    for line in lines:
        if line.startswith("{"):
            look = json.loads(line)
            if [payment["commitment"] for payment in look["open"]] == open_payments:
                return dict(look)
    raise AssertionError("the process ended")


def test_status__watch__shows_what_comes_and_goes_until_interrupted(bonds: BondWorld) -> None:
    with process(bonds, "status", bonds.provider, "--watch", "--every", "1", "--json") as running:
        assert running.stdout is not None
        empty = look_with(running.stdout, [])
        first, second = bonds.cover(1), bonds.cover(2, minutes=10)
        both = look_with(running.stdout, [first, second])
        bonds.world.send(bonds.insurance.functions.confirmService(bytes.fromhex(first[2:]), b""), PROVIDER)
        one = look_with(running.stdout, [second])
        running.send_signal(signal.SIGINT)
        ended = running.stdout.read()
        code = running.wait(timeout=30)

    locked = [look["lockedUsdc"] for look in (empty, both, one)]
    assert locked == ["0.00", "0.204", "0.102"]
    assert ended.endswith("ended\n")
    assert code == 0


def test_deposit__killed_after_sending__the_next_run_finds_it(bonds: BondWorld) -> None:
    node, world = bonds.world.node, bonds.world
    arguments = ("deposit", "10.00", "--permit", "--account", f"TEST::{PROVIDER}")
    sent = world.nonce(PROVIDER)
    node.set_automine(False)
    with process(bonds, *arguments, "--journal", str(world.folder / "journal")) as running:
        pending = sent
        while pending == sent:
            assert running.poll() is None
            pending = int(node.rpc("eth_getTransactionCount", bonds.provider, "pending"), 16)
    node.mine()
    node.set_automine(True)

    again = bonds.ape("deposit", "10.00", "--permit")

    assert transaction_in(again)
    assert world.nonce(PROVIDER) == sent + 1
    assert bonds.stats[0] == BOND + 10 * ONE_USDC
