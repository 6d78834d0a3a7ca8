"""npm's stock `@x402/fetch`, in node processes of its own, pays an insured application."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response
from insured_world import (
    CLIENT,
    KEYS,
    LOCK,
    NETWORK,
    OTHER_PROVIDER,
    PASSPHRASE,
    POOR_PROVIDER,
    PRICE,
    InsuredWorld,
    Running,
    comes,
)
from liqpass.settings import Settings
from liqpass.x402.provider import insure, insured_service
from shop import Shop, over_http, serving
from web3 import Web3

PAY = Path(__file__).with_name("pay.mjs")
CONFIRMED, REFUNDED = 2, 4


@pytest.fixture(scope="module")
def url(world: InsuredWorld, facilitator: Running) -> Iterator[str]:
    app = FastAPI()

    @app.get("/work")
    async def work() -> dict[str, str]:
        return {"result": "42"}

    @app.get("/broken")
    async def broken() -> Response:
        return Response(status_code=503)

    settings = Settings(
        rpc_url=world.node.url,
        deployment=world.folder / "local.json",
        journal_folder=world.folder / "npm",
        provider_passphrase=PASSPHRASE,
        facilitator_url=facilitator.url,
        facilitator_key=KEYS[OTHER_PROVIDER],
    )
    keyfile = world.write_keyfile(OTHER_PROVIDER)
    with insured_service(keyfile=keyfile, settings=settings, timeout_minutes=9, every_s=0.1) as service:
        routes = {"GET /work": service.paid("0.10"), "GET /broken": service.paid("0.10", upfront=True)}
        insure(app, routes, service)
        with serving(app) as address:
            yield address


def paid(world: InsuredWorld, url: str, times: int = 1) -> list[dict[str, Any]]:
    """What a node process was answered: status, body and the decoded PAYMENT-RESPONSE."""
    key = f"0x{world.node.account(CLIENT).key.hex()}"
    done = subprocess.run(
        ["node", str(PAY), url, str(times)],
        env={**os.environ, "CLIENT_KEY": key, "USDC": world.usdc.address},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_npm_fetch__served__told_its_policy_and_confirmed(world: InsuredWorld, url: str) -> None:
    client, provider = world.balance(CLIENT), world.balance(OTHER_PROVIDER)
    bond = world.bond_of(OTHER_PROVIDER)

    (answer,) = paid(world, f"{url}/work")

    commitment, transaction = world.locks()[-1]
    block = world.web3.eth.get_block(world.web3.eth.get_transaction(transaction)["blockNumber"])
    assert (answer["status"], answer["body"]) == (200, '{"result":"42"}')
    assert answer["settled"] == {
        "success": True,
        "payer": world.address(CLIENT),
        "transaction": transaction,
        "network": NETWORK,
        "extensions": {
            "bond-insurance": {
                "contract": world.insurance.address,
                "provider": world.address(OTHER_PROVIDER),
                "commitment": Web3.to_hex(commitment),
                "deadline": block["timestamp"] + 9 * 60,
                "transaction": transaction,
            }
        },
    }
    assert comes(lambda: world.status(Web3.to_hex(commitment)) == CONFIRMED)
    assert (world.balance(CLIENT), world.balance(OTHER_PROVIDER)) == (client - PRICE, provider + PRICE)
    assert world.bond_of(OTHER_PROVIDER) == bond


def test_npm_fetch__5xx_after_an_upfront_payment__refunded(world: InsuredWorld, url: str) -> None:
    client, (bond, locked) = world.balance(CLIENT), world.bond_of(OTHER_PROVIDER)

    (answer,) = paid(world, f"{url}/broken")

    commitment = answer["settled"]["extensions"]["bond-insurance"]["commitment"]
    assert answer["status"] == 503
    assert comes(lambda: world.status(commitment) == REFUNDED)
    assert (world.balance(CLIENT), world.bond_of(OTHER_PROVIDER)) == (client, (bond - PRICE, locked))


def test_npm_fetch__ten_at_once__ten_policies(world: InsuredWorld, url: str) -> None:
    client, sent = world.balance(CLIENT), world.sent()

    answers = paid(world, f"{url}/work", times=10)

    policies = [answer["settled"]["extensions"]["bond-insurance"]["commitment"] for answer in answers]
    assert [answer["status"] for answer in answers] == [200] * 10
    assert (len(set(policies)), world.sent()) == (10, sent + 10)
    assert world.balance(CLIENT) == client - 10 * PRICE
    assert comes(lambda: {world.status(commitment) for commitment in policies} == {CONFIRMED})


def test_npm_fetch__bond_used_up__402_and_nothing_paid(world: InsuredWorld, facilitator: Running) -> None:
    poor = Shop(world, over_http(facilitator.url, POOR_PROVIDER), POOR_PROVIDER)
    with poor.serving() as url:
        (first,) = paid(world, f"{url}/work")
        client, sent = world.balance(CLIENT), world.sent()
        (second,) = paid(world, f"{url}/work")

    bond = world.bond_of(POOR_PROVIDER)
    confirm = world.insurance.functions.confirmService(world.locks()[-1][0], b"")
    world.send(confirm, POOR_PROVIDER)  # other tests want its bond free
    assert (first["status"], second["status"], poor.served) == (200, 402, 1)
    assert (second["settled"], world.balance(CLIENT), world.sent()) == (None, client, sent)
    assert bond == (LOCK, LOCK)
