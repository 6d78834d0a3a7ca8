"""Clients that send their request, or take its answer, slowly or not at all, on an upfront payment."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request, Response
from insured_world import CLIENT, HTTP, PRICE, PROVIDER, InsuredWorld, Running, comes
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.insured_api import commitment_of, insure
from liqpass.adapters.x402.insured_service import InsuredService
from liqpass.domain.x402.insured_settlement import InsuredProvider
from shop import UPFRONT, over_http, priced, resource_server, serving
from x402 import x402ClientSync
from x402.http import decode_payment_required_header, encode_payment_signature_header

CONFIRMED, REFUNDED = 2, 4
BIG = b"42" * 8_000_000  # more than the kernel keeps for a connection
FLOWS = ("work", "upfront", "job")


@contextmanager
def served(world: InsuredWorld, facilitator: Running, folder: str) -> Iterator[str]:
    app = FastAPI()
    pay_to = world.address(PROVIDER)
    upfront = priced(world, pay_to, **UPFRONT)
    routes = {
        "GET /work": priced(world, pay_to),
        **dict.fromkeys(("GET /upfront", "GET /job", "GET /fault", "POST /body"), upfront),
    }
    with InsuredService.open(
        world.site(),
        InsuredProvider(pay_to.lower()),
        LocalSigner(world.node.account(PROVIDER)),
        Policy.local(),
        folder=world.folder / folder,
        every_s=0.05,
    ) as service:
        insure(app, routes, resource_server(over_http(facilitator.url)), service)

        @app.get("/work")
        @app.get("/upfront")
        async def work() -> Response:
            return Response(BIG)

        @app.get("/job", status_code=202)
        async def job(request: Request) -> Response:
            service.delivered(commitment_of(request, service))
            return Response(BIG, 202)

        @app.get("/fault")
        async def fault() -> Response:
            raise TimeoutError("of the provider's own")

        @app.post("/body")
        async def body(request: Request) -> Response:
            return Response(await request.body())

        with serving(app) as url:
            yield url


def signed(world: InsuredWorld, offer: str) -> tuple[str, bytes]:
    """A payment's header, by the stock client, and its commitment."""
    payload = world.allowed(x402ClientSync()).create_payment_payload(decode_payment_required_header(offer))
    return encode_payment_signature_header(payload), world.commitment(payload)


def money(world: InsuredWorld) -> tuple[int, int, int]:
    """Of the client; of the provider, its bond included; what is locked of that."""
    bond, locked = world.bond_of(PROVIDER)
    return world.balance(CLIENT), world.balance(PROVIDER) + bond, locked


@contextmanager
def asked(url: str, *requests: tuple[str, str]) -> Iterator[socket.socket]:
    """One connection with these requests (path, payment), of whose answers nothing is read."""
    where = urlsplit(url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((where.hostname, where.port))
        for path, header in requests:
            head = f"GET /{path} HTTP/1.1\r\nHost: a\r\nPAYMENT-SIGNATURE: {header}\r\n\r\n"
            connection.sendall(head.encode())
        yield connection


@pytest.mark.parametrize("flow", FLOWS)
def test_attack__answer_is_not_read__confirmed_all_the_same(
    world: InsuredWorld, facilitator: Running, flow: str
) -> None:
    client, provider, locked = money(world)

    with served(world, facilitator, f"unread-{flow}") as url:
        first, held_up = (
            signed(world, HTTP.get(f"{url}/{path}").headers["payment-required"]) for path in ("work", flow)
        )
        # The first answer fills the connection, so that of the second not a byte can leave.
        with asked(url, ("work", first[0]), (flow, held_up[0])):
            confirmed = comes(lambda: world.status(held_up[1]) == CONFIRMED)

    assert (confirmed, world.status(first[1])) == (True, CONFIRMED)
    assert money(world) == (client - 2 * PRICE, provider + 2 * PRICE, locked)


def test_attack__body_that_never_comes__refunded_before_its_deadline(
    world: InsuredWorld, facilitator: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the deadline were there already.
    monkeypatch.setattr("liqpass.adapters.x402.insured_api._LEAST_LEFT_S", 3600)
    before = money(world)

    with served(world, facilitator, "no-body") as url:
        offer = HTTP.post(f"{url}/body").headers["payment-required"]
        header, commitment = signed(world, offer)
        head = f"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nPAYMENT-SIGNATURE: {header}\r\n\r\n"
        where = urlsplit(url)
        with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
            connection.sendall(head.encode())
            answer = connection.recv(100)
            refunded = comes(lambda: world.status(commitment) == REFUNDED)

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert refunded
    assert money(world) == before


def test_upfront__time_out_of_the_providers_own__500_and_refunded(
    world: InsuredWorld, facilitator: Running
) -> None:
    before = money(world)

    with served(world, facilitator, "own-time-out") as url:
        header, commitment = signed(world, HTTP.get(f"{url}/fault").headers["payment-required"])
        answer = HTTP.get(f"{url}/fault", headers={"PAYMENT-SIGNATURE": header})
        refunded = comes(lambda: world.status(commitment) == REFUNDED)

    assert (answer.status_code, refunded, money(world)) == (500, True, before)
