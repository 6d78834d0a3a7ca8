"""kill -9 at every step between plan and final, then the same command again: paid exactly once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from kill import TEN, DyingRpc, Payer, die, in_child
from liqpass.adapters.chain.anvil import Anvil
from liqpass.adapters.chain.errors import JournalBusyError
from liqpass.adapters.chain.events import Event, EventKind

KILLED = -signal.SIGKILL
STEPS = [
    EventKind.PLANNED,
    EventKind.SIGNED,
    EventKind.SENDING,
    EventKind.ANSWERED,
    EventKind.SEEN,
    EventKind.CONFIRMED,
    EventKind.FINAL,
]


@pytest.fixture(scope="module")
def node() -> Iterator[Anvil]:
    """One for all: each test pays a recipient of its own and keeps a journal of its own."""
    with Anvil() as running:
        yield running


@pytest.mark.parametrize("step", STEPS)
def test_submit__killed_at_each_step_and_run_again__pays_once(
    payer: Payer, received: Callable[[], int], step: EventKind
) -> None:
    def kill_at(event: Event) -> None:
        if event.kind == step:
            die()

    assert in_child(lambda: payer.pay(on_event=kill_at)) == KILLED

    outcome = payer.pay()

    assert received() == TEN
    assert outcome.tx_hash is not None
    assert outcome.resumed is (step != EventKind.PLANNED)


@pytest.mark.parametrize("after_answer", [False, True], ids=["before", "after"])
def test_submit__killed_at_every_call_to_the_node__pays_once_each_time(
    node: Anvil, payer: Payer, received: Callable[[], int], after_answer: bool
) -> None:
    def pay_and_die(key: str, at: int) -> object:
        rpc = payer.rpc()
        rpc.dies_at, rpc.dies_after_answer = at, after_answer
        return payer.pay(key=key, rpc=rpc)

    kills = 0
    for at in range(1, 40):
        payer.recipient = f"0x{at + 0xA000 + after_answer * 0x1000:040x}"
        ended = in_child(partial(pay_and_die, f"pay {at}", at))
        payer.pay(key=f"pay {at}")
        assert received() == TEN
        if ended == 0:
            break
        assert ended == KILLED
        kills += 1

    assert kills >= 12  # a payment asks the node at least so often


def test_submit__killed_again_and_again__pays_once(payer: Payer, received: Callable[[], int]) -> None:
    for step in STEPS:

        def kill_at(event: Event, step: EventKind = step) -> None:
            if event.kind == step:
                die()

        in_child(partial(payer.pay, on_event=kill_at))

    payer.pay()

    assert received() == TEN
    assert len(payer.node.rpc("eth_getBlockByNumber", "latest", False)["transactions"]) == 1


def test_submit__killed_inside_the_signer__pays_once(payer: Payer, received: Callable[[], int]) -> None:
    def pay_and_die_signing() -> object:  # in the child only
        payer.node.account = lambda _: _DyingAccount()  # type: ignore[method-assign,assignment,return-value]
        return payer.pay()

    assert in_child(pay_and_die_signing) == KILLED

    outcome = payer.pay()

    assert (received(), outcome.resumed) == (TEN, False)


class _DyingAccount:
    address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"  # account 1 of the development mnemonic

    def sign_transaction(self, _: object) -> None:
        die()


def test_submit__two_processes_at_once__pay_once(payer: Payer, received: Callable[[], int]) -> None:
    before = int(payer.node.rpc("eth_blockNumber"), 16)
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            try:
                payer.pay()
                os._exit(0)
            except BaseException:  # noqa: BLE001 - the forked child must never return into pytest
                os._exit(1)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

    assert codes == [0, 0]
    assert received() == TEN
    assert int(payer.node.rpc("eth_blockNumber"), 16) == before + 1


def test_submit__another_process_holds_the_lock__waits_no_longer_than_allowed(
    node: Anvil, payer: Payer
) -> None:
    payer.with_policy(lock_timeout_s=0.0)

    def pay_again(event: Event) -> None:
        if event.kind == EventKind.SIGNED:
            with pytest.raises(JournalBusyError):
                payer.pay()

    payer.pay(on_event=pay_again)


def test_dying_rpc__told_to_die__dies(payer: Payer) -> None:
    rpc: DyingRpc = payer.rpc()
    rpc.dies_at = 1
    assert in_child(rpc.chain_id) == KILLED
