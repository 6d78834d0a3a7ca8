"""The time-out: what the resource server asks is what clients are told and what is locked, within a bound."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from insured_world import LOCK, PROVIDER, InsuredWorld, Running
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.insured_api import insure
from liqpass.adapters.x402.insured_service import InsuredService
from liqpass.domain.x402.insurance import X402Error
from liqpass.domain.x402.insured_settlement import InsuredProvider
from shop import UPFRONT, offered, over_http, priced, resource_server, serving
from x402 import x402Client, x402ResourceServer
from x402.http import decode_payment_required_header
from x402.http.types import RouteConfig
from x402.schemas import PaymentRequired

FIELD = "insuranceTimeoutMinutes"


@pytest.fixture(scope="module")
def service(world: InsuredWorld) -> Iterator[InsuredService]:
    with InsuredService.open(
        world.site(),
        InsuredProvider(world.address(PROVIDER).lower(), 12),
        LocalSigner(world.node.account(PROVIDER)),
        Policy.local(),
        folder=world.folder / "timeouts",
        every_s=3600,
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(world: InsuredWorld, facilitator: Running, service: InsuredService) -> Iterator[str]:
    app = FastAPI()
    pay_to = world.address(PROVIDER)
    asked: dict[str, dict[str, Any]] = {
        "/service": {},
        "/route": {FIELD: 30, **UPFRONT},
        "/long": {FIELD: 61},
    }
    routes = {f"GET {path}": priced(world, pay_to, **extra) for path, extra in asked.items()}
    insure(app, routes, resource_server(over_http(facilitator.url)), service)

    @app.get("/{path}")
    async def work(path: str) -> dict[str, str]:
        return {"result": path}

    with serving(app) as address:
        yield address


def paid(world: InsuredWorld, address: str, forged: dict[str, Any] | None = None) -> httpx.Response:
    """By the stock client; `forged`: into the `extra` that it says it accepted, its signature as it was."""

    async def run() -> httpx.Response:
        async with httpx.AsyncClient(timeout=60) as client:
            offer = (await client.get(address)).headers["payment-required"]
            required = PaymentRequired.model_validate_json(base64.b64decode(offer))
            payload = await world.allowed(x402Client()).create_payment_payload(required)
            payload.accepted.extra.update(forged or {})
            text = payload.model_dump_json(by_alias=True, exclude_none=True)
            header = base64.b64encode(text.encode()).decode()
            return await client.get(address, headers={"PAYMENT-SIGNATURE": header})

    return asyncio.run(run())


@pytest.mark.parametrize(("path", "minutes"), [("service", 12), ("route", 30)])
def test_asked__by_service_or_route__told_to_the_client_and_locked(
    world: InsuredWorld, url: str, path: str, minutes: int
) -> None:
    offer = decode_payment_required_header(httpx.get(f"{url}/{path}").headers["payment-required"])

    answer = paid(world, f"{url}/{path}")

    assert [accepted.extra[FIELD] for accepted in offer.accepts] == [minutes]
    assert offer.extensions["bond-insurance"]["info"]["timeoutMinutes"] == minutes
    assert answer.status_code == 200
    commitment, transaction = world.locks()[-1]
    block = world.web3.eth.get_block(world.web3.eth.get_transaction(transaction)["blockNumber"])
    assert world.insurance.functions.policies(commitment).call()[2] == block["timestamp"] + minutes * 60


@pytest.mark.parametrize("path", ["service", "route"])
def test_asked__client_says_another__refused_by_the_stock_server(
    world: InsuredWorld, url: str, path: str
) -> None:
    sent, bond = world.sent(), world.bond_of(PROVIDER)

    answer = paid(world, f"{url}/{path}", {FIELD: 60})

    assert (answer.status_code, world.sent(), world.bond_of(PROVIDER)) == (402, sent, bond)


def test_asked__more_than_the_file_allows__refused_before_any_work(
    world: InsuredWorld, url: str, facilitator: Running
) -> None:
    sent = world.sent()

    answer = paid(world, f"{url}/long")

    assert (answer.status_code, world.sent()) == (402, sent)
    assert "code=insurance_timeout_not_allowed" in facilitator.log.read_text()


@pytest.mark.parametrize("asked", [0, 61, "7", 7.5, True, None])
def test_settle__time_out_of_another_kind__refused_and_not_sent(
    world: InsuredWorld, facilitator: Running, asked: Any
) -> None:
    requirements = world.requirements(extra={"name": "USDC", "version": "2", FIELD: asked})
    payload = world.payment(requirements)
    sent = world.sent()

    verified = facilitator.client().verify(payload, requirements)
    settled = facilitator.client().settle(payload, requirements)

    code = "insurance_timeout_not_allowed"
    assert (verified.is_valid, verified.invalid_reason) == (False, code)
    assert (settled.success, settled.error_reason, world.sent()) == (False, code, sent)
    assert settled.error_message == f"{FIELD} must be a whole number from 1 to 60"


def test_settle__asked_by_a_server_without_ours__locked_for_it(
    world: InsuredWorld, facilitator: Running
) -> None:
    requirements = world.requirements(extra={"name": "USDC", "version": "2", FIELD: 60})
    bond, locked = world.bond_of(PROVIDER)

    settled = facilitator.client().settle(world.payment(requirements), requirements)

    assert settled.success
    assert world.bond_of(PROVIDER) == (bond, locked + LOCK)
    block = world.web3.eth.get_transaction(settled.transaction)["blockNumber"]
    deadline = world.web3.eth.get_block(block)["timestamp"] + 3600
    assert settled.extensions["bond-insurance"]["deadline"] == deadline


@pytest.mark.parametrize(
    ("extras", "words"),
    [
        ([{FIELD: "30"}], "whole number"),
        ([{FIELD: 10_081}], "from 1 to 10080"),
        ([{FIELD: 5}, {FIELD: 6}], "have one"),
        ([{FIELD: 1}, {FIELD: True}], "have one"),
    ],
)
def test_insure__time_out_that_cannot_be__refused_at_the_start(
    world: InsuredWorld, service: InsuredService, extras: list[dict[str, Any]], words: str
) -> None:
    routes = {
        "GET /": RouteConfig(accepts=[offered(world, world.address(PROVIDER), **extra) for extra in extras])
    }

    with pytest.raises(X402Error, match=words):
        insure(FastAPI(), routes, x402ResourceServer(None), service)
