"""What an attacker tries: others' things, script, formulas, other hosts, forged headers, leaked secrets."""

from __future__ import annotations

import csv
import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from liqpass import identity
from liqpass.records import Claim
from paper_chain import OTHER_BUYER as STRANGERS_ADDRESS
from payout_steps import build
from scenes import lower
from web_world import (
    BUYER,
    INTERNAL_KEY,
    OPERATOR,
    OTHER_BUYER,
    REVIEWER,
    SECOND_REVIEWER,
    Browser,
    WebWorld,
)
from worlds import MASTER_KEY

NOWHERE = "00000000-0000-4000-8000-000000000000"
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def bare(answer: Any, given_id: str) -> tuple[int, str]:
    """Status and body without what differs between any two requests."""
    body = answer.text.replace(given_id, "ID").replace(answer.headers["x-request-id"], "REQUEST")
    return answer.status_code, body


OTHERS_CLAIM = ("", "/evidence", f"/redirect-message?recipient={STRANGERS_ADDRESS}")
OTHERS_ORDER: dict[str, Any] = {
    "/bind-okx": {"instId": "BTC-USDT-SWAP", "posId": "1"},
    "/submit-payment": {"transactionHash": "0x" + "11" * 32},
    "/authorize-payment": {"validBefore": 1, "signature": "0x11"},
    "/cancel": {},
    "/claim": None,
}


def test_others__claim_evidence_message__same_answer_as_for_none(web: WebWorld) -> None:
    claim = web.claimed("alice", lower(BUYER))
    other = web.browser(OTHER_BUYER)

    for rest in OTHERS_CLAIM:
        theirs, none = other.get(f"/api/claims/{claim.id}{rest}"), other.get(f"/api/claims/{NOWHERE}{rest}")

        assert bare(theirs, claim.id) == bare(none, NOWHERE)
        assert theirs.status_code == 404


def test_others__order__same_answer_as_for_none_and_nothing_changed(web: WebWorld) -> None:
    order = web.bound("alice", lower(BUYER))
    other = web.browser(OTHER_BUYER)
    before = [row for row in web.snapshot() if row[0] != "idempotency_keys"]

    for rest, body in OTHERS_ORDER.items():
        theirs = other.post(f"/api/purchase-orders/{order.id}{rest}", body)
        none = other.post(f"/api/purchase-orders/{NOWHERE}{rest}", body)
        assert bare(theirs, order.id) == bare(none, NOWHERE)
        assert theirs.status_code == 404
    for rest in ("", "/payment"):
        theirs = other.get(f"/api/purchase-orders/{order.id}{rest}")
        assert bare(theirs, order.id) == bare(other.get(f"/api/purchase-orders/{NOWHERE}{rest}"), NOWHERE)
    theirs = other.post("/claim", {"orderId": order.id})
    assert bare(theirs, order.id) == bare(other.post("/claim", {"orderId": NOWHERE}), NOWHERE)

    assert [row for row in web.snapshot() if row[0] != "idempotency_keys"] == before


