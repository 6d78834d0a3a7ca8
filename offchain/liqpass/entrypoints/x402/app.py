"""The insured facilitator as the SDK's HTTPFacilitatorClient asks it: /supported, /verify, /settle.

/verify and /settle take the bearer key of the provider of `payTo`. Without one a stranger could have payments
settled that no request was served for, and claim them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from x402.schemas import (
    PaymentPayload,
    PaymentRequirements,
    SettleResponse,
    SupportedResponse,
    VerifyResponse,
)

from liqpass.adapters.chain.errors import ChainError
from liqpass.adapters.x402.answer_log import Answered
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.adapters.x402.places import BusyError
from liqpass.adapters.x402.provider_file import ServedProviders
from liqpass.domain.strict_json import StrictJsonError, parse_strict
from liqpass.domain.x402.insured_settlement import InsuredProvider, PaymentRefusedError, check_version
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.entrypoints.web.middleware import MAX_BODY, Limits, ProtectiveHeaders, RequestIds
from liqpass.entrypoints.web.problems import Problem, problem_response
from liqpass.entrypoints.x402.metrics import CONTENT_TYPE, Figures

log = logging.getLogger("liqpass.x402")
_MAX_DEPTH = 16
_BEARER = "bearer "
_RETRY = {"Retry-After": "2"}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _Site:
    """What the routes share."""

    def __init__(self, facilitator: InsuredFacilitator, served: ServedProviders, figures: Figures) -> None:
        self._facilitator, self._served, self._figures = facilitator, served, figures
        insurance = facilitator.insurance
        self._pay_to = {payment_address(insurance, each.provider): each for each in served.providers}

    def holder(self, request: Request) -> InsuredProvider:
        """Whose key the request carries. Raises Problem 401."""
        given = request.headers.get("authorization", "")
        holder = None
        if given[: len(_BEARER)].lower() == _BEARER:
            holder = self._served.holder(given[len(_BEARER) :].encode())
        if holder is None:
            self._figures.count_stranger()
            log.warning("stranger path=%s", request.url.path)
            raise Problem(
                401, "KEY_REQUIRED", "send a provider's bearer key", headers={"WWW-Authenticate": "Bearer"}
            )
        return holder

    def tell_refused(self, holder: InsuredProvider, what: str, refusal: PaymentRefusedError) -> None:
        """A payment that is refused before there is one that could be read."""
        log.warning("%s provider=%s code=%s reason=%s", what, holder.provider, refusal.code, refusal.reason)
        self._figures.count(Answered(what, holder.provider, refusal.code, 0.0))

    def check_pay_to(self, holder: InsuredProvider, requirements: PaymentRequirements, what: str) -> None:
        """Raises Problem 403 where `payTo` is another provider's; one that is nobody's is refused later."""
        owner = self._pay_to.get(requirements.pay_to.lower())
        if owner is not None and owner != holder:
            log.warning("%s provider=%s code=foreign_key owner=%s", what, holder.provider, owner.provider)
            raise Problem(403, "KEY_OF_ANOTHER_PROVIDER", "this key is not that of the provider of payTo")


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = parse_strict(await request.body(), max_bytes=MAX_BODY, max_depth=_MAX_DEPTH)
    except StrictJsonError as error:
        raise Problem(400, "INVALID_JSON", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Problem(400, "INVALID_JSON", "the body is no object")
    return body


def _read(body: dict[str, Any]) -> tuple[PaymentPayload, PaymentRequirements]:
    """Raises PaymentRefusedError for another version, Problem 422 for anything out of form."""
    check_version(body.get("x402Version"))
    try:
        payload = PaymentPayload.model_validate(body.get("paymentPayload"))
        requirements = PaymentRequirements.model_validate(body.get("paymentRequirements"))
    except ValidationError:
        raise Problem(
            422, "INVALID_REQUEST", "paymentPayload or paymentRequirements is out of form"
        ) from None
    check_version(payload.x402_version)
    return payload, requirements


class _Route(APIRoute):
    """Each error becomes an answer here; a fault of ours a logged 500."""

    def get_route_handler(self) -> Handler:
        """FastAPI's own handler, wrapped."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except BusyError:
                error: Exception = Problem(503, "BUSY", "too many payments wait: ask again", headers=_RETRY)
            except ChainError as fault:
                error = Problem(503, "CHAIN_UNAVAILABLE", str(fault), headers=_RETRY)
            except Exception as fault:  # noqa: BLE001
                error = fault
            return problem_response(request, error)

        return answer


def facilitator_app(facilitator: InsuredFacilitator, served: ServedProviders, figures: Figures) -> FastAPI:
    """The ASGI application."""
    app = FastAPI(title="LiqPass insured facilitator", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_routes(facilitator, _Site(facilitator, served, figures), figures))
    figures.watch_waiting(lambda: facilitator.settlements_waiting)
    app.add_exception_handler(HTTPException, problem_response)
    # The last one added is the first that a request meets.
    app.add_middleware(Limits)
    app.add_middleware(ProtectiveHeaders, https=False)
    app.add_middleware(RequestIds)
    return app


def _routes(facilitator: InsuredFacilitator, site: _Site, figures: Figures) -> APIRouter:
    router = APIRouter(route_class=_Route)

    @router.get("/supported")
    async def supported() -> Response:
        return _answer(facilitator.supported())

    @router.post("/verify")
    async def verify(request: Request) -> Response:
        holder = site.holder(request)
        try:
            payload, requirements = _read(await _body(request))
        except PaymentRefusedError as refusal:
            site.tell_refused(holder, "verify", refusal)
            return _answer(
                VerifyResponse(is_valid=False, invalid_reason=refusal.code, invalid_message=refusal.reason)
            )
        site.check_pay_to(holder, requirements, "verify")
        return _answer(await facilitator.verify(holder, payload, requirements))

    @router.post("/settle")
    async def settle(request: Request) -> Response:
        holder = site.holder(request)
        try:
            payload, requirements = _read(await _body(request))
        except PaymentRefusedError as refusal:
            site.tell_refused(holder, "settle", refusal)
            return _answer(
                SettleResponse(
                    success=False,
                    error_reason=refusal.code,
                    error_message=refusal.reason,
                    transaction="",
                    network=f"eip155:{facilitator.insurance.chain_id}",
                )
            )
        site.check_pay_to(holder, requirements, "settle")
        return _answer(await facilitator.settle(holder, payload, requirements))

    @router.get("/healthz")
    async def healthz() -> Response:
        """The process answers; nothing else is asked."""
        return JSONResponse({"status": "ok"})

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(figures.exposition(), media_type=CONTENT_TYPE)

    return router


def _answer(answer: VerifyResponse | SettleResponse | SupportedResponse) -> Response:
    return JSONResponse(answer.model_dump(by_alias=True, exclude_none=True))
