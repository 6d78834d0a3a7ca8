"""What an application, its server or its client may do to an insured payment: it has its right end."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from insured_world import CLIENT, NETWORK, OTHER_PROVIDER, PROVIDER, InsuredWorld, Running, comes
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.deliveries import Deliveries, Delivery, DeliveryState
from liqpass.adapters.x402.deliveries_file import deliveries_path
from liqpass.adapters.x402.insured_api import commitment_of, insure
from liqpass.adapters.x402.insured_service import InsuredService
from liqpass.domain.x402.insured_settlement import InsuredProvider
from shop import UPFRONT, over_http, priced, resource_server, serving
from web3 import Web3
from x402 import x402Client
from x402.http.clients import x402HttpxClient

OPEN, CONFIRMED, REFUNDED = 1, 2, 4


@pytest.fixture(scope="module")
def service(world: InsuredWorld) -> Iterator[InsuredService]:
    with InsuredService.open(
        world.site(),
        InsuredProvider(world.address(PROVIDER).lower()),
        LocalSigner(world.node.account(PROVIDER)),
        Policy.local(),
        folder=world.folder / "attacked",
        every_s=0.1,
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def insured(world: InsuredWorld, facilitator: Running, service: InsuredService) -> Callable[..., FastAPI]:
    """A new application whose /work is paid after, and whose /upfront before the work.

    Its argument is called after each settlement.
    """

    def app(after: Callable[[object], None] = lambda _: None) -> FastAPI:
        made, server = FastAPI(), resource_server(over_http(facilitator.url))
        pay_to = world.address(PROVIDER)
        routes = {"GET /work": priced(world, pay_to), "GET /upfront": priced(world, pay_to, **UPFRONT)}
        insure(made, routes, server, service)
        server.on_after_settle(after)
        return made

    return app


def paid(world: InsuredWorld, url: str) -> httpx.Response:
    """By the stock client."""

    async def run() -> httpx.Response:
        async with x402HttpxClient(world.allowed(x402Client()), timeout=60) as client:
            return await client.get(url)

    return asyncio.run(run())


async def breaking_off() -> AsyncIterator[bytes]:
    yield b"the first half"
    raise RuntimeError("a fault of the provider's")


def ends(world: InsuredWorld, status: int) -> bool:
    """Whether the newest payment comes to that end."""
    ((commitment, _),) = world.locks()[-1:]
    return comes(lambda: world.status(commitment) == status)


@pytest.mark.parametrize("path", ["work", "upfront"])
def test_application__mounted_in_another__paid_and_confirmed(
    world: InsuredWorld, insured: Callable[[], FastAPI], path: str
) -> None:
    parent, app = FastAPI(), insured()
    app.get(f"/{path}")(lambda: {"result": "42"})
    parent.mount("/api", app)
    before = len(world.locks())

    with serving(parent) as url:
        answer = paid(world, f"{url}/api/{path}")

    assert (answer.status_code, answer.json(), len(world.locks())) == (200, {"result": "42"}, before + 1)
    assert ends(world, CONFIRMED)


def test_application__mounted_and_bond_not_enough__503_before_the_work(
    world: InsuredWorld,
    insured: Callable[[], FastAPI],
    service: InsuredService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parent, app = FastAPI(), insured()
    parent.mount("/api", app)
    monkeypatch.setattr(service, "covers", lambda amount: False)

    with serving(parent) as url:
        answer = httpx.get(f"{url}/api/work")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


@pytest.mark.parametrize("status", [200, 404, 500])
def test_upfront__breaks_off_in_the_middle_of_its_answer__refunded(
    world: InsuredWorld, insured: Callable[[], FastAPI], status: int
) -> None:
    app, client = insured(), world.balance(CLIENT)
    app.get("/upfront")(lambda: StreamingResponse(breaking_off(), status))

    with serving(app) as url:
        answer = paid(world, f"{url}/upfront")

    assert answer.status_code == 500
    assert ends(world, REFUNDED)
    assert world.balance(CLIENT) == client


def test_work__breaks_off_in_the_middle_of_its_answer__not_paid(
    world: InsuredWorld, insured: Callable[[], FastAPI]
) -> None:
    app, client, locks = insured(), world.balance(CLIENT), len(world.locks())
    app.get("/work")(lambda: StreamingResponse(breaking_off()))

    with serving(app) as url:
        answer = paid(world, f"{url}/work")

    assert (answer.status_code, world.balance(CLIENT), len(world.locks())) == (500, client, locks)


@pytest.mark.parametrize("path", ["work", "upfront"])
def test_server__fails_after_it_has_settled__refunded(
    world: InsuredWorld, insured: Callable[..., FastAPI], path: str
) -> None:
    def fail(settled: object) -> None:
        raise RuntimeError("a fault of the provider's")

    app, client = insured(fail), world.balance(CLIENT)
    app.get(f"/{path}")(lambda: {"result": "42"})

    with serving(app) as url:
        answer = paid(world, f"{url}/{path}")

    assert answer.status_code == 402
    assert ends(world, REFUNDED)
    assert world.balance(CLIENT) == client


def test_application__hands_on_a_payment_response_of_its_own_supplier__its_own_is_confirmed(
    world: InsuredWorld, insured: Callable[[], FastAPI]
) -> None:
    app = insured()
    told = {
        "success": True,
        "transaction": "0x" + "11" * 32,
        "network": NETWORK,
        "extensions": {"bond-insurance": {"commitment": "0x" + "22" * 32, "deadline": 4_000_000_000}},
    }
    header = base64.b64encode(json.dumps(told).encode()).decode()

    @app.get("/work")
    async def resold() -> Response:
        return Response("42", headers={"PAYMENT-RESPONSE": header})

    with serving(app) as url:
        answer = paid(world, f"{url}/work")

    assert answer.status_code == 200
    assert ends(world, CONFIRMED)


@pytest.mark.parametrize(("status", "end"), [(200, CONFIRMED), (202, CONFIRMED), (500, REFUNDED)])
def test_delivered__before_its_answer__ends_as_answered(
    world: InsuredWorld,
    insured: Callable[[], FastAPI],
    service: InsuredService,
    status: int,
    end: int,
) -> None:
    app = insured()

    @app.get("/upfront")
    async def quick(request: Request) -> Response:
        service.delivered(commitment_of(request, service))
        return Response(status_code=status)

    with serving(app) as url:
        answer = paid(world, f"{url}/upfront")

    assert answer.status_code == status
    assert ends(world, end)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"[" * 40_000, id="deep"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"accepted": {"amount": "-1"}}', id="negative"),
    ],
)
def test_payment__of_another_shape__402(
    world: InsuredWorld, insured: Callable[[], FastAPI], header: bytes
) -> None:
    sent = world.sent()

    with serving(insured()) as url:
        answer = httpx.get(f"{url}/work", headers={"payment-signature": base64.b64encode(header).decode()})

    assert (answer.status_code, world.sent()) == (402, sent)


def test_service__many_refunds_wait__what_was_served_is_confirmed_between_them(
    world: InsuredWorld, facilitator: Running
) -> None:
    requirements = world.requirements(OTHER_PROVIDER)
    owner = InsuredProvider(world.address(OTHER_PROVIDER).lower())
    folder, entered = world.folder / "flooded", []
    for _ in range(25):
        payload = world.payment(requirements)
        policy = facilitator.client(OTHER_PROVIDER).settle(payload, requirements).extensions["bond-insurance"]
        entered.append(Delivery(bytes.fromhex(policy["commitment"][2:]), policy["deadline"]))
    with Deliveries.open(deliveries_path(folder, world.terms, owner.provider)) as left:
        left.enter(entered[0], DeliveryState.SERVED)
        for delivery in entered[1:]:
            left.enter(delivery, DeliveryState.FAILED)
    first = world.web3.eth.block_number

    signer = LocalSigner(world.node.account(OTHER_PROVIDER))
    with InsuredService.open(world.site(), owner, signer, Policy.local(), folder=folder):
        pass

    assert [world.status(delivery.commitment) for delivery in entered] == [CONFIRMED] + [REFUNDED] * 24
    kinds = [
        world.web3.eth.get_block(number, full_transactions=True)["transactions"][0]["input"].hex()[:8]
        for number in range(first + 1, world.web3.eth.block_number + 1)
    ]
    assert 0 < kinds.index(Web3.keccak(text="confirmServices(bytes32[],bytes[])").hex()[:8]) <= 10


@pytest.mark.parametrize(("took_s", "status", "end"), [(275, 200, CONFIRMED), (285, 503, REFUNDED)])
def test_upfront__request_that_is_sent_slowly__nothing_handed_over_that_cannot_be_confirmed(
    world: InsuredWorld,
    insured: Callable[[], FastAPI],
    monkeypatch: pytest.MonkeyPatch,
    took_s: int,
    status: int,
    end: int,
) -> None:
    app = insured()

    @app.get("/upfront")
    async def slow() -> dict[str, str]:
        began = world.web3.eth.get_block("latest")["timestamp"]
        monkeypatch.setattr("liqpass.adapters.x402.insured_api.time.time", lambda: began + took_s)
        return {"result": "42"}

    with serving(app) as url:
        answer = paid(world, f"{url}/upfront")
    monkeypatch.undo()

    assert answer.status_code == status
    assert ("42" in answer.text) == (status == 200)
    assert ends(world, end)


def test_log__path_with_a_line_of_its_own__one_line(
    world: InsuredWorld,
    facilitator: Running,
    service: InsuredService,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, server = FastAPI(), resource_server(over_http(facilitator.url))
    insure(app, {"GET /work/*": priced(world, world.address(PROVIDER))}, server, service)
    monkeypatch.setattr(service, "covers", lambda amount: False)

    with serving(app) as url, caplog.at_level(logging.WARNING, "liqpass.x402"):
        answer = httpx.get(f"{url}/work/x%0AERROR%20forged")

    assert answer.status_code == 503
    assert [line for line in caplog.messages if line.startswith("not covered")] == [
        f"not covered path='/work/x\\nERROR forged' provider={world.address(PROVIDER).lower()}"
    ]
