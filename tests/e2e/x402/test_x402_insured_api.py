"""`insure(app, …)`: what was served is confirmed, what failed is refunded, a promise is kept or claimed."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from insured_world import (
    CLIENT,
    DEPLOYER,
    NETWORK,
    OTHER_PROVIDER,
    PENALTY,
    POOR_PROVIDER,
    PRICE,
    PROVIDER,
    STRANGER,
    InsuredWorld,
    Running,
    comes,
)
from liqpass.adapters.chain.errors import WrongChainError
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState
from liqpass.adapters.x402.deliveries_file import deliveries_path
from liqpass.adapters.x402.insured_api import commitment_of, insure
from liqpass.adapters.x402.insured_service import InsuredService, NotAwaitedError
from liqpass.domain.x402.insurance import X402Error
from liqpass.domain.x402.insured_settlement import InsuredProvider
from shop import UPFRONT, over_http, priced, resource_server, serving
from x402 import x402Client, x402ClientSync, x402ResourceServer
from x402.http import decode_payment_required_header, encode_payment_signature_header
from x402.http.clients import x402HttpxClient
from x402.http.types import RouteConfig

NONE, OPEN, CONFIRMED, CLAIMED, REFUNDED = range(5)


@dataclass
class Api:
    """A provider's application with one route of each kind."""

    url: str
    service: InsuredService
    jobs: list[bytes] = field(default_factory=list)
    served: int = 0
    begun: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)


def routes(world: InsuredWorld, pay_to: str) -> dict[str, RouteConfig]:
    upfront = {
        f"GET /{name}": priced(world, pay_to, **UPFRONT) for name in ("broken", "job", "slow", "raises")
    }
    return {"GET /work": priced(world, pay_to), **upfront}


@contextmanager
def served(
    world: InsuredWorld, facilitator: Running, provider: int, *, every_s: float = 0.1, folder: str = "api"
) -> Iterator[Api]:
    """The application over HTTP, confirming every `every_s` seconds with the provider's own key."""
    app = FastAPI()
    server = resource_server(over_http(facilitator.url, provider))
    with InsuredService.open(
        world.site(),
        InsuredProvider(world.address(provider).lower()),
        LocalSigner(world.node.account(provider)),
        Policy.local(),
        folder=world.folder / folder,
        every_s=every_s,
    ) as service:
        insure(app, routes(world, world.address(provider)), server, service)
        api = Api("", service)

        @app.get("/work")
        async def work() -> dict[str, str]:
            api.served += 1
            return {"result": "42"}

        @app.get("/slow")
        def slow() -> dict[str, str]:
            api.begun.set()
            assert api.goes_on.wait(20)
            return {"result": "42"}

        @app.get("/broken")
        async def broken() -> Response:
            return Response(status_code=503)

        @app.get("/raises")
        async def raises() -> None:
            raise RuntimeError("a fault of the provider's")

        @app.get("/job", status_code=202)
        async def job(request: Request) -> dict[str, str]:
            api.jobs.append(commitment_of(request, service))
            return {"status": "begun"}

        @app.get("/free")
        async def free() -> dict[str, str]:
            return {"price": "0"}

        with serving(app) as api.url:
            yield api


@pytest.fixture(scope="module")
def api(world: InsuredWorld, facilitator: Running) -> Iterator[Api]:
    with served(world, facilitator, OTHER_PROVIDER) as running:
        yield running


def called(world: InsuredWorld, address: str, times: int = 1) -> list[httpx.Response]:
    """By the stock client, at once."""

    async def run() -> list[httpx.Response]:
        async with x402HttpxClient(world.allowed(x402Client()), timeout=60) as client:
            return list(await asyncio.gather(*(client.get(address) for _ in range(times))))

    return asyncio.run(run())


def newest(world: InsuredWorld, count: int = 1) -> list[bytes]:
    return [commitment for commitment, _ in world.locks()[-count:]]


def test_work__served__confirmed_and_unlocked(world: InsuredWorld, api: Api) -> None:
    before = (world.balance(OTHER_PROVIDER), world.bond_of(OTHER_PROVIDER))

    (answer,) = called(world, f"{api.url}/work")

    (commitment,) = newest(world)
    assert (answer.status_code, answer.json()) == (200, {"result": "42"})
    assert comes(lambda: world.status(commitment) == CONFIRMED)
    assert (world.balance(OTHER_PROVIDER), world.bond_of(OTHER_PROVIDER)) == (before[0] + PRICE, before[1])


@pytest.mark.parametrize("path", ["broken", "raises"])
def test_upfront__5xx__client_refunded_without_a_penalty(world: InsuredWorld, api: Api, path: str) -> None:
    client, (bond, locked) = world.balance(CLIENT), world.bond_of(OTHER_PROVIDER)

    (answer,) = called(world, f"{api.url}/{path}")

    (commitment,) = newest(world)
    assert answer.status_code >= 500
    assert comes(lambda: world.status(commitment) == REFUNDED)
    assert (world.balance(CLIENT), world.bond_of(OTHER_PROVIDER)) == (client, (bond - PRICE, locked))


def test_upfront__client_hangs_up_before_the_answer__it_has_paid_for_the_work(
    world: InsuredWorld, api: Api
) -> None:
    offer = decode_payment_required_header(httpx.get(f"{api.url}/slow").headers["payment-required"])
    payload = world.allowed(x402ClientSync()).create_payment_payload(offer)
    headers = {"PAYMENT-SIGNATURE": encode_payment_signature_header(payload)}
    commitment = world.commitment(payload, OTHER_PROVIDER)
    paid, client = world.balance(OTHER_PROVIDER), world.balance(CLIENT)

    with socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2]))) as line:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        line.sendall(f"GET /slow HTTP/1.1\r\nHost: api\r\n{fields}\r\n".encode())
        assert api.begun.wait(20)
    api.goes_on.set()

    assert comes(lambda: world.status(commitment) == CONFIRMED)
    assert (world.balance(OTHER_PROVIDER), world.balance(CLIENT)) == (paid + PRICE, client - PRICE)


