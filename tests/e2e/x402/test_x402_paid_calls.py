"""Stock clients pay a stock API through the insured facilitator: paid, and locked, in one transaction."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from insured_world import (
    CLIENT,
    HTTP,
    LOCK,
    NETWORK,
    POOR_PROVIDER,
    PRICE,
    PROVIDER,
    USDC,
    InsuredWorld,
    Running,
    WalletSigner,
    comes,
)
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.adapters.x402.in_process import InProcessFacilitator
from liqpass.domain.x402.insured_settlement import InsuredProvider
from shop import Shop, over_http
from web3 import Web3
from x402 import x402Client, x402ClientSync
from x402.http.clients import x402_requests, x402HttpxClient
from x402.schemas import PaymentRequired

NODE_OWNER, IN_PROCESS_SETTLER = CLIENT, 9


@pytest.fixture(scope="module")
def shop(world: InsuredWorld, facilitator: Running) -> Shop:
    return Shop(world, over_http(facilitator.url))


@pytest.fixture(scope="module")
def url(shop: Shop) -> Iterator[str]:
    with shop.serving() as served:
        yield served


def paid(world: InsuredWorld, address: str, signer: Any = None, times: int = 1) -> list[httpx.Response]:
    """So many calls at once by the stock httpx client."""

    async def run() -> list[httpx.Response]:
        async with x402HttpxClient(world.allowed(x402Client(), signer), timeout=60) as client:
            return list(await asyncio.gather(*(client.get(address) for _ in range(times))))

    return asyncio.run(run())


def told(answer: Any) -> dict[str, Any]:
    """PAYMENT-RESPONSE."""
    return dict(json.loads(base64.b64decode(answer.headers["payment-response"])))


def test_paid_call__httpx__provider_paid_and_bond_locked(world: InsuredWorld, url: str) -> None:
    before = (world.balance(CLIENT), world.balance(PROVIDER), world.bond_of(PROVIDER), world.sent())

    (answer,) = paid(world, f"{url}/work")

    assert (answer.status_code, answer.json()) == (200, {"result": "42"})
    client, provider, (bond, locked), sent = before
    assert (world.balance(CLIENT), world.balance(PROVIDER)) == (client - PRICE, provider + PRICE)
    assert (world.bond_of(PROVIDER), world.sent()) == ((bond, locked + LOCK), sent + 1)
    response = told(answer)
    commitment, transaction = world.locks()[-1]
    policy = world.insurance.functions.policies(commitment).call()
    block = world.web3.eth.get_block(world.web3.eth.get_transaction(transaction)["blockNumber"])
    assert policy[2] == block["timestamp"] + 7 * 60
    assert (response["success"], response["transaction"], response["payer"], response["network"]) == (
        True,
        transaction,
        world.address(CLIENT),
        NETWORK,
    )
    assert response["extensions"]["bond-insurance"] == {
        "contract": world.insurance.address,
        "provider": world.address(PROVIDER),
        "commitment": Web3.to_hex(commitment),
        "deadline": policy[2],
        "transaction": transaction,
    }
    assert world.balance(world.pay_to(PROVIDER)) == 0


def test_paid_call__requests__locked_too(world: InsuredWorld, url: str) -> None:
    locks = len(world.locks())

    answer = x402_requests(world.allowed(x402ClientSync())).get(f"{url}/work", timeout=60)

    assert (answer.status_code, len(world.locks())) == (200, locks + 1)


def test_paid_call__smart_wallet__wallet_is_the_client(world: InsuredWorld, url: str) -> None:
    wallet = world.wallet(NODE_OWNER)
    signer = WalletSigner(world.node.account(NODE_OWNER), wallet)

    (answer,) = paid(world, f"{url}/work", signer)

    assert answer.status_code == 200
    assert world.balance(wallet) == 10 * USDC - PRICE
    assert world.insurance.functions.policies(world.locks()[-1][0]).call()[4] == wallet


def test_paid_calls__ten_at_once__ten_locks(world: InsuredWorld, url: str) -> None:
    locks, sent, (bond, locked) = len(world.locks()), world.sent(), world.bond_of(PROVIDER)

    answers = paid(world, f"{url}/work", times=10)

    assert [answer.status_code for answer in answers] == [200] * 10
    assert (len(world.locks()) - locks, world.sent() - sent) == (10, 10)
    assert world.bond_of(PROVIDER) == (bond, locked + 10 * LOCK)
    assert len({told(answer)["extensions"]["bond-insurance"]["commitment"] for answer in answers}) == 10


def test_settle__waits_for_its_block__everything_else_is_answered_meanwhile(
    world: InsuredWorld, facilitator: Running
) -> None:
    requirements = world.requirements()
    payload, another = world.payment(requirements), world.payment(requirements)
    with ThreadPoolExecutor(1) as pool:
        world.node.set_automine(on=False)
        try:
            settling = pool.submit(facilitator.client().settle, payload, requirements)
            assert comes(lambda: "settlements_waiting 1.0" in HTTP.get(f"{facilitator.url}/metrics").text)
            health = HTTP.get(f"{facilitator.url}/healthz")
            verified = facilitator.client().verify(another, requirements)
            waits = not settling.done()
        finally:
            world.node.set_automine(on=True)
            world.node.mine()
        settled = settling.result()

    assert (health.status_code, verified.is_valid, waits, settled.success) == (200, True, True, True)


def test_upfront__same_payment_again__refused_and_not_served(
    world: InsuredWorld, shop: Shop, url: str
) -> None:
    async def pay() -> tuple[httpx.Response, str]:
        async with httpx.AsyncClient(timeout=60) as client:
            offer = await client.get(f"{url}/upfront")
            required = PaymentRequired.model_validate_json(
                base64.b64decode(offer.headers["payment-required"])
            )
            payload = await world.allowed(x402Client()).create_payment_payload(required)
            text = payload.model_dump_json(by_alias=True, exclude_none=True)
            header = base64.b64encode(text.encode()).decode()
            return await client.get(f"{url}/upfront", headers={"PAYMENT-SIGNATURE": header}), header

    first, header = asyncio.run(pay())
    served, sent = shop.served, world.sent()

    again = httpx.get(f"{url}/upfront", headers={"PAYMENT-SIGNATURE": header}, timeout=60)

    assert (first.status_code, again.status_code) == (200, 402)
    assert (shop.served, world.sent()) == (served, sent)


def test_paid_call__bond_exhausted__next_refused_before_any_work(
    world: InsuredWorld, facilitator: Running
) -> None:
    poor = Shop(world, over_http(facilitator.url, POOR_PROVIDER), POOR_PROVIDER)
    with poor.serving() as url:
        first, second = paid(world, f"{url}/work")[0], paid(world, f"{url}/work")[0]

    assert (first.status_code, second.status_code, poor.served) == (200, 402, 1)
    assert world.bond_of(POOR_PROVIDER) == (LOCK, LOCK)
    confirm = world.insurance.functions.confirmService(world.locks()[-1][0], b"")
    world.send(confirm, POOR_PROVIDER)  # other tests want its bond free
    assert "code=insufficient_bond" in facilitator.log.read_text()


def test_paid_call__facilitator_in_process__locked(world: InsuredWorld, tmp_path: Path) -> None:
    settler = world.node.account(IN_PROCESS_SETTLER)
    world.send(world.insurance.functions.setSettler(settler.address, True), PROVIDER)
    locks = len(world.locks())
    with InsuredFacilitator.open(
        world.site(),
        [LocalSigner(settler)],
        replace(Policy.local(), timeout_s=5.0),
        journal_folder=tmp_path,
        on_event=lambda _: None,
    ) as insured:
        provider = InsuredProvider(world.address(PROVIDER).lower())
        with Shop(world, InProcessFacilitator(insured, provider)).serving() as url:
            (answer,) = paid(world, f"{url}/work")

    assert (answer.status_code, len(world.locks())) == (200, locks + 1)
