"""The web application: routers of one part or of both, inside the limits that every request meets."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from liqpass.entrypoints.web.api import (
    admin_claims,
    admin_controls,
    admin_payouts,
    claims,
    health,
    internal,
    keys,
    orders,
    proof,
)
from liqpass.entrypoints.web.api.document import Documented
from liqpass.entrypoints.web.api.sessions import sessions_router
from liqpass.entrypoints.web.middleware import Limits, ProtectiveHeaders, RequestIds
from liqpass.entrypoints.web.pages import add_pages
from liqpass.entrypoints.web.pages.failures import error_response
from liqpass.entrypoints.web.rate import RateLimited, RateLimits
from liqpass.entrypoints.web.service import Part, Realm, Service

DESCRIPTION = """Liquidation cover for OKX traders that settles in USDC on Base.

Money is a decimal string of USDC, times are UTC. Errors are problem details (RFC 9457) with a stable `code`.
Each POST, PUT and DELETE takes an `Idempotency-Key`: the same request with the same key gets the same bytes
again. Buyers sign in with their wallet (EIP-4361); each change then needs `X-CSRF-Token`."""


def create_app(service: Service, *, part: Part = Part.ALL) -> FastAPI:
    """The ASGI application. Nothing is read from the environment here."""
    app = Documented(title="LiqPass", description=DESCRIPTION, version="0.1.0", docs_url=None, redoc_url=None)
    app.state.service = service
    app.state.limits = RateLimits(service.access.rate_per_minute, service.access.costly_rate_per_minute)
    app.include_router(health.router)
    if part is not Part.ADMIN:
        app.include_router(sessions_router(Realm.PUBLIC))
        for public in (orders, keys, claims, proof):
            app.include_router(public.router)
    if part is not Part.PUBLIC:
        app.include_router(health.metrics_router)
        app.include_router(sessions_router(Realm.ADMIN))
        for closed in (admin_claims, admin_payouts, admin_controls, internal):
            app.include_router(closed.router)
    add_pages(app, part)

    app.add_exception_handler(HTTPException, error_response)
    app.add_exception_handler(RequestValidationError, error_response)
    # The last one added is the first that a request meets.
    origins = (service.access.public_origin, service.access.admin_origin)
    app.add_middleware(Limits)
    app.add_middleware(RateLimited, limits=app.state.limits)
    app.add_middleware(ProtectiveHeaders, https=all(origin.startswith("https:") for origin in origins))
    app.add_middleware(RequestIds)
    return app
