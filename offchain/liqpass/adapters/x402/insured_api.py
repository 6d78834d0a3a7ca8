"""`insure`: a FastAPI application whose paid routes are covered by its provider's bond.

    with InsuredService.open(site, provider, signer, policy, folder=folder) as service:
        insure(app, routes, server, service)
        uvicorn.run(app)

Routes and server are those of the SDK's middleware. A good answer is confirmed, a 5xx to a payment that was
settled upfront is refunded, a 202 is a promise, kept by `service.delivered(commitment_of(request, service))`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from typing import Any

from fastapi import FastAPI
from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from x402 import x402ResourceServer
from x402.http import decode_payment_signature_header
from x402.http.middleware.fastapi import FastAPIAdapter, PaymentMiddlewareASGI
from x402.http.types import HTTPRequestContext, PaymentOption, RouteConfig
from x402.http.x402_http_server import x402HTTPResourceServer

from liqpass.adapters.x402.asked_payments import Heard
from liqpass.adapters.x402.deliveries import Delivery
from liqpass.adapters.x402.insured_service import InsuredService
from liqpass.adapters.x402.paying import PAYING, Paying, watch_settlements
from liqpass.adapters.x402.payment_checks import EXTENSION
from liqpass.domain.identifiers import IdentifierError, checksum_address, parse_bytes32
from liqpass.domain.money import MoneyError, Usdc, parse_base_units
from liqpass.domain.x402.insurance import X402Error
from liqpass.domain.x402.insured_settlement import TIMEOUT_FIELD, read_authorization, read_timeout
from liqpass.domain.x402.payment_addresses import payment_address

log = logging.getLogger("liqpass.x402")
# Less than this before its deadline nothing is handed over: it might not be confirmed in time any more.
_LEAST_LEFT_S = 20
_NEVER_S = 2**40  # unix seconds; the contract's deadlines are uint40
# So long a client may take to take its answer: a connection that it does not read holds it back for ever.
_MOST_TAKING_S = 3
_SCHEMA = {
    "type": "object",
    "properties": {
        "contract": {"type": "string"},
        "provider": {"type": "string"},
        "network": {"type": "string"},
        "timeoutMinutes": {"type": "integer"},
    },
    "required": ["contract", "provider", "network", "timeoutMinutes"],
}


def insure(
    app: FastAPI, routes: dict[str, RouteConfig], server: x402ResourceServer, service: InsuredService
) -> None:
    """Put the SDK's payment middleware on `app`, with every route paid through the bond.

    Each option's `pay_to` names the provider and becomes its payment address; its `extra` says the time-out
    that the facilitator locks with, `insuranceTimeoutMinutes`, by default the service's. Raises X402Error for
    another provider's address, a time-out that cannot be, or options of one route that differ in it.
    """
    insured = {pattern: _insured(config, service) for pattern, config in routes.items()}
    watch_settlements(server)
    app.add_middleware(_Whole)
    app.add_middleware(PaymentMiddlewareASGI, routes=insured, server=server)
    # The last one added is the first that a request meets.
    app.add_middleware(_Watch, routes=x402HTTPResourceServer(server, insured), service=service)


def commitment_of(request: Request, service: InsuredService) -> bytes:
    """The commitment of the payment that this request comes with, for `delivered`. Raises X402Error."""
    payload = getattr(request.state, "payment_payload", None)
    if payload is None:
        raise X402Error("this request was not paid")
    return service.commitment(read_authorization(payload.payload))


def _insured(config: RouteConfig, service: InsuredService) -> RouteConfig:
    insurance, provider = service.site.insurance, service.provider
    pay_to = payment_address(insurance, provider.provider)

    offered = config.accepts if isinstance(config.accepts, list) else [config.accepts]
    asked = [(option.extra or {}).get(TIMEOUT_FIELD, service.timeout_minutes) for option in offered]
    if len(set(map(repr, asked))) != 1:
        raise X402Error(f"the options of a route have one {TIMEOUT_FIELD}, not {asked}")
    timeout_minutes = read_timeout(provider, {TIMEOUT_FIELD: asked[0]})

    def paid_through_bond(option: PaymentOption) -> PaymentOption:
        named = option.pay_to.lower() if isinstance(option.pay_to, str) else None
        if named not in (provider.provider, pay_to):
            raise X402Error(
                f"pay_to must be the provider {provider.provider}: its bond covers its payments only"
            )
        extra = {**(option.extra or {}), TIMEOUT_FIELD: timeout_minutes}
        return dataclasses.replace(option, pay_to=checksum_address(pay_to), extra=extra)

    info = {
        "contract": checksum_address(insurance.contract),
        "provider": checksum_address(provider.provider),
        "network": f"eip155:{insurance.chain_id}",
        "timeoutMinutes": timeout_minutes,
    }
    return dataclasses.replace(
        config,
        accepts=[paid_through_bond(option) for option in offered],
        extensions={**(config.extensions or {}), EXTENSION: {"info": info, "schema": _SCHEMA}},
    )


class _Whole:
    """Holds the answer to a payment back until it is whole, and keeps it where that has taken too long.

    One that breaks off would be whole to the SDK, which is told of the exception only after it has settled.
    A client that sends its request slowly enough would have both the answer and its money.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if "payment_payload" not in scope.get("state", {}):
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        limit = asyncio.timeout(_left_s())

        async def refuse() -> None:
            log.error("too late to answer path=%r: nothing is handed over", scope["path"])
            await JSONResponse({"error": "this took too long"}, 503)(scope, receive, send)

        async def holding(message: Message) -> None:
            held.append(message)
            if message["type"] == "http.response.start" or message.get("more_body"):
                return
            limit.reschedule(None)
            left_s = _left_s()
            if left_s is not None and left_s < 0:
                await refuse()
                return
            for each in held:
                await send(each)

        try:
            # Not until the client has sent all of its request: it would have its money out of the bond.
            async with limit:
                await self._app(scope, receive, holding)
        except TimeoutError:
            if not limit.expired():
                raise
            await refuse()


