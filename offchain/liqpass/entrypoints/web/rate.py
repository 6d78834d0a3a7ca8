"""Limits on how often one client may ask, held by each worker for itself (`limits`, moving window)."""

from __future__ import annotations

from fastapi import Depends
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from liqpass.entrypoints.web.identity import client_of
from liqpass.entrypoints.web.problems import Problem

_UNLIMITED_PATHS = frozenset({"/healthz"})  # it asks nothing of anybody


class RateLimits:
    """Counts requests by client address; `per_minute` 0: no limit."""

    def __init__(self, per_minute: int, costly_per_minute: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limits = {"all": per_minute, "costly": costly_per_minute}

    def take(self, kind: str, client: str) -> None:
        """Count one request of kind `all` or `costly`. Raises Problem above the limit."""
        per_minute = self._limits[kind]
        if per_minute and not self._limiter.hit(RateLimitItemPerMinute(per_minute), kind, client):
            raise Problem(
                429,
                "RATE_LIMITED",
                f"more than {per_minute} such requests a minute from one address",
                headers={"Retry-After": "60"},
            )


class RateLimited:
    """Every request counts, but for whether the process lives."""

    def __init__(self, app: ASGIApp, *, limits: RateLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse before anything is read."""
        if scope["type"] == "http" and scope["path"] not in _UNLIMITED_PATHS:
            try:
                self._limits.take("all", client_of(Request(scope)))
            except Problem as problem:
                await problem.response(scope["liqpass_request_id"])(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _costly(request: Request) -> None:
    limits: RateLimits = request.app.state.limits
    limits.take("costly", client_of(request))


COSTLY = Depends(_costly)
"""For routes that ask OKX or verify signatures: each costs seconds or a call to the node."""