def test_own_claim__reviewer_who_is_its_buyer__refused_everywhere(web: WebWorld) -> None:
    claim = web.claimed("alice", lower(REVIEWER))
    desk = web.desk(REVIEWER)

    for rest, body in (("approve", {}), ("reject", {"reason": "x"}), ("refetch", None)):
        answer = desk.post(f"/admin/claims/{claim.id}/{rest}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "OWN_CLAIM")


def test_free_text__script__comes_back_as_data_in_json_only(web: WebWorld) -> None:
    claim = web.claimed("alice", lower(BUYER))
    order = web.bound("bob", lower(OTHER_BUYER))
    desk, operator, buyer = web.desk(REVIEWER), web.desk(OPERATOR), web.browser(BUYER)

    answers = [
        desk.post(f"/admin/claims/{claim.id}/reject", {"reason": SCRIPT, "final": True}),
        web.internal().post(f"/internal/purchase-orders/{order.id}/mark-paid", {"reason": SCRIPT}),
        buyer.get(f"/api/claims/{claim.id}"),
        desk.get(f"/admin/claims/{claim.id}"),
        web.browser(OTHER_BUYER).get(f"/api/purchase-orders/{order.id}"),
        operator.post("/admin/pause", {"paused": True, "reason": SCRIPT}),
        web.browser().client.post("/api/quote", json={}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 200, 409]
    for answer in answers:
        assert answer.headers["content-type"] in ("application/json", "application/problem+json")
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert answers[2].json()["rejectionReason"] == SCRIPT


FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    '"=1+1',
    "'=1+1",
    " =1+1",
    ";=1+1",
    ",=1+1",
    '=HYPERLINK("http://x")',
]


@pytest.mark.parametrize("text", FORMULAS)
def test_report__formula_as_the_reason_for_paid_by_hand__no_cell_is_one(web: WebWorld, text: str) -> None:
    order = web.bound("alice", lower(BUYER))
    marked = web.internal().post(f"/internal/purchase-orders/{order.id}/mark-paid", {"reason": text})
    assert marked.status_code == 200
    web.chain.mine(seconds=web.parameters.waiting_s + 1)
    web.liquidate("alice")
    claim = web.browser(BUYER).post("/claim", {"orderId": order.id}).json()
    web.desk(REVIEWER).post(f"/admin/claims/{claim['claimId']}/approve", {"reason": text})
    batch = build(web).batch.id

    report = web.desk(OPERATOR).get(f"/admin/payout/batches/{batch}/report.csv")

    cells = [cell for row in csv.reader(io.StringIO(report.text)) for cell in row]
    assert any(text.strip() in cell for cell in cells)
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert report.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    "inst_id",
    [
        "../../evil",
        "BTC-USDT-SWAP?x=1",
        "BTC-USDT-SWAP#x",
        "BTC-USDT-SWAP\r\nHost: evil.test",
        "BTC-USDT-SWAP&instType=SPOT",
        "//evil.test/BTC-USDT",
        "http://evil.test",
        "BTC-USDT-SWAP\n",
        "btc-usdt-swap",
        "",
    ],
)
def test_bind__instrument_that_would_change_the_request_to_okx__refused(web: WebWorld, inst_id: str) -> None:
    buyer = web.browser(BUYER)
    order = buyer.post("/api/purchase-orders", {}).json()["orderId"]

    answer = buyer.post(f"/api/purchase-orders/{order}/bind-okx", {"instId": inst_id, "posId": "1"})

    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_REQUEST")


@pytest.mark.parametrize("field", ["host", "okxHost", "baseUrl", "url", "proxy"])
def test_bind__field_that_names_a_host__refused(web: WebWorld, field: str) -> None:
    buyer = web.browser(BUYER)
    order = buyer.post("/api/purchase-orders", {}).json()["orderId"]
    key = {"apiKey": "k", "secret": "s", "passphrase": "p"}

    answers = [
        buyer.post("/api/me/okx-key", {**key, field: "http://169.254.169.254/"}, method="PUT"),
        buyer.post(
            f"/api/purchase-orders/{order}/bind-okx",
            {"instId": "BTC-USDT-SWAP", "posId": "1", "key": key, field: "http://evil.test"},
        ),
    ]

    assert [answer.json()["code"] for answer in answers] == ["INVALID_REQUEST"] * 2


def test_okx_key__characters_of_a_header_line__refused_or_unknown_and_never_a_fault(web: WebWorld) -> None:
    buyer = web.browser(BUYER)

    for text in ("k\r\nX-Evil: 1", "k\x00", "\u4e0a\u6d77", "k" * 257):
        answer = buyer.post(
            "/api/me/okx-key", {"apiKey": text, "secret": text, "passphrase": text}, method="PUT"
        )
        assert answer.status_code == 422


