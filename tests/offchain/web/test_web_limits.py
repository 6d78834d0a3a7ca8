"""Sizes, depths, rates, times, headers: what every request meets before any route."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from liqpass.entrypoints.web.middleware import MAX_BODY, Limits, RequestIds
from liqpass.entrypoints.web.protocol import HEAD_S, PromptProtocol
from starlette.types import Message, Receive, Scope, Send
from uvicorn.server import ServerState
from web_world import BUYER, WebWorld

ORDERS = "/api/purchase-orders"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is refused before any use case is the same on each database."""
    return sqlite_url


BODIES: dict[str, tuple[bytes, int, str]] = {
    "a byte too large": (b" " * (MAX_BODY + 1), 413, "BODY_TOO_LARGE"),
    "nested too deep": (b"[" * 500 + b"]" * 500, 422, "INVALID_JSON"),
    "a key twice": (b'{"chainId":1,"chainId":2}', 422, "INVALID_JSON"),
    "not a number": (b'{"chainId":NaN}', 422, "INVALID_JSON"),
    "infinity": (b'{"chainId":1e999}', 422, "INVALID_JSON"),
    "an integer of 2^256": (b'{"chainId":' + str(2**256).encode() + b"}", 422, "INVALID_JSON"),
    "a million digits": (b'{"chainId":' + b"9" * 60_000 + b"}", 422, "INVALID_JSON"),
    "bad UTF-8": (b'{"policyType":"\xff"}', 422, "INVALID_JSON"),
    "a lone surrogate": (b'{"policyType":"\\ud800"}', 422, "INVALID_JSON"),
    "cut off": (b'{"policyType":', 422, "INVALID_JSON"),
    "money as a float": (b'{"premiumAmountUsdc":1.0}', 422, "INVALID_REQUEST"),
    "money as an integer": (b'{"premiumAmountUsdc":1}', 422, "INVALID_REQUEST"),
    "money in words": (b'{"premiumAmountUsdc":"1e6"}', 422, "INVALID_REQUEST"),
    "money with a leading zero": (b'{"premiumAmountUsdc":"01.00"}', 422, "INVALID_REQUEST"),
    "an unknown field": (b'{"payout":"1000000"}', 422, "INVALID_REQUEST"),
    "an array": (b"[]", 422, "INVALID_REQUEST"),
}