class _Watch:
    """Refuses what the bond cannot cover, and enters how each insured payment was answered."""

    def __init__(self, app: ASGIApp, *, routes: x402HTTPResourceServer, service: InsuredService) -> None:
        self._app, self._routes, self._service = app, routes, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not self._is_paid(Request(scope)):
            await self._app(scope, receive, send)
            return
        if not self._service.covers(_amount(Headers(scope=scope))):
            log.warning("not covered path=%r provider=%s", scope["path"], self._service.provider.provider)
            busy = JSONResponse({"error": "insured capacity is used up"}, 503, {"Retry-After": "30"})
            await busy(scope, receive, send)
            return
        paying = Paying(self._service)
        left = asyncio.Event()
        entering: asyncio.Task[None] | None = None

        async def enter(status: int) -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(left.wait(), _MOST_TAKING_S)
            await self._enter(paying, status)

        async def watching(message: Message) -> None:
            nonlocal entering
            if message["type"] == "http.response.start":
                entering = asyncio.create_task(enter(message["status"]))
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                left.set()
                if entering is not None:
                    await entering

        token = PAYING.set(paying)
        try:
            await self._app(scope, receive, watching)
        finally:
            PAYING.reset(token)
            if entering is not None:
                entering.cancel()  # nothing where it has ended
            paying.end()

    def _is_paid(self, request: Request) -> bool:
        raw_path = request.scope["raw_path"].decode("ascii").split("?")[0]
        context = HTTPRequestContext(
            adapter=FastAPIAdapter(request),
            path=raw_path,
            decoded_path=get_route_path(request.scope),  # as the SDK: without what it is mounted at
            method=request.method,
        )
        return self._routes.requires_payment(context)

    async def _enter(self, paying: Paying, status: int) -> None:
        """How what was settled for this request was answered; each once."""
        while paying.settled:
            settlement = paying.settled.pop()
            delivery = _delivery((settlement.extensions or {}).get(EXTENSION))
            commitment = None if paying.asking is None else paying.asking.commitment
            if delivery is None or delivery.commitment != commitment:
                log.error(
                    "settled without insurance tx=%s: is this the insured facilitator?",
                    settlement.transaction,
                )
                if commitment is None:
                    continue
                # What it was asked for may be locked all the same: then it is not given back as unheard.
                delivery = Delivery(commitment, int(time.time()) + 60 * self._service.timeout_minutes)
            # A 4xx was an answer: otherwise a client's bad requests would cost the provider gas without end.
            # But "payment required" is none to a payment: the SDK says so where something fails after it.
            kinds = {202: self._service.awaited, 402: self._service.failed}
            tell = self._service.failed if status >= 500 else kinds.get(status, self._service.served)
            # It waits for the disk, which the event loop must not.
            await asyncio.to_thread(tell, delivery)
            paying.heard = Heard.ANSWERED


def _left_s() -> float | None:
    """Until what was paid before the work could not be confirmed in time any more; None where nothing was."""
    paying = PAYING.get(None)
    answers = [] if paying is None else paying.settled
    settled = [_delivery((each.extensions or {}).get(EXTENSION)) for each in answers]
    deadlines = [each.deadline_s for each in settled if each is not None]
    return min(deadlines) - time.time() - _LEAST_LEFT_S if deadlines else None


def _delivery(policy: Any) -> Delivery | None:
    try:
        delivery = Delivery(parse_bytes32(policy["commitment"]), int(policy["deadline"]))
    except (TypeError, KeyError, ValueError, OverflowError, IdentifierError):
        return None
    return delivery if 0 <= delivery.deadline_s < _NEVER_S else None


def _amount(headers: Headers) -> Usdc:
    """Of the payment that comes with a request, in USDC base units; the least where none does."""
    try:
        payload = decode_payment_signature_header(headers.get("payment-signature", ""))
        return parse_base_units(str(payload.accepted.amount))  # type: ignore[union-attr]
    except (ValueError, MoneyError, AttributeError, RecursionError):
        return Usdc(1)