def test_host_header__forged__sign_in_is_for_the_configured_origin(web: WebWorld) -> None:
    forged = {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"}

    answer = web.browser().client.post("/api/sign-in/nonce", json={"address": BUYER.address}, headers=forged)

    assert answer.json()["message"].startswith("cover.test wants you to sign in")
    assert "evil" not in answer.text + str(answer.headers)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_method_override__ignored(web: WebWorld, header: str) -> None:
    buyer = web.browser(BUYER)

    answer = buyer.get("/api/me/policies", headers={header: "DELETE"})
    by_query = buyer.get("/api/me/okx-key?_method=DELETE")

    assert (answer.status_code, by_query.status_code) == (200, 200)
    assert buyer.post("/api/me/policies", {}).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/__init__.py",
        "/static/..%2f..%2fapp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..\\app.py",
        "/static/css/../../__init__.py",
        "/static/%00",
        "/static/",
    ],
)
def test_static__path_that_leads_out__not_found(web: WebWorld, path: str) -> None:
    answer = web.browser().get(path)

    assert answer.status_code == 404
    assert "import" not in answer.text and "root:" not in answer.text


def test_query__oversized__refused_without_a_fault(web: WebWorld) -> None:
    desk = web.desk(REVIEWER)

    for query in (
        "search=" + "x" * 50_000,
        "cursor=" + "%ff" * 500,
        "limit=9999999999999999999999",
        "status=%00",
    ):
        answer = desk.get(f"/admin/claims?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_REQUEST")


def test_search__what_names_nothing__refused(web: WebWorld) -> None:
    web.claimed("alice", lower(BUYER))
    desk = web.desk(REVIEWER)

    for search in ("%", "_", "' OR 1=1 --", '"', "\\"):
        answer = desk.get("/admin/claims", params={"search": search})
        assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT"), search


@pytest.mark.parametrize("cursor", ["x", "0", "' OR 1=1", "-1:zz", "9" * 70, "\u0661:x"])
def test_queue__cursor_that_is_none__refused_or_empty(web: WebWorld, cursor: str) -> None:
    answer = web.desk(REVIEWER).get("/admin/claims", params={"cursor": cursor})

    assert answer.status_code in (200, 422)


def sent_secrets(web: WebWorld, browsers: list[Browser]) -> dict[str, list[str]]:
    """What no answer, log line or row may hold; and, apart, what only the sign-in's answer may."""
    account = web.okx.exchange.account("alice")
    keys = [key.credentials for key in account.keys.values()]
    tokens = [value for browser in browsers for value in browser.client.cookies.values()]
    return {
        "never": [text for key in keys for text in (key.api_key, key.secret, key.passphrase)]
        + [account.uid, INTERNAL_KEY, MASTER_KEY.hex()],
        "once": tokens,
        "csrf": [browser.csrf for browser in browsers],
    }


