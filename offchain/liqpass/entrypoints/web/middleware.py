"""Around every request, as pure ASGI: an id, headers that protect, limits of size and time, one log line."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from liqpass.entrypoints.web.problems import Problem
from liqpass.request_id import serving_request

MAX_BODY = 65_536  # bytes; the largest form here holds a contract wallet's signature
BODY_S = 20.0  # in which a body must have come
ANSWER_S = 120.0  # in which an answer must begin
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
access_log = logging.getLogger("liqpass.web.access")

# 'self' alone: no inline script or style, nothing from elsewhere, no framing, no forms to other places.
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "img-src 'self' data:"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",  # the address of a proof page is its secret
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class RequestIds:
    """Gives each request an id, the client's own where it is well formed: answered, logged and audited."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and log one line of it: no query, no body, no address."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        scope["liqpass_request_id"] = request_id
        began = time.monotonic()
        status = 500

        async def identified(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            with serving_request(request_id):
                await self._app(scope, receive, identified)
        finally:
            route = getattr(scope.get("route"), "path", "-")  # its pattern: a real path may hold a token
            took_ms = round((time.monotonic() - began) * 1000)
            access_log.info("%s %s %d %d ms %s", scope["method"], route, status, took_ms, request_id)


class ProtectiveHeaders:
    """Adds the headers that keep a browser from doing more than the page asks."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers are kept by nobody unless a route says otherwise."""

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, protected if scope["type"] == "http" else send)


class _ClientGoneError(Exception):
    """The client went away before its request had come whole."""


class Limits:
    """Refuses bodies that are too large or too slow, and gives up on an answer that does not come."""

    def __init__(self, app: ASGIApp, *, body_s: float = BODY_S, answer_s: float = ANSWER_S) -> None:
        self._app = app
        self._body_s = body_s
        self._answer_s = answer_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body whole, at most MAX_BODY bytes, then serve."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noticing(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            try:
                body = await self._body(scope, receive)
            except _ClientGoneError:
                return
            async with asyncio.timeout(self._answer_s):
                await self._app(scope, _replayed(body, receive), noticing)
        except Problem as problem:
            response = problem.response(scope["liqpass_request_id"])
            await response(scope, receive, send)
        except TimeoutError:
            if started:
                raise
            late = Problem(503, "TIMEOUT", "no answer in time: ask again", headers={"Retry-After": "5"})
            await late.response(scope["liqpass_request_id"])(scope, receive, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        headers = Headers(scope=scope)
        if "content-encoding" in headers:
            raise Problem(415, "UNSUPPORTED_ENCODING", "compressed bodies are not read")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            raise _too_large()
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._body_s):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise _ClientGoneError  # what did not come whole is no other, shorter request
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > MAX_BODY:
                        raise _too_large()
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError:
            raise Problem(408, "BODY_TOO_SLOW", "the body did not come in time") from None


def _too_large() -> Problem:
    return Problem(413, "BODY_TOO_LARGE", f"a body has at most {MAX_BODY} bytes")


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replay
