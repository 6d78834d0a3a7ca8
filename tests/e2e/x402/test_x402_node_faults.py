"""A node that is slow, broken, forgetful or dear: each payment settled and locked once, or not at all."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bad_line import GWEI, HASTY, POLICY, BadLine, calm
from faulty_node import Fault, FaultyNode
from insured_world import InsuredWorld, comes
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsuredWorld]:
    with InsuredWorld.open(tmp_path_factory.mktemp("faults")) as opened:
        yield opened


@pytest.fixture
def line(own_world: InsuredWorld, tmp_path: Path) -> Iterator[BadLine]:
    with FaultyNode.before(own_world.node.url) as node:
        yield BadLine(own_world, node, tmp_path)


def paid(line: BadLine) -> tuple[PaymentPayload, PaymentRequirements]:
    requirements = line.world.requirements()
    return line.world.payment(requirements), requirements


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_estimateGas"])
@pytest.mark.parametrize(
    "fault", [each for each in Fault if each not in (Fault.FORGET, Fault.HIDE, Fault.LAST)]
)
def test_settle__one_request_fails__settled_once_all_the_same(
    line: BadLine, fault: Fault, method: str
) -> None:
    payment, before = paid(line), line.state()
    with line.facilitator(POLICY) as facilitator:
        line.node.fails(fault, method)

        answer = line.settle(facilitator, *payment)

    assert (answer is not None and answer.success, line.node.is_well) == (True, True)
    assert line.settled_since(before, 1)


def test_settle__node_goes_away_at_each_call__asked_again_settled_once(line: BadLine) -> None:
    """In turn the node does not do what it is asked first, or does it and only its answer is lost."""
    refused = 0
    with line.facilitator(HASTY, tries=1) as facilitator:
        for call, fault in zip(itertools.count(), itertools.cycle([Fault.RESET, Fault.RESET_AFTER])):
            payment, before = paid(line), line.state()
            line.node.fails(fault, times=1000, after=call)
            first = line.settle(facilitator, *payment)
            line.node.heals()

            again = line.settle_again(facilitator, payment)

            assert line.settled_since(before, 1)
            if first is not None and first.success:
                assert (again and again.error_reason) == "invalid_exact_evm_nonce_already_used"
                break
            assert again is not None and again.success
            refused += 1
    assert refused > 15  # it asks the node some 20 times


def test_settle__accepted_and_never_mined__broadcast_again_the_same_bytes(line: BadLine) -> None:
    payment, before = paid(line), line.state()
    sent: list[str | None] = []

    def watch(event: Event) -> None:
        if event.kind is EventKind.SENDING:
            sent.append(event.tx_hash)

    with line.facilitator(POLICY, on_event=watch) as facilitator:
        line.node.fails(Fault.FORGET, "eth_sendRawTransaction", times=3)

        answer = line.settle(facilitator, *payment)

    assert (answer is not None and answer.success, len(line.node.forgotten)) == (True, 3)
    assert set(sent) == {answer.transaction}
    assert line.settled_since(before, 1)


def test_settle__receipts_lag_behind__waits_for_them(line: BadLine) -> None:
    payment, before = paid(line), line.state()
    with line.facilitator(POLICY) as facilitator:
        line.node.fails(Fault.HIDE, "eth_getTransactionReceipt", times=5)

        answer = line.settle(facilitator, *payment)

    assert (answer is not None and answer.success, line.node.is_well) == (True, True)
    assert line.settled_since(before, 1)


def test_settle__receipts_lag_longer_than_it_waits__pending_and_then_found(line: BadLine) -> None:
    payment, before = paid(line), line.state()
    with line.facilitator(HASTY) as facilitator:
        line.node.fails(Fault.HIDE, "eth_getTransactionReceipt", times=1000)
        pending = line.settle(facilitator, *payment)
        line.node.heals()

        answer = line.settle_again(facilitator, payment)

    assert pending is not None and answer is not None
    assert (pending.success, pending.error_reason) == (False, "settlement_pending")
    assert (answer.success, answer.transaction) == (True, pending.transaction)
    assert line.settled_since(before, 1)


def test_settle__base_fee_rises__same_nonce_for_a_higher_fee_within_the_cap(line: BadLine) -> None:
    payment, before = paid(line), line.state()
    world, signed = line.world, list[str]()

    def make_dear(event: Event) -> None:
        if event.kind is EventKind.SIGNED and event.tx_hash is not None:
            signed.append(event.tx_hash)
        if event.kind is EventKind.ANSWERED:
            if len(signed) == 1:
                world.node.set_next_base_fee(100 * GWEI)
            world.node.mine()

    world.node.set_automine(on=False)
    try:
        with line.facilitator(replace(POLICY, bump_after_s=0.1), on_event=make_dear) as facilitator:
            answer = line.settle(facilitator, *payment)
    finally:
        calm(world)

    assert answer is not None and answer.success
    assert (len(signed), answer.transaction) == (2, signed[-1])
    assert world.web3.eth.get_transaction(signed[-1])["maxFeePerGas"] <= POLICY.max_fee_wei  # type: ignore[arg-type]
    assert line.settled_since(before, 1)


def test_settle__base_fee_above_the_cap__pending_and_settled_once_it_falls(line: BadLine) -> None:
    payment, before = paid(line), line.state()
    world, kinds = line.world, list[EventKind]()

    def make_dear(event: Event) -> None:
        kinds.append(event.kind)
        if event.kind is EventKind.ANSWERED and kinds.count(EventKind.ANSWERED) == 1:
            world.node.set_next_base_fee(100 * GWEI)
            world.node.mine()

    world.node.set_automine(on=False)
    capped = replace(POLICY, bump_after_s=0.1, bump_bps=10_000, timeout_s=0.5, max_fee_wei=5 * GWEI)
    with line.facilitator(capped, on_event=make_dear) as facilitator:
        try:
            pending = line.settle(facilitator, *payment)
            waiting = line.state()
        finally:
            calm(world)
        answer = line.settle(facilitator, *payment)

    assert EventKind.FEE_CAP_REACHED in kinds
    assert pending is not None and answer is not None
    assert (pending.error_reason, waiting) == ("settlement_pending", before)
    assert (answer.success, answer.transaction) == (True, pending.transaction)
    assert line.settled_since(before, 1)


def test_settle__held_bytes_come_out_after_their_replacement__settled_once(line: BadLine) -> None:
    payment, before = paid(line), line.state()
    with line.facilitator(replace(POLICY, bump_after_s=0.1)) as facilitator:
        # Nothing is known of the first bytes until others with their nonce are mined.
        line.node.fails(Fault.FORGET, "eth_sendRawTransaction", times=1000)

        def heal_when_bumped() -> None:
            assert comes(lambda: len(set(line.node.forgotten)) == 2)
            line.node.heals()

        answer = asyncio.run(in_parallel(line, facilitator, payment, heal_when_bumped))
        with pytest.raises(Exception, match="nonce too low"):
            line.world.node.rpc("eth_sendRawTransaction", line.node.forgotten[0])

    assert answer.success
    assert line.settled_since(before, 1)


async def in_parallel(
    line: BadLine, facilitator: InsuredFacilitator, payment: Any, act: Callable[[], None]
) -> SettleResponse:
    settling = asyncio.create_task(facilitator.settle(line.provider, *payment))
    await asyncio.to_thread(act)
    return await settling


def test_verify__answers_out_of_order__each_payment_has_its_own(line: BadLine) -> None:
    used, fresh = paid(line), paid(line)
    with line.facilitator(POLICY, patience_s=20) as facilitator:
        assert line.settle(facilitator, *used) is not None

        async def verified() -> tuple[VerifyResponse, VerifyResponse]:
            line.node.fails(Fault.LAST, "eth_call")
            first = asyncio.create_task(facilitator.verify(line.provider, *used))
            assert await asyncio.to_thread(comes, lambda: line.node.is_well)
            second = await facilitator.verify(line.provider, *fresh)
            assert not first.done()
            line.node.release()
            return await first, second

        first, second = asyncio.run(verified())

    assert (first.is_valid, first.invalid_reason) == (False, "invalid_exact_evm_nonce_already_used")
    assert second.is_valid


def test_settle__node_away__nothing_signed_and_settled_when_it_is_back(line: BadLine) -> None:
    payment, before = paid(line), line.state()
    with line.facilitator(HASTY, tries=1) as facilitator:
        line.node.fails(Fault.REFUSE, times=10_000)
        refused, away = line.settle(facilitator, *payment), line.state()
        line.node.heals()
        answer = line.settle_again(facilitator, payment)

    assert (refused, away) == (None, before)
    assert answer is not None and answer.success
    assert line.settled_since(before, 1)