def test_story__every_answer_log_and_row__no_secret(
    web: WebWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pos_id = web.trader("alice")
    credentials = web.credentials("alice")
    key = {"apiKey": credentials.api_key, "secret": credentials.secret, "passphrase": credentials.passphrase}
    buyer, desk, second = web.browser(BUYER), web.desk(REVIEWER), web.desk(SECOND_REVIEWER)
    order = buyer.post("/api/purchase-orders", {}).json()["orderId"]
    at = f"/api/purchase-orders/{order}"
    answers = [
        buyer.post("/api/me/okx-key", key, method="PUT"),
        buyer.get("/api/me/okx-key"),
        buyer.get("/api/me/okx-positions"),
        buyer.post(f"{at}/bind-okx", {"instId": "BTC-USDT-SWAP", "posId": pos_id, "key": key}),
        buyer.get(f"{at}/payment"),
        web.internal().post(f"/internal/purchase-orders/{order}/mark-paid", {"reason": "by bank"}),
        buyer.post("/api/me/okx-key", {**key, "apiKey": 1}, method="PUT"),
        buyer.post("/api/me/okx-key", {**key, "apiKey": "unknown"}, method="PUT"),
    ]
    web.chain.mine(seconds=web.parameters.waiting_s + 1)
    web.liquidate("alice")
    answers.append(buyer.post(f"{at}/claim"))
    claim = answers[-1].json()["claimId"]
    answers += [
        buyer.get(f"/api/claims/{claim}/evidence"),
        desk.get(f"/admin/claims/{claim}"),
        desk.post(f"/admin/claims/{claim}/approve", {"reason": "ok"}),
        second.get("/admin/claims"),
    ]
    batch = build(web).batch.id
    operator = web.desk(OPERATOR)
    answers += [
        operator.get(f"/admin/payout/batches/{batch}/{name}")
        for name in ("export.json", "report.csv", "report.json")
    ]
    answers += [operator.get(path) for path in ("/admin/overview", "/metrics", "/openapi.json", "/console")]
    _break(web)
    late = web.browser(BUYER)  # the first session is over by now
    answers.append(late.post(f"{at}/claim"))
    assert [answer.status_code for answer in answers] == [200] * 6 + [422] * 2 + [200] * 12 + [500]

    secrets = sent_secrets(web, [buyer, late, desk, second, operator])
    shown = "\n".join(answer.text + str(answer.headers) for answer in answers)
    rows = repr(web.snapshot())
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for secret in secrets["never"] + secrets["once"]:
        assert secret not in shown
        assert secret not in logged
        assert secret not in rows
        assert secret.encode() not in files
    for csrf in secrets["csrf"]:
        assert csrf not in logged
        assert all(csrf not in answer.text for answer in answers if "json" in answer.headers["content-type"])


def _break(web: WebWorld) -> None:
    """The next claim meets a fault of ours whose message is a secret."""
    credentials = web.credentials("alice")

    def broken(*args: object, **kwargs: object) -> Claim:
        raise RuntimeError(f"{credentials.secret} {INTERNAL_KEY}")

    object.__setattr__(web.do.claiming, "submit", broken)


def test_same_secret__compares_in_constant_time_by_the_standard_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(
        identity.hmac,
        "compare_digest",
        lambda a, b: compared.append((a, b)) or a == b,  # type: ignore[func-returns-value]
    )

    assert identity.same_secret("key", b"key")
    assert not identity.same_secret("\u00fc", b"key")
    assert compared == [(b"key", b"key"), ("\u00fc".encode(), b"key")]


def test_internal_key_and_csrf__wrong_from_the_first_or_last_byte__compared_by_same_secret(
    web: WebWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liqpass.entrypoints.web import identity as web_identity  # noqa: PLC0415

    asked: list[bytes] = []

    def recording(given: str, wanted: bytes) -> bool:
        asked.append(wanted)
        return identity.same_secret(given, wanted)

    monkeypatch.setattr(web_identity, "same_secret", recording)
    buyer = web.browser(BUYER)
    buyer.post("/api/purchase-orders", {})
    web.internal().get("/internal/payment-authorizations")

    assert asked == [buyer.csrf.encode(), INTERNAL_KEY.encode()]


def test_audit__every_change_by_request__names_the_request(web: WebWorld) -> None:
    claim = web.claimed("alice", lower(BUYER))
    desk = web.desk(REVIEWER)

    desk.post(f"/admin/claims/{claim.id}/approve", {"reason": "ok"}, X_Request_Id="trace-approve")
    desk.post(f"/admin/claims/{claim.id}/reopen", {"reason": "no"}, X_Request_Id="trace-reopen")

    entries = web.controlling.audit_entries(subject=f"claim/{claim.id}")
    named = {(entry.action, entry.details.get("requestId")) for entry in entries}
    assert {
        ("CLAIM_REVIEWED", "trace-approve"),
        ("CLAIM_APPROVED", "trace-approve"),
        ("CLAIM_REOPENED", "trace-reopen"),
    } <= named


def test_json__answers__never_carry_ids_of_the_okx_account(web: WebWorld) -> None:
    claim = web.claimed("alice", lower(BUYER))
    shown = json.dumps(web.browser(BUYER).get(f"/api/claims/{claim.id}").json())

    assert web.okx.exchange.account("alice").uid not in shown
