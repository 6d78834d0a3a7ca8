"""Settlements that wait for a block, and what comes before them in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
from insured_world import CLIENT, PROVIDER, SETTLER, InsuredWorld, Running, body, comes
from x402.schemas import PaymentPayload

USED = "invalid_exact_evm_nonce_already_used"
FIRST = {"gas": 1_000_000, "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**11}  # before ours


@contextmanager
def waiting(world: InsuredWorld, ask: Callable[[], Any]) -> Iterator[Future[Any]]:
    """What the facilitator will have answered, while its settlement waits; mined at the end."""
    world.node.set_automine(False)
    try:
        with ThreadPoolExecutor(1) as pool:
            answer = asked(world, pool, ask)
            yield answer
            world.node.mine()
            answer.result(timeout=20)
    finally:
        world.node.set_automine(True)


def asked(
    world: InsuredWorld, pool: ThreadPoolExecutor, ask: Callable[[], Any], settler: int = SETTLER
) -> Future[Any]:
    """Asked in a thread, once its settlement waits for a block."""
    sent = world.sent(settler)
    answer = pool.submit(ask)
    assert comes(lambda: pending(world, settler) == sent + 1)
    return answer


def pending(world: InsuredWorld, settler: int = SETTLER) -> int:
    """How many transactions the settler has, those that wait included."""
    return world.web3.eth.get_transaction_count(world.address(settler), "pending")


def first(world: InsuredWorld, call: Any, account: int) -> Any:
    """Sent so that it comes before what waits already; its hash."""
    return call.transact({"from": world.address(account), **FIRST})


def index_and_status(world: InsuredWorld, transaction: Any) -> tuple[int, int]:
    receipt = world.web3.eth.get_transaction_receipt(transaction)
    return receipt["transactionIndex"], receipt["status"]


def asks(facilitator: Running, world: InsuredWorld, payload: PaymentPayload) -> Callable[[], httpx.Response]:
    return lambda: facilitator.post("/settle", body(payload, world.requirements()))


def reason(answer: httpx.Response) -> str:
    """Why it was refused: over HTTP it is an ordinary answer, without success."""
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is False
    return str(answer.json()["errorReason"])


def held(world: InsuredWorld) -> tuple[int, int, int, tuple[int, int]]:
    """USDC of client, provider and payment address; (bond, locked)."""
    accounts = (CLIENT, PROVIDER, world.pay_to(PROVIDER))
    client, provider, address = (world.balance(account) for account in accounts)
    return client, provider, address, world.bond_of(PROVIDER)
