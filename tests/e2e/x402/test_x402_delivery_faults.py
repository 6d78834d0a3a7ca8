"""A node that fails while a provider confirms and refunds: each payment has one end, as soon as it can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bad_line import CONFIRMED, GWEI, OPEN, POLICY, REFUNDED, BadLine, calm
from faulty_node import Fault, FaultyNode
from insured_world import CLIENT, LOCK, PRICE, PROVIDER, InsuredWorld, comes


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsuredWorld]:
    with InsuredWorld.open(tmp_path_factory.mktemp("faults")) as opened:
        yield opened


@pytest.fixture
def line(own_world: InsuredWorld, tmp_path: Path) -> Iterator[BadLine]:
    with FaultyNode.before(own_world.node.url) as node:
        yield BadLine(own_world, node, tmp_path)


@pytest.mark.parametrize(
    "fault", [Fault.HOLD, Fault.HOLD_ANSWER, Fault.REFUSE_AFTER, Fault.RESET, Fault.FORGET, Fault.HIDE]
)
def test_service__node_fails_while_it_confirms_and_refunds__each_ended_once(
    line: BadLine, fault: Fault
) -> None:
    served, failed = line.locked(), line.locked()
    bond, locked = line.world.bond_of(PROVIDER)
    client, sent = line.world.balance(CLIENT), count_of(line, PROVIDER)
    method = "eth_getTransactionReceipt" if fault is Fault.HIDE else "eth_sendRawTransaction"
    with line.service(replace(POLICY, timeout_s=0.5)) as service:
        line.node.fails(fault, method, times=3)
        service.failed(failed)
        service.served(served)

        assert comes(lambda: (line.status(served), line.status(failed)) == (CONFIRMED, REFUNDED))
        line.node.heals()

    assert line.world.bond_of(PROVIDER) == (bond - PRICE, locked - 2 * LOCK)
    assert (line.world.balance(CLIENT), count_of(line, PROVIDER)) == (client + PRICE, sent + 2)


def test_service__confirmation_too_dear_for_a_while__confirmed_once_it_is_cheaper(line: BadLine) -> None:
    served = line.locked()
    bond, locked = line.world.bond_of(PROVIDER)
    sent = count_of(line, PROVIDER)
    world = line.world
    world.node.set_automine(on=False)
    world.node.set_next_base_fee(100 * GWEI)
    world.node.mine()
    try:
        with line.service(replace(POLICY, max_fee_wei=5 * GWEI, timeout_s=0.5)) as service:
            service.served(served)
            asked = line.node.asked["eth_estimateGas"]
            assert comes(lambda: line.node.asked["eth_estimateGas"] > asked + 2)  # rounds that gave up
            waiting = line.status(served)
            calm(world)
            assert comes(lambda: line.status(served) == CONFIRMED)
    finally:
        calm(world)

    assert (waiting, world.bond_of(PROVIDER), count_of(line, PROVIDER)) == (
        OPEN,
        (bond, locked - LOCK),
        sent + 1,
    )


def count_of(line: BadLine, account: int) -> int:
    return line.world.web3.eth.get_transaction_count(line.world.address(account))


@pytest.mark.parametrize(
    "method",
    ["eth_getBlockByNumber", "eth_call", "eth_getTransactionCount", "eth_getBalance", "eth_estimateGas"],
)
def test_service__node_answers_with_nothing__goes_on(line: BadLine, method: str) -> None:
    """As one of several behind one address does that has not the newest block yet."""
    served, failed = line.locked(), line.locked()
    with line.service(replace(POLICY, timeout_s=0.5)) as service:
        line.node.fails(Fault.HIDE, method, times=5)
        service.failed(failed)
        service.served(served)

        assert comes(lambda: line.node.is_well)
        assert comes(lambda: (line.status(served), line.status(failed)) == (CONFIRMED, REFUNDED))
