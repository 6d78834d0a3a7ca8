"""Who may call what: every route that the router has, by every kind of caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from liqpass.entrypoints.web.routes import ApiRoute
from liqpass.entrypoints.web.service import Part, Realm
from paper_chain import STRANGER as STRANGERS_ADDRESS
from scenes import ROOMY, Scene, set_up
from starlette.testclient import TestClient
from web_world import BUYER, INTERNAL_KEY, OPERATOR, OTHER_BUYER, REVIEWER, Browser, Wallet, WebWorld

FORMER = Wallet("0x" + "f1" * 32)
HASH = "0x" + "5e" * 32


class Needs(StrEnum):
    """What a route asks of its caller."""

    NOTHING = "nothing"
    BUYER = "buyer"
    OWNER = "the buyer whose it is"
    ADMIN = "reviewer or operator"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    INTERNAL = "internal key"


@dataclass(frozen=True)
class Rule:
    """A route's need, and a call of it that its rightful caller may make: status `right`."""

    needs: Needs
    body: Any = None
    path: Callable[[Scene], str] | None = None
    right: int = 200
    query: str = ""


def order(name: str, rest: str = "") -> Callable[[Scene], str]:
    return lambda scene: f"/api/purchase-orders/{getattr(scene, name).id}{rest}"


def claim(name: str, rest: str = "") -> Callable[[Scene], str]:
    return lambda scene: f"/api/claims/{getattr(scene, name).id}{rest}"


def desk_claim(name: str, rest: str = "") -> Callable[[Scene], str]:
    return lambda scene: f"/admin/claims/{getattr(scene, name).id}{rest}"


def batch(rest: str = "") -> Callable[[Scene], str]:
    return lambda scene: f"/admin/payout/batches/{scene.batches[1]}{rest}"


