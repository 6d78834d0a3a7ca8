"""A provider's API as the SDK's documentation writes it: stock middleware, nothing of ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from insured_world import KEYS, NETWORK, PRICE, PROVIDER, InsuredWorld
from liqpass.entrypoints.cli.serve import bound
from x402 import AssetAmount, x402ResourceServer
from x402.http import FacilitatorConfig, HTTPFacilitatorClient
from x402.http.facilitator_client import CreateHeadersAuthProvider
from x402.http.middleware.fastapi import PaymentMiddlewareASGI
from x402.http.types import PaymentOption, RouteConfig
from x402.mechanisms.evm.exact import register_exact_evm_server

UPFRONT = {"paymentFlow": "upfront"}


def offered(world: InsuredWorld, pay_to: str, *, valid_s: int = 300, **extra: Any) -> PaymentOption:
    """PRICE, paid there; `extra`: what the offer says beside."""
    price = AssetAmount(amount=str(PRICE), asset=world.usdc.address, extra={"name": "USDC", "version": "2"})
    return PaymentOption(
        scheme="exact",
        pay_to=pay_to,
        price=price,
        network=NETWORK,
        max_timeout_seconds=valid_s,
        extra=extra,
    )


def priced(world: InsuredWorld, pay_to: str, **terms: Any) -> RouteConfig:
    """A route with this one offer; `terms` as in `offered`."""
    return RouteConfig(accepts=offered(world, pay_to, **terms))


def resource_server(facilitator: Any) -> x402ResourceServer:
    """The SDK's, for exact payments on the tests' chain."""
    server = x402ResourceServer(facilitator)
    register_exact_evm_server(server, NETWORK)
    return server


class Shop:
    """`url`/work is paid after the work, `url`/upfront before it; `served` counts the work.

    `declares`: the 402's extensions.
    """

    def __init__(
        self,
        world: InsuredWorld,
        facilitator: Any,
        provider: int = PROVIDER,
        *,
        declares: dict[str, Any] | None = None,
    ) -> None:
        self.served = 0
        pay_to = world.pay_to(provider)
        routes = {"GET /work": priced(world, pay_to), "GET /upfront": priced(world, pay_to, **UPFRONT)}
        for route in routes.values():
            route.extensions = declares
        self.app = FastAPI()
        self.app.add_middleware(PaymentMiddlewareASGI, routes=routes, server=resource_server(facilitator))

        @self.app.get("/work")
        @self.app.get("/upfront")
        async def work() -> dict[str, str]:
            self.served += 1
            return {"result": "42"}

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its URL, while it serves."""
        with serving(self.app) as url:
            yield url


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The application's URL, while it serves from a thread."""
    listening = bound("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def over_http(url: str, provider: int = PROVIDER) -> HTTPFacilitatorClient:
    """The SDK's client of a facilitator, with the provider's bearer key."""
    bearer = {"Authorization": f"Bearer {KEYS[provider]}"}
    auth = CreateHeadersAuthProvider(lambda: {"verify": bearer, "settle": bearer, "supported": {}})
    return HTTPFacilitatorClient(FacilitatorConfig(url=url, auth_provider=auth))