def test_job__delivered_later__confirmed_then_and_not_before(world: InsuredWorld, api: Api) -> None:
    (answer,) = called(world, f"{api.url}/job")
    commitment = api.jobs[-1]
    called(world, f"{api.url}/work")
    (later,) = newest(world)
    assert comes(lambda: world.status(later) == CONFIRMED)
    before = world.status(commitment)

    api.service.delivered(commitment)

    assert (answer.status_code, before) == (202, OPEN)
    assert comes(lambda: world.status(commitment) == CONFIRMED)
    with pytest.raises(NotAwaitedError):
        api.service.delivered(commitment)


def test_job__never_delivered__claimed_by_a_stranger(world: InsuredWorld, api: Api) -> None:
    client, (bond, locked) = world.balance(CLIENT), world.bond_of(OTHER_PROVIDER)
    called(world, f"{api.url}/job")
    commitment = api.jobs[-1]
    snapshot = world.node.snapshot()
    try:
        world.node.increase_time(7 * 60 + 1)
        world.send(world.insurance.functions.claimInsurance(commitment), STRANGER)

        assert world.status(commitment) == CLAIMED
        assert world.balance(CLIENT) == client
        assert world.bond_of(OTHER_PROVIDER) == (bond - PRICE - PENALTY, locked)
    finally:
        world.node.revert(snapshot)  # the SDK signs by the machine's clock


def test_free_route__neither_paid_nor_watched(api: Api) -> None:
    assert httpx.get(f"{api.url}/free").json() == {"price": "0"}


def test_offer__names_payment_address_and_insurance(world: InsuredWorld, api: Api) -> None:
    offer = decode_payment_required_header(httpx.get(f"{api.url}/work").headers["payment-required"])

    assert [accepted.pay_to for accepted in offer.accepts] == [world.pay_to(OTHER_PROVIDER)]
    assert offer.extensions["bond-insurance"]["info"] == {
        "contract": world.insurance.address,
        "provider": world.address(OTHER_PROVIDER),
        "network": NETWORK,
        "timeoutMinutes": 5,
    }


def test_bond_used_up__refused_with_503_and_warned_of(
    world: InsuredWorld, facilitator: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING, "liqpass.x402"),
        served(world, facilitator, POOR_PROVIDER, every_s=60, folder="poor") as poor,
    ):
        (first,) = called(world, f"{poor.url}/job")
        poor.service.look()
        second, unpaid = called(world, f"{poor.url}/work")[0], httpx.get(f"{poor.url}/work")
        world.send(world.insurance.functions.confirmService(poor.jobs[0], b""), POOR_PROVIDER)

    assert (first.status_code, second.status_code, unpaid.status_code, poor.served) == (202, 503, 503, 0)
    assert second.headers["retry-after"] == "30"
    assert f"bond strained provider={world.address(POOR_PROVIDER)}" in caplog.text


def test_served__stopped_before_it_confirmed__confirmed_at_the_end(
    world: InsuredWorld, facilitator: Running
) -> None:
    bond, locked = world.bond_of(PROVIDER)
    with served(world, facilitator, PROVIDER, every_s=3600, folder="stopped") as slow:
        called(world, f"{slow.url}/work", times=3)
        commitments = newest(world, 3)
        assert [world.status(commitment) for commitment in commitments] == [OPEN] * 3
        sent = world.web3.eth.get_transaction_count(world.address(PROVIDER))

    assert [world.status(commitment) for commitment in commitments] == [CONFIRMED] * 3
    assert world.web3.eth.get_transaction_count(world.address(PROVIDER)) == sent + 1
    assert world.bond_of(PROVIDER) == (bond, locked)


def test_open__served_by_a_run_that_died__confirmed(world: InsuredWorld, facilitator: Running) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    policy = facilitator.client().settle(payload, requirements).extensions["bond-insurance"]
    commitment = bytes.fromhex(policy["commitment"][2:])
    folder, provider = world.folder / "died", InsuredProvider(world.address(PROVIDER).lower())
    with Deliveries.open(deliveries_path(folder, world.terms, provider.provider)) as left:
        left.enter(Delivery(commitment, policy["deadline"]), DeliveryState.SERVED)
    signer = LocalSigner(world.node.account(PROVIDER))

    with InsuredService.open(world.site(), provider, signer, Policy.local(), folder=folder):
        pass

    assert world.status(commitment) == CONFIRMED
    with Deliveries.open(deliveries_path(folder, world.terms, provider.provider)) as left:
        assert left.all_in(DeliveryState.DONE) == [Delivery(commitment, policy["deadline"])]


def test_insure__paid_to_somebody_else__refused(world: InsuredWorld, api: Api) -> None:
    server = x402ResourceServer(None)

    with pytest.raises(X402Error, match="pay_to must be the provider"):
        insure(FastAPI(), routes(world, world.address(DEPLOYER)), server, api.service)


def test_open__key_of_a_stranger__refused(world: InsuredWorld) -> None:
    stranger = LocalSigner(world.node.account(STRANGER))
    provider = InsuredProvider(world.address(PROVIDER).lower())

    with (
        pytest.raises(WrongChainError, match="neither"),
        InsuredService.open(
            world.site(), provider, stranger, Policy.local(), folder=world.folder / "stranger"
        ),
    ):
        pass