N, WHO = Needs, {"address": BUYER.address}
WHY = {"reason": "seen on OKX's own page"}
KEY = {"apiKey": "k", "secret": "s", "passphrase": "p"}
SIGNED = {"message": "sign me", "signature": "0x" + "11" * 65}
TO = f"?recipient={STRANGERS_ADDRESS}"
SAFE = f"?safe={STRANGERS_ADDRESS}"
RULES: dict[tuple[str, str], Rule] = {
    ("GET", "/healthz"): Rule(N.NOTHING),
    ("GET", "/readyz"): Rule(N.NOTHING),
    ("GET", "/metrics"): Rule(N.NOTHING),
    ("GET", "/api/proof/{token}"): Rule(N.NOTHING, path=lambda scene: f"/api/proof/{scene.paid.proof_token}"),
    ("POST", "/api/quote"): Rule(N.NOTHING),
    ("POST", "/quote"): Rule(N.NOTHING),
    ("POST", "/api/sign-in/nonce"): Rule(N.NOTHING, WHO),
    ("POST", "/api/sign-in"): Rule(N.NOTHING, SIGNED, right=422),
    ("GET", "/api/session"): Rule(N.NOTHING),
    ("POST", "/admin/sign-in/nonce"): Rule(N.NOTHING, WHO),
    ("POST", "/admin/sign-in"): Rule(N.NOTHING, SIGNED, right=422),
    ("GET", "/admin/session"): Rule(N.NOTHING),
    ("GET", "/api/me/okx-key"): Rule(N.BUYER),
    ("PUT", "/api/me/okx-key"): Rule(N.BUYER, KEY, right=422),  # OKX does not know it
    ("DELETE", "/api/me/okx-key"): Rule(N.BUYER),
    ("GET", "/api/me/okx-positions"): Rule(N.BUYER, right=409),  # no key is stored
    ("GET", "/api/me/policies"): Rule(N.BUYER),
    ("POST", "/api/purchase-orders"): Rule(N.BUYER, {}),
    ("POST", "/purchase"): Rule(N.BUYER, {}),
    ("POST", "/claim"): Rule(N.OWNER, {"orderId": "liquidated"}),
    ("GET", "/api/purchase-orders/{order_id}"): Rule(N.OWNER, path=order("bound")),
    ("POST", "/api/purchase-orders/{order_id}/bind-okx"): Rule(
        N.OWNER, {"instId": "BTC-USDT-SWAP", "posId": "1"}, order("draft", "/bind-okx"), right=409
    ),
    ("GET", "/api/purchase-orders/{order_id}/payment"): Rule(N.OWNER, path=order("bound", "/payment")),
    ("POST", "/api/purchase-orders/{order_id}/authorize-payment"): Rule(
        N.OWNER,
        {"validBefore": 1, "signature": "0x" + "11" * 65},
        order("bound", "/authorize-payment"),
        right=422,
    ),
    ("POST", "/api/purchase-orders/{order_id}/submit-payment"): Rule(
        N.OWNER, {"transactionHash": HASH}, order("bound", "/submit-payment"), right=422
    ),
    ("POST", "/api/purchase-orders/{order_id}/cancel"): Rule(N.OWNER, path=order("draft", "/cancel")),
    ("POST", "/api/purchase-orders/{order_id}/claim"): Rule(N.OWNER, path=order("liquidated", "/claim")),
    ("GET", "/api/claims/{claim_id}"): Rule(N.OWNER, path=claim("pending")),
    ("GET", "/api/claims/{claim_id}/evidence"): Rule(N.OWNER, path=claim("pending", "/evidence")),
    ("GET", "/api/claims/{claim_id}/redirect-message"): Rule(
        N.OWNER, path=claim("held", "/redirect-message"), query=TO
    ),
    ("GET", "/admin/claims"): Rule(N.ADMIN),
    ("GET", "/admin/claims/{claim_id}"): Rule(N.ADMIN, path=desk_claim("pending")),
    ("GET", "/admin/claims/{claim_id}/redirect-message"): Rule(
        N.ADMIN, path=desk_claim("held", "/redirect-message"), query=TO
    ),
    ("POST", "/admin/claims/{claim_id}/approve"): Rule(N.REVIEWER, WHY, desk_claim("doubtful", "/approve")),
    ("POST", "/admin/claims/{claim_id}/reject"): Rule(N.REVIEWER, WHY, desk_claim("others", "/reject")),
    ("POST", "/admin/claims/{claim_id}/refetch"): Rule(N.REVIEWER, path=desk_claim("pending", "/refetch")),
    ("POST", "/admin/claims/{claim_id}/reopen"): Rule(N.REVIEWER, WHY, desk_claim("approved", "/reopen")),
    ("POST", "/admin/claims/{claim_id}/mark-paid"): Rule(
        N.REVIEWER, {"multisigTxHash": HASH}, desk_claim("batched", "/mark-paid"), right=422
    ),
    ("POST", "/admin/claims/{claim_id}/redirect"): Rule(
        N.REVIEWER,
        {"recipient": STRANGERS_ADDRESS, "signature": "0x11"},
        desk_claim("held", "/redirect"),
        right=422,
    ),
    ("POST", "/admin/claims/{claim_id}/release"): Rule(N.REVIEWER, WHY, desk_claim("held", "/release")),
    ("GET", "/admin/payout/plan"): Rule(N.ADMIN),
    ("POST", "/admin/payout/batch"): Rule(N.OPERATOR, right=409),  # today's is built
    ("GET", "/admin/payout/batches"): Rule(N.ADMIN),
    ("GET", "/admin/payout/batches/{batch_id}"): Rule(N.ADMIN, path=batch()),
    ("GET", "/admin/payout/batches/{batch_id}/export.json"): Rule(N.OPERATOR, path=batch("/export.json")),
    ("GET", "/admin/payout/batches/{batch_id}/safe.json"): Rule(
        N.OPERATOR, path=batch("/safe.json"), query=SAFE
    ),
    ("GET", "/admin/payout/batches/{batch_id}/report.csv"): Rule(N.OPERATOR, path=batch("/report.csv")),
    ("GET", "/admin/payout/batches/{batch_id}/report.json"): Rule(N.OPERATOR, path=batch("/report.json")),
    ("GET", "/admin/payments/unmatched"): Rule(N.ADMIN),
    ("POST", "/admin/payments/unmatched/resolve"): Rule(
        N.OPERATOR, {"transaction": "unmatched", "logIndex": 0, "resolution": "refunded"}
    ),
    ("GET", "/admin/overview"): Rule(N.ADMIN),
    ("GET", "/admin/parameters"): Rule(N.ADMIN),
    ("GET", "/admin/pause/safe.json"): Rule(N.OPERATOR, query=SAFE),
    ("POST", "/internal/purchase-orders/{order_id}/mark-paid"): Rule(
        N.INTERNAL, WHY, lambda scene: f"/internal/purchase-orders/{scene.bound.id}/mark-paid"
    ),
    ("POST", "/internal/claims/onchain-trigger"): Rule(N.INTERNAL, {"purchaseOrderId": "liquidated"}),
    ("GET", "/internal/payment-authorizations"): Rule(N.INTERNAL),
    # What stops everything comes last; the session of whoever signs out is over.
    ("POST", "/admin/pause"): Rule(N.OPERATOR, {"paused": True, "reason": "drill"}),
    ("POST", "/api/sign-out"): Rule(N.NOTHING),
    ("POST", "/admin/sign-out"): Rule(N.NOTHING),
}

