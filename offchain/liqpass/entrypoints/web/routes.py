"""How an API route reads and answers: strict JSON in, problem details out, Idempotency-Key as Stripe does.

The first request with a key runs; the same request again gets the same bytes; another request with the key is
refused, and so is one that comes while the first still runs. What never reached a use case (a malformed
request, a missing right, a limit) and what failed on our side is not kept, so that it can be sent again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from liqpass.domain.strict_json import StrictJsonError, parse_strict
from liqpass.entrypoints.web.identity import caller_of, service_of
from liqpass.entrypoints.web.middleware import MAX_BODY
from liqpass.entrypoints.web.problems import Problem, problem_response
from liqpass.records import KeptAnswer

MAX_DEPTH = 16
REPLAYED = "Idempotent-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_CHANGING = frozenset({"POST", "PUT", "DELETE"})
_NOT_KEPT = frozenset({401, 403, 429})
_NOT_KEPT_CODES = (b'"code":"INVALID_REQUEST"', b'"code":"INVALID_JSON"')
_JSON = re.compile(r"application/(json|[a-z0-9.+-]+\+json)\s*(;.*)?", re.ASCII | re.IGNORECASE)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose JSON is read strictly: no duplicate keys, no NaN, no bombs, no floats for money."""

    _value: Any = None

    async def json(self) -> Any:
        """What `parse` has read."""
        return self._value

    async def parse(self) -> None:
        """Read the body before any handler does. Raises Problem."""
        body = await self.body()
        if not body:
            return
        # A form or plain text would be what another site's page can send without asking the browser first.
        if _JSON.fullmatch(self.headers.get("content-type", "")) is None:
            raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "a body is application/json")
        try:
            self._value = parse_strict(body, max_bytes=MAX_BODY, max_depth=MAX_DEPTH)
        except StrictJsonError as error:
            raise Problem(422, "INVALID_JSON", str(error)) from None


class ApiRoute(APIRoute):
    """A route of the JSON API."""

    keeps_answers = True

    def get_route_handler(self) -> Handler:
        """FastAPI's own handler, wrapped."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:  # noqa: BLE001  # each becomes an answer here, a fault of ours a logged 500
                return problem_response(request, error)

        async def handle(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            try:
                key = _key(strict)
                await strict.parse()
            except Problem as problem:
                return problem_response(strict, problem)
            if key is None or not self.keeps_answers:
                return await answer(strict)
            return await _once(strict, key, answer)

        return handle


class SessionRoute(ApiRoute):
    """A route that gives or takes a session: what it answers is for this once and is kept nowhere."""

    keeps_answers = False


async def _once(request: Request, key: str, answer: Handler) -> Response:
    service = service_of(request)
    caller = await run_in_threadpool(caller_of, request)
    if caller is None:
        return await answer(request)
    started_at_ms = await run_in_threadpool(service.clock.now_ms)
    digest = hashlib.sha256(
        b"\n".join((request.method.encode(), request.url.path.encode(), await request.body()))
    ).hexdigest()
    try:
        kept = await run_in_threadpool(service.idempotency.begin, caller, key, digest, started_at_ms)
    except Exception as error:  # noqa: BLE001  # as above
        return problem_response(request, error)
    if kept is not None:
        return Response(kept.body, kept.status, {REPLAYED: "true"}, kept.media_type)
    # A client that goes away does not take the answer with it: the key must be finished or released.
    response = await answer(request)
    if _is_kept(response):
        finished = KeptAnswer(response.status_code, response.headers["content-type"], bytes(response.body))
        now_ms = await run_in_threadpool(service.clock.now_ms)
        await run_in_threadpool(service.idempotency.finish, caller, key, started_at_ms, finished, now_ms)
    else:
        await run_in_threadpool(service.idempotency.release, caller, key, started_at_ms)
    return response


def _is_kept(response: Response) -> bool:
    if response.status_code >= 500 or response.status_code in _NOT_KEPT:
        return False
    body = bytes(response.body)
    return response.status_code != 422 or not any(code in body for code in _NOT_KEPT_CODES)


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None or request.method not in _CHANGING:
        return None
    if _KEY.fullmatch(key) is None:
        raise Problem(
            422, "INVALID_IDEMPOTENCY_KEY", "an Idempotency-Key is 1 to 128 visible ASCII characters"
        )
    return key