@pytest.mark.parametrize("name", BODIES)
def test_post__body_that_is_none__refused(web: WebWorld, name: str) -> None:
    body, status, code = BODIES[name]
    buyer = web.browser(BUYER)

    answer = buyer.client.post(ORDERS, content=body, headers={**JSON, "X-CSRF-Token": buyer.csrf})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_post__compressed__refused_without_unpacking(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    headers = {**JSON, "X-CSRF-Token": buyer.csrf, "Content-Encoding": "gzip"}

    answer = buyer.client.post(ORDERS, content=gzip.compress(b" " * 10_000_000), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_ENCODING")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_post__what_a_foreign_form_can_send__refused(web: WebWorld, media_type: str) -> None:
    buyer = web.browser(BUYER)
    headers = {"Content-Type": media_type, "X-CSRF-Token": buyer.csrf}

    answer = buyer.client.post(ORDERS, content=b"{}", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_any__validation_error__names_fields_and_never_what_came(web: WebWorld) -> None:
    buyer = web.browser(BUYER)

    answer = buyer.post("/api/me/okx-key", {"apiKey": "k" * 300, "secret": ["s3cret"]}, method="PUT")

    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_REQUEST")
    assert {fault["field"] for fault in answer.json()["errors"]} == {
        "body.apiKey",
        "body.secret",
        "body.passphrase",
    }
    assert "s3cret" not in answer.text and "kkk" not in answer.text


def test_any__headers__protect(web: WebWorld) -> None:
    answer = web.browser().get("/api/session")

    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_request_id__well_formed__answered_and_in_the_audit_log(web: WebWorld) -> None:
    buyer = web.browser(BUYER)

    answer = buyer.post(ORDERS, {}, X_Request_Id="trace-0001")

    assert answer.headers["x-request-id"] == "trace-0001"
    order = answer.json()["orderId"]
    (entry,) = web.controlling.audit_entries(subject=f"order/{order}")
    assert entry.details["requestId"] == "trace-0001"
    assert web.controlling.verify_audit(None)[1] is None


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space and more", "<script>alert(1)</script>"])
def test_request_id__malformed__one_of_ours(web: WebWorld, given: str) -> None:
    answer = web.browser().get("/healthz", headers={"X-Request-Id": given})

    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 36


def test_rate__above_the_limit__429_for_that_kind_only_and_monitors_go_on(web: WebWorld) -> None:
    from liqpass.entrypoints.web.app import create_app  # noqa: PLC0415
    from starlette.testclient import TestClient  # noqa: PLC0415

    object.__setattr__(web.service.access, "rate_per_minute", 5)
    client = TestClient(create_app(web.service), base_url="https://cover.test")

    statuses = [client.get("/api/session").status_code for _ in range(7)]
    last = client.get("/api/session")

    assert statuses == [200] * 5 + [429] * 2
    assert (last.json()["code"], last.headers["retry-after"]) == ("RATE_LIMITED", "60")
    assert client.get("/healthz").status_code == 200


def served(limits: Limits, receive: Receive) -> list[Message]:
    """What an ASGI server would be told to send."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [],
        "query_string": b"",
    }
    asyncio.run(RequestIds(limits)(scope, receive, send))
    return sent


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    await asyncio.Event().wait()


def test_limits__body_that_does_not_come__408() -> None:
    async def silent() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    sent = served(Limits(never, body_s=0.01), silent)

    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["code"] == "BODY_TOO_SLOW"


def test_limits__answer_that_does_not_come__503() -> None:
    async def empty() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    sent = served(Limits(never, answer_s=0.01), empty)

    assert sent[0]["status"] == 503
    assert json.loads(sent[1]["body"])["code"] == "TIMEOUT"


def test_limits__body_in_pieces_without_a_length__counted() -> None:
    async def endless() -> Message:
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    sent = served(Limits(never), endless)

    assert sent[0]["status"] == 413


@pytest.mark.parametrize("first", [b'{"reason":', b""])
def test_limits__client_gone_before_its_body_was_whole__nothing_is_served(first: bytes) -> None:
    messages = iter(({"type": "http.request", "body": first, "more_body": True}, {"type": "http.disconnect"}))

    async def cut_off() -> Message:
        return next(messages)

    async def reached(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("a request that did not come whole was served")

    assert served(Limits(reached), cut_off) == []


def test_quote__thousands_of_unknown_fields__few_are_told(web: WebWorld) -> None:
    answer = web.browser().client.post("/api/quote", json={f"f{i}": 0 for i in range(3_000)})

    assert (answer.status_code, len(answer.json()["errors"])) == (422, 20)


class SilentTransport:
    """A connection on which nothing comes."""

    closed = False

    def get_extra_info(self, name: str) -> None:
        return None

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("asked", [False, True])
def test_connection__head_of_a_request_does_not_come__closed(asked: bool) -> None:
    later: list[tuple[float, Callable[[], None]]] = []

    class Loop:
        def call_later(self, delay_s: float, act: Callable[[], None]) -> asyncio.Handle:
            later.append((delay_s, act))
            return asyncio.Handle(act, (), loop)  # type: ignore[arg-type]

    loop = asyncio.new_event_loop()
    config = uvicorn.Config(never, log_config=None, lifespan="off")
    protocol = PromptProtocol(config, ServerState(), {}, Loop())  # type: ignore[arg-type]
    transport = SilentTransport()
    protocol.connection_made(transport)  # type: ignore[arg-type]
    if asked:
        protocol.scope = {}  # type: ignore[typeddict-item]
    ((delay_s, act),) = later

    act()
    loop.close()

    assert (delay_s, transport.closed) == (HEAD_S, not asked)