RIGHTFUL: dict[Needs, frozenset[str]] = {
    N.NOTHING: frozenset(
        {"nobody", "buyer", "other buyer", "reviewer", "operator", "internal", "forger", "former"}
    ),
    N.BUYER: frozenset({"buyer", "other buyer"}),
    N.OWNER: frozenset({"buyer"}),
    N.ADMIN: frozenset({"reviewer", "operator"}),
    N.REVIEWER: frozenset({"reviewer"}),
    N.OPERATOR: frozenset({"operator"}),
    N.INTERNAL: frozenset({"internal"}),
}
"""`forger`: sends the buyer's cookie under the admin application's name. `former`: had a role once."""


def refusal(needs: Needs, caller: str) -> int | None:
    """The status that keeps this caller out; None: the call is served."""
    if caller in RIGHTFUL[needs]:
        return None
    if needs is N.OWNER and caller == "other buyer":
        return 404
    signed_in_there = needs in {N.ADMIN, N.REVIEWER, N.OPERATOR} and caller in {
        "reviewer",
        "operator",
        "former",
    }
    return 403 if signed_in_there else 401


def api_routes(web: WebWorld) -> Iterator[tuple[str, str]]:
    """Method and path of each route of the API that the application serves."""
    for route in every_route(web.app.routes):
        if isinstance(route, ApiRoute):
            yield from ((method, route.path) for method in sorted(route.methods))


def every_route(routes: Any) -> Iterator[Any]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from every_route(included.routes)


def callers(web: WebWorld) -> dict[str, Browser]:
    """One of each kind."""
    access = web.service.access
    object.__setattr__(access, "reviewers", access.reviewers | {FORMER.address.lower()})
    former = web.desk(FORMER)
    object.__setattr__(access, "reviewers", access.reviewers - {FORMER.address.lower()})
    forger = web.browser(BUYER)
    token = forger.client.cookies["__Host-liqpass"]
    forger.client.cookies.clear()
    forger.client.headers["Cookie"] = f"__Host-liqpass-admin={token}"
    return {
        "nobody": web.browser(),
        "buyer": web.browser(BUYER),
        "other buyer": web.browser(OTHER_BUYER),
        "reviewer": web.desk(REVIEWER),
        "operator": web.desk(OPERATOR),
        "internal": web.internal(),
        "forger": forger,
        "former": former,
    }


def call(browser: Browser, method: str, rule: Rule, path: str, scene: Scene, **headers: str) -> Any:
    body = rule.body
    named = {"liquidated": scene.liquidated.id, "unmatched": scene.unmatched_tx}
    if isinstance(body, dict):
        body = {
            key: named.get(value, value) if isinstance(value, str) else value for key, value in body.items()
        }
    at = (rule.path(scene) if rule.path is not None else path) + rule.query
    return browser.get(at) if method == "GET" else browser.post(at, body, method=method, **headers)


