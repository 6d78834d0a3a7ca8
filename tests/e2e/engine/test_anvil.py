"""The private development node: it starts, obeys, and never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from liqpass.adapters.chain.anvil import (
    Anvil,
    AnvilError,
    AnvilMissingError,
    AnvilRefusedError,
    AnvilStartError,
    find_anvil,
)
from web3 import Web3

from benchmarks.artifacts import built

PARENT = """
import sys, time
from liqpass.adapters.chain.anvil import Anvil
with Anvil() as node:
    print(node.pid, flush=True)
    sys.stdin.read()
"""


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


def test_anvil__started_twice__two_chains_on_two_ports() -> None:
    with Anvil() as first, Anvil() as second:
        first.mine(3)

        assert first.url != second.url
        assert (first.rpc("eth_blockNumber"), second.rpc("eth_blockNumber")) == ("0x3", "0x0")
        assert first.rpc("eth_chainId") == "0x7a69"


def test_anvil__default__limits_gas_of_a_transaction_as_base_does() -> None:
    with Anvil() as node, pytest.raises(AnvilRefusedError, match="gas"):
        sender = node.account(0).address
        node.rpc("eth_sendTransaction", {"from": sender, "to": sender, "gas": hex(2**24 + 1)})


def test_anvil__genesis_time_and_clock_helpers__move_the_block_time() -> None:
    with Anvil(genesis_timestamp_s=1_900_000_000) as node:
        node.set_next_timestamp(1_900_000_100)
        node.mine()
        first = int(node.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        node.increase_time(600)
        second = int(node.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    assert first == 1_900_000_100
    assert 1_900_000_700 <= second <= 1_900_000_705


def test_anvil__slots_in_an_epoch_2__safe_is_two_behind_and_finalized_four() -> None:
    with Anvil(slots_in_an_epoch=2) as node:
        node.mine(10)
        numbers = [node.rpc("eth_getBlockByNumber", tag, False)["number"] for tag in ("safe", "finalized")]

    assert numbers == ["0x8", "0x6"]


def test_snapshot__reverted__balance_is_back() -> None:
    with Anvil() as node:
        sender, recipient = node.account(0).address, "0x000000000000000000000000000000000000dEaD"
        before = node.snapshot()
        node.rpc("eth_sendTransaction", {"from": sender, "to": recipient, "value": "0x5"})
        node.mine()  # anvil answers before it has mined what it took
        assert node.rpc("eth_getBalance", recipient, "latest") == "0x5"

        node.revert(before)

        assert node.rpc("eth_getBalance", recipient, "latest") == "0x0"


def test_transact__creation_call_and_revert__receipt_of_each_at_once() -> None:
    with Anvil() as node:
        web3 = Web3(Web3.HTTPProvider(node.url))
        owner, stranger = (node.account(number).address for number in (0, 1))
        artifact = built("MockFeed")
        creation = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode).constructor(
            owner, "a feed"
        )

        created = node.transact(creation, owner, gas=10_000_000)
        feed = web3.eth.contract(web3.to_checksum_address(created["contractAddress"]), abi=artifact.abi)
        called = node.transact(feed.functions.push(7), owner, gas=200_000)
        reverted = node.transact(feed.functions.push(8), stranger, gas=200_000)

        assert [each["status"] for each in (created, called, reverted)] == ["0x1", "0x1", "0x0"]
        assert [each["blockNumber"] for each in (created, called, reverted)] == ["0x1", "0x2", "0x3"]
        assert feed.functions.latestRoundData().call()[1] == 7


def test_state_file__second_run__goes_on_with_the_same_chain(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with Anvil(state_file=state) as node:
        node.mine(2)
        genesis = node.rpc("eth_getBlockByNumber", "0x0", False)["hash"]

    with Anvil(state_file=state) as node:
        assert node.rpc("eth_blockNumber") == "0x2"
        assert node.rpc("eth_getBlockByNumber", "0x0", False)["hash"] == genesis


def test_state_file__relative__below_the_folder_of_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # which is not the node's own

    with Anvil(state_file=Path("state.json")) as node:
        node.mine()

    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the node's folder in /proc")
def test_anvil__started_below_a_foundry_toml__reads_none() -> None:
    with Anvil() as node:
        folder = Path(f"/proc/{node.pid}/cwd").readlink()

    assert [each for each in (folder, *folder.parents) if (each / "foundry.toml").exists()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_anvil__parent_killed__dies_too() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    node_pid = int(parent.stdout.readline())
    assert alive(node_pid)

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    wait_until(lambda: not alive(node_pid))
    parent.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_anvil__parent_interrupted__dies_too() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    node_pid = int(parent.stdout.readline())

    parent.send_signal(signal.SIGINT)
    parent.wait()

    assert not alive(node_pid)
    parent.stdout.close()


def test_find_anvil__nothing_installed__says_make_setup(tmp_path: Path) -> None:
    with pytest.raises(AnvilMissingError, match="make setup"):
        find_anvil(tmp_path)


def test_start__binary_ends_at_once__raises_with_its_output(tmp_path: Path) -> None:
    broken = tmp_path / "anvil"
    broken.write_text("#!/bin/sh\necho cannot bind\nexit 3\n")
    broken.chmod(0o755)

    with pytest.raises(AnvilStartError, match="cannot bind"):
        Anvil(binary=broken).start()


def test_url__not_running__raises() -> None:
    node = Anvil()
    with pytest.raises(AnvilError, match="not running"):
        _ = node.url


def test_stop__after_exit__process_is_gone() -> None:
    with Anvil() as node:
        pid = node.pid

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
