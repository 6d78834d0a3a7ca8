"""A provider whose facilitator loses answers, and a payment that is sent again and again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from insured_world import CLIENT, HTTP, PROVIDER, InsuredWorld
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.deliveries import Deliveries, DeliveryState
from liqpass.adapters.x402.deliveries_file import deliveries_path
from liqpass.adapters.x402.insured_api import commitment_of, insure
from liqpass.adapters.x402.insured_service import InsuredService
from liqpass.domain.x402.insured_settlement import TIMEOUT_FIELD, InsuredProvider
from shop import UPFRONT, over_http, priced, resource_server, serving
from x402 import x402ClientSync
from x402.http import decode_payment_required_header, encode_payment_signature_header
from x402.http.types import RouteConfig
from x402.schemas import (
    PaymentPayload,
    PaymentRequirements,
    SettleResponse,
    SupportedResponse,
    VerifyResponse,
)


class Lossy:
    """The SDK's client of a facilitator; answers to settlements get lost, each by its number.

    What was settled once is told again, whatever has become of it.
    """

    def __init__(self, url: str, *lost: int) -> None:
        self._client, self._lost = over_http(url), set(lost)
        self._known: dict[str, SettleResponse] = {}
        self.asked = 0

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> VerifyResponse:
        """Any payment may be settled."""
        return VerifyResponse(is_valid=True, payer=payload.payload["authorization"]["from"])

    async def settle(self, payload: PaymentPayload, requirements: PaymentRequirements) -> SettleResponse:
        self.asked += 1
        number, nonce = self.asked, payload.payload["authorization"]["nonce"]
        if nonce not in self._known:
            self._known[nonce] = await self._client.settle(payload, requirements)
        if number in self._lost:
            raise httpx.ReadTimeout("the answer did not come")
        return self._known[nonce]

    def get_supported(self) -> SupportedResponse:
        return self._client.get_supported()


@dataclass
class Paid:
    """A payment as a client sends it, again and again."""

    header: str
    commitment: bytes

    def send(self, url: str) -> httpx.Response:
        return HTTP.get(url, headers={"PAYMENT-SIGNATURE": self.header})


@dataclass
class Api:
    """/work is paid after the work; /upfront, /job (202), /slow and /stream before it."""

    url: str
    service: InsuredService
    served: int = 0
    begun: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)


def routes(world: InsuredWorld, timeout_minutes: int) -> dict[str, RouteConfig]:
    asked = {TIMEOUT_FIELD: timeout_minutes}
    upfront = priced(world, world.address(PROVIDER), **UPFRONT, **asked)
    return {
        "GET /work": priced(world, world.address(PROVIDER), **asked),
        **{f"GET /{name}": upfront for name in ("upfront", "job", "slow", "stream")},
    }


@contextmanager
def served(
    world: InsuredWorld, facilitator: Any, folder: str, *, grace_s: float = 0.0, timeout_minutes: int = 7
) -> Iterator[Api]:
    app = FastAPI()
    server = resource_server(facilitator)
    with InsuredService.open(
        world.site(),
        InsuredProvider(world.address(PROVIDER).lower()),
        LocalSigner(world.node.account(PROVIDER)),
        Policy.local(),
        folder=world.folder / folder,
        every_s=0.05,
        grace_s=grace_s,
    ) as service:
        insure(app, routes(world, timeout_minutes), server, service)
        api = Api("", service)

        @app.get("/work")
        @app.get("/upfront")
        async def work() -> dict[str, str]:
            api.served += 1
            return {"result": "42"}

        @app.get("/job", status_code=202)
        async def job(request: Request) -> dict[str, str]:
            api.served += 1
            service.delivered(commitment_of(request, service))
            return {"result": "42"}

        @app.get("/slow")
        def slow() -> dict[str, str]:
            api.served += 1
            api.begun.set()
            assert api.goes_on.wait(20)
            return {"result": "42"}

        @app.get("/stream")
        async def stream() -> StreamingResponse:
            api.served += 1

            async def pieces() -> AsyncIterator[bytes]:
                yield b"4"
                api.begun.set()
                assert await asyncio.to_thread(api.goes_on.wait, 20)
                yield b"2"

            return StreamingResponse(pieces())

        with serving(app) as api.url:
            yield api


def signed(world: InsuredWorld, url: str) -> Paid:
    """By the stock client, for that offer."""
    offer = decode_payment_required_header(HTTP.get(url).headers["payment-required"])
    payload = world.allowed(x402ClientSync()).create_payment_payload(offer)
    return Paid(encode_payment_signature_header(payload), world.commitment(payload))


def money(world: InsuredWorld) -> tuple[int, int, int]:
    """Of the client; of the provider, its bond included; what is locked of that."""
    bond, locked = world.bond_of(PROVIDER)
    return world.balance(CLIENT), world.balance(PROVIDER) + bond, locked


def rows(world: InsuredWorld, folder: str, state: DeliveryState) -> list[bytes]:
    path = deliveries_path(world.folder / folder, world.terms, world.address(PROVIDER).lower())
    with Deliveries.open(path) as left:
        return [each.commitment for each in left.all_in(state)]
