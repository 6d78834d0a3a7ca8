"""The OpenAPI document against the service: generated requests get only answers that it promises.

`LIQPASS_CAMPAIGN` (any value) makes this long; `LIQPASS_SEED` repeats a run: each prints its seed.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from scenes import ROOMY, Scene, set_up
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from web_world import BUYER, OPERATOR, REVIEWER, Browser, WebWorld

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 150 if "LIQPASS_CAMPAIGN" in os.environ else 6
SEED = int(os.environ.get("LIQPASS_SEED") or random.randrange(2**32))
UNCHANGING = {"/api/sign-out", "/admin/sign-out"}  # generated callers stay signed in
STATUSES_OF_ALL = {"429", "503"}


def known_ids(scene: Scene) -> dict[str, list[str]]:
    """Path parameters that name something."""
    claims = [
        scene.paid,
        scene.held,
        scene.batched,
        scene.approved,
        scene.pending,
        scene.doubtful,
        scene.others,
    ]
    orders = [scene.draft, scene.bound, scene.liquidated]
    return {
        "claim_id": [claim.id for claim in claims],
        "order_id": [order.id for order in orders] + [claim.order_id for claim in claims],
        "batch_id": [str(batch) for batch in scene.batches],
        "token": [claim.proof_token for claim in claims],
    }


def identified(web: WebWorld, identity: str) -> list[Browser]:
    """Who sends the requests of this identity, in turn."""
    if identity == "reviewer and operator":
        return [web.desk(REVIEWER), web.desk(OPERATOR)]
    return [{"buyer": web.browser(BUYER), "nobody": web.browser(), "internal": web.internal()}[identity]]


@st.composite
def requests(draw: st.DrawFn, operation: Any, ids: dict[str, list[str]]) -> Any:
    """A request as the document describes it or just not; most name something that there is."""
    mode = draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case = draw(operation.as_strategy(generation_mode=mode))
    for name in case.path_parameters or {}:
        if name in ids and draw(st.integers(0, 4)):
            case.path_parameters[name] = draw(st.sampled_from(ids[name]))
    if isinstance(case.body, dict) and draw(st.booleans()):
        for name in {"orderId", "policyId", "purchaseOrderId"} & set(case.body):
            case.body[name] = draw(st.sampled_from(ids["order_id"]))
    return case


def send(browser: Browser, case: Any) -> Any:
    """Send it signed in, with what a page would add."""
    kept = {name.lower() for name in ("Cookie", "X-CSRF-Token", "x-internal-key")}
    sent = case.as_transport_kwargs(base_url=str(browser.client.base_url))
    own = {name: value for name, value in dict(sent.get("headers") or {}).items() if name.lower() not in kept}
    if browser.csrf:
        own["X-CSRF-Token"] = browser.csrf
    for unused in ("cookies", "auth"):
        sent.pop(unused, None)
    return browser.client.request(**{**sent, "headers": own})


def answers_as_promised(operation: Any, ids: dict[str, list[str]], who: list[Browser]) -> None:
    """Raises what schemathesis finds."""

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        case = data.draw(requests(operation, ids))
        case.validate_response(send(data.draw(st.sampled_from(who)), case), checks=CHECKS)

    run()


@pytest.fixture
def scene_and_web(tmp_path: Path) -> Iterator[tuple[Scene, WebWorld]]:
    """On SQLite: what a route answers does not depend on the database."""
    web = WebWorld(tmp_path, ROOMY)
    yield set_up(web), web
    web.engine.dispose()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The document does not depend on the database."""
    return sqlite_url


@pytest.mark.parametrize("identity", ["nobody", "buyer", "reviewer and operator", "internal"])
def test_openapi__generated_requests__only_answers_that_it_promises(
    scene_and_web: tuple[Scene, WebWorld], identity: str
) -> None:
    scene, web = scene_and_web
    print(f"LIQPASS_SEED={SEED}")  # noqa: T201  # pytest shows it where the test fails
    schema = schemathesis.openapi.from_asgi("/openapi.json", web.app)
    ids, who = known_ids(scene), identified(web, identity)
    faults: list[str] = []

    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in UNCHANGING:
            continue

        try:
            answers_as_promised(operation, ids, who)
        except FailureGroup as found_faults:  # all are shown at once
            faults.append(f"{operation.method} {operation.path}: {found_faults.exceptions}")

    assert faults == [], "\n\n".join(faults)


def documented(web: WebWorld) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation's name and what the document says of it."""
    for path, item in web.app.openapi()["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_openapi__document__valid(web: WebWorld) -> None:
    schemathesis.openapi.from_dict(web.app.openapi()).validate()


def test_openapi__every_operation__says_what_it_is_for_and_how_it_refuses(web: WebWorld) -> None:
    for name, operation in documented(web):
        assert operation["description"], name
        assert operation["responses"].keys() >= STATUSES_OF_ALL, name
        for status, answer in operation["responses"].items():
            kind = "application/problem+json" if int(status) >= 400 else None
            assert kind is None or set(answer["content"]) == {kind}, (name, status)


def test_openapi__every_answer__has_the_fields_that_it_says_and_no_other(web: WebWorld) -> None:
    """But for files, which have schemas of their own."""
    schemas = web.app.openapi()["components"]["schemas"]
    for name, operation in documented(web):
        (success,) = (status for status in operation["responses"] if int(status) < 400)
        schema = operation["responses"][success]["content"].get("application/json", {}).get("schema", {})
        if "$ref" not in schema:
            assert name.endswith((".json", ".csv", "/evidence", "/metrics")), name
            continue
        pending, seen = [schema["$ref"]], set()
        while pending:
            ref = pending.pop()
            if ref in seen:
                continue
            seen.add(ref)
            shape = schemas[ref.rsplit("/", 1)[1]]
            assert shape["additionalProperties"] is False, (name, ref)
            assert shape["description"], (name, ref)
            pending += re.findall(r"#/components/schemas/\w+", str(shape["properties"]))


def test_openapi__every_request_body__has_an_example(web: WebWorld) -> None:
    schemas = web.app.openapi()["components"]["schemas"]
    without = []
    for name, operation in documented(web):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if body is None:
            continue
        refs = [part["$ref"] for part in body.get("anyOf", [body]) if "$ref" in part]
        schema = schemas[refs[0].rsplit("/", 1)[1]]
        fields = schema["properties"].items()
        without += [
            f"{name}: {field}"
            for field, said in fields
            if field in schema.get("required", [])
            and "examples" not in said
            and said.get("type") != "boolean"
        ]
    assert sorted(set(without)) == []
