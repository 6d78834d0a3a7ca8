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

import pytest
from bond_world import BOND, CLIENT, PAYMENT, PROVIDER, SETTLER, BondWorld
from operator_world import DEPLOYER, ONE_USDC, REPOSITORY, STRANGER, transaction_in

SECOND = "0x" + "02" * 32
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


def kill_when_sent(bonds: BondWorld, account: int, *arguments: str) -> None:
    """`ape run bond <arguments>` on a node that mines nothing, until the transaction waits there."""
    world = bonds.world
    sent = pending = world.nonce(account)
    with process(bonds, *arguments, "--journal", str(world.folder / "journal")) as running:
        while pending == sent:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(0.02)  # its start needs the processor more than this loop does
            pending = int(world.node.rpc("eth_getTransactionCount", world.address(account), "pending"), 16)


@pytest.fixture
def mined_by_hand(bonds: BondWorld) -> Iterator[BondWorld]:
    """The client has a credit of 0.10, a claim that is due, and more to lock; no block comes by itself."""
    commitment = bonds.cover(1)
    assert bonds.cover(2) == SECOND
    bonds.pass_time(301)
    bonds.deny(bonds.client)
    assert transaction_in(bonds.ape("claim", commitment, account=STRANGER))
    bonds.world.send(bonds.world.usdc.functions.unBlacklist(bonds.client), DEPLOYER)
    bonds.world.node.set_automine(False)
    yield bonds
    bonds.world.node.set_automine(True)


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
    kill_when_sent(bonds, PROVIDER, *arguments)
    node.mine()
    node.set_automine(True)

    again = bonds.ape("deposit", "10.00", "--permit")

    assert transaction_in(again)
    assert world.nonce(PROVIDER) == sent + 1
    assert bonds.stats[0] == BOND + 10 * ONE_USDC


def test_withdraw_credit__killed_after_sending__another_receiver_is_not_told_that_it_got_it(
    mined_by_hand: BondWorld,
) -> None:
    bonds, world = mined_by_hand, mined_by_hand.world
    first, second = world.address(STRANGER), world.address(DEPLOYER)
    before = world.balance(second)
    as_client = ("--account", f"TEST::{CLIENT}")
    kill_when_sent(bonds, CLIENT, "withdraw-credit", "--to", first, *as_client)

    result = bonds.ape("withdraw-credit", "--to", second, account=CLIENT)
    world.node.mine()

    assert result.exit_code == 1
    assert f"withdraw a credit of 0.10 USDC to {first}" in result.output
    assert (world.balance(first), world.balance(second) - before) == (PAYMENT, 0)


def test_withdraw_credit__stranger_was_faster__is_not_told_to_be_sent(mined_by_hand: BondWorld) -> None:
    bonds, world = mined_by_hand, mined_by_hand.world
    receiver, client = world.address(STRANGER), world.address(CLIENT)
    before = world.balance(client)
    pending = world.nonce(CLIENT)
    arguments = ("withdraw-credit", "--to", receiver, "--account", f"TEST::{CLIENT}")
    with process(bonds, *arguments, "--journal", str(world.folder / "journal")) as running:
        while pending == world.nonce(CLIENT):
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(0.02)
            pending = int(world.node.rpc("eth_getTransactionCount", client, "pending"), 16)
        pay = bonds.insurance.functions.payCredit(client)
        pay.transact(
            {"from": receiver, "gas": 200_000, "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**12}
        )
        world.node.mine()
        assert running.stdout is not None
        told = running.stdout.read()
        code = running.wait(timeout=60)

    assert (world.balance(receiver), world.balance(client) - before) == (0, PAYMENT)
    assert code == 1
    assert "sent 0.10 USDC" not in told


@pytest.mark.parametrize(
    ("command", "function", "after"),
    [
        ("pay-credit", "payCredit", "the credit of {client} is paid\n"),
        ("claim", "claimInsurance", f"{SECOND} is claimed\n"),
    ],
)
def test_anyones__another_was_faster__is_told_and_names_no_transaction(
    mined_by_hand: BondWorld, command: str, function: str, after: str
) -> None:
    bonds, world = mined_by_hand, mined_by_hand.world
    subject = {"pay-credit": bonds.client, "claim": SECOND}[command]
    pending = sent = world.nonce(SETTLER)
    arguments = (command, subject, "--account", f"TEST::{SETTLER}")
    with process(bonds, *arguments, "--journal", str(world.folder / "journal")) as running:
        while pending == sent:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(0.02)  # its start needs the processor more than this loop does
            pending = int(world.node.rpc("eth_getTransactionCount", world.address(SETTLER), "pending"), 16)
        call = bonds.insurance.get_function_by_name(function)(subject)
        stranger = {"from": world.address(STRANGER), "gas": 200_000}
        call.transact({**stranger, "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**12})
        world.node.mine()
        assert running.stdout is not None
        told = running.stdout.read()
        code = running.wait(timeout=60)

    assert code == 0
    assert told.endswith(
        after.format(client=bonds.client) + "done already, by another transaction than this command's\n"
    )
    assert world.nonce(SETTLER) == sent + 1


def test_cover__killed_after_sending__other_terms_are_not_told_to_be_locked(
    mined_by_hand: BondWorld,
) -> None:
    bonds, world = mined_by_hand, mined_by_hand.world
    commitment = "0x" + "5a" * 32
    arguments = ("cover", bonds.provider, "0.10", "--timeout", "5", "--commitment", commitment)
    kill_when_sent(bonds, CLIENT, *arguments, "--account", f"TEST::{CLIENT}")

    result = bonds.ape(*arguments[:2], "0.20", *arguments[3:], account=CLIENT)
    world.node.mine()

    assert result.exit_code == 1
    assert f"lock the bond of {bonds.provider} for 0.10 USDC" in result.output
    assert "locked until" not in result.output
    assert bonds.insurance.functions.policies(bytes.fromhex(commitment[2:])).call()[5] == PAYMENT