def test_matrix__every_route__is_in_the_table(web: WebWorld) -> None:
    assert set(api_routes(web)) == set(RULES)


def test_pages__every_route_that_is_not_of_the_api__only_reads(web: WebWorld) -> None:
    pages = [route for route in every_route(web.app.routes) if not isinstance(route, ApiRoute)]

    methods = {method for page in pages for method in (getattr(page, "methods", None) or {"GET"})}
    assert methods == {"GET", "HEAD"}


def test_matrix__whoever_has_no_right__kept_out_and_nothing_changed(roomy: WebWorld) -> None:
    scene, who = set_up(roomy), callers(roomy)
    before, wrong = roomy.snapshot(), []

    for (method, path), rule in RULES.items():
        for name, browser in who.items():
            expected = refusal(rule.needs, name)
            if expected is None:
                continue
            answer = call(browser, method, rule, path, scene)
            if answer.status_code != expected or answer.headers["content-type"] != "application/problem+json":
                wrong.append(f"{method} {path} by {name}: {answer.status_code}, expected {expected}")
        if method != "GET" and rule.needs not in {N.NOTHING, N.INTERNAL}:
            for name in RIGHTFUL[rule.needs]:
                answer = call(who[name], method, rule, path, scene, X_CSRF_Token="")
                if (answer.status_code, answer.json().get("code")) != (403, "CSRF_TOKEN_WRONG"):
                    wrong.append(f"{method} {path} by {name} without CSRF token: {answer.status_code}")

    assert wrong == []
    assert changed(before, roomy.snapshot()) == []


def changed(before: list[tuple[object, ...]], after: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Rows of either that the other has not, but for the keys of requests."""
    return [row for row in {*before} ^ {*after} if row[0] != "idempotency_keys"]


def test_matrix__whoever_has_the_right__served(roomy: WebWorld) -> None:
    scene, who, wrong = set_up(roomy), callers(roomy), []

    for (method, path), rule in RULES.items():
        # One caller is enough for what can be done only once.
        names = sorted(RIGHTFUL[rule.needs])[: None if method == "GET" else 1]
        for name in names:
            answer = call(who[name], method, rule, path, scene)
            if answer.status_code != rule.right:
                wrong.append(f"{method} {path} by {name}: {answer.status_code} {answer.text[:200]}")

    assert wrong == []


def test_sign_out__with_a_session__needs_its_csrf_token(web: WebWorld) -> None:
    for browser, path in ((web.browser(BUYER), "/api"), (web.desk(OPERATOR), "/admin")):
        answer = browser.post(f"{path}/sign-out", X_CSRF_Token="")

        assert (answer.status_code, answer.json()["code"]) == (403, "CSRF_TOKEN_WRONG")
        assert browser.get(f"{path}/session").json()["address"] is not None


def is_missing(answer: Any) -> bool:
    """Whether the router knows no such route."""
    return answer.status_code == 404 and answer.json()["code"] == "NOT_FOUND"


CLOSED = ("/admin", "/internal", "/metrics")
COMMON = {("GET", "/healthz"), ("GET", "/readyz")}


@pytest.mark.parametrize("part", [Part.PUBLIC, Part.ADMIN])
def test_part__alone__only_its_own_routes_exist(tmp_path: Path, part: Part) -> None:
    web = WebWorld(tmp_path, ROOMY, part=part)
    scene = set_up(web)
    realm = Realm.ADMIN if part is Part.ADMIN else Realm.PUBLIC
    client = TestClient(web.app, base_url=web.service.access.origin(realm))
    client.headers["x-internal-key"] = INTERNAL_KEY
    browser = Browser(client, realm)

    there = {
        (method, path)
        for (method, path), rule in RULES.items()
        if not is_missing(call(browser, method, rule, path, scene))
    }

    closed = {route for route in RULES if route[1].startswith(CLOSED)}
    assert there == COMMON | (closed if part is Part.ADMIN else set(RULES) - closed)
