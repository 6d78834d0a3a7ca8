"""A hundred clicks at once, as one request sent again or as requests of their own: one effect."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from payout_steps import next_morning
from scenes import lower
from starlette.testclient import TestClient
from web_world import BUYER, OPERATOR, REVIEWER, Browser, WebWorld

CLICKS = 100
KeyOf = Callable[[int], str]
KEYS: dict[str, KeyOf] = {"the same key": lambda _: "click", "keys of their own": lambda i: f"click-{i}"}
keyed = pytest.mark.parametrize("key_of", KEYS.values(), ids=KEYS)


def clicked(web: WebWorld, browser: Browser, path: str, body: Any, key_of: KeyOf) -> list[Any]:
    """The answers to CLICKS equal posts of one session that start together."""
    start = threading.Barrier(CLICKS)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())

    def click(index: int) -> Any:
        client = TestClient(web.app, base_url=str(browser.client.base_url), raise_server_exceptions=False)
        sent = {"Cookie": cookies, "X-CSRF-Token": browser.csrf, "Idempotency-Key": key_of(index)}
        start.wait(60)
        return client.post(path, json=body, headers=sent)

    with ThreadPoolExecutor(CLICKS) as pool:
        return list(pool.map(click, range(CLICKS)))


def outcomes(answers: list[Any]) -> Counter[str]:
    """How many answers there are of each kind: `200`, or status and code."""
    return Counter(
        "200" if answer.status_code == 200 else f"{answer.status_code} {answer.json()['code']}"
        for answer in answers
    )


def actions(web: WebWorld) -> Counter[str]:
    """The audit log's actions; its chain is unbroken."""
    assert web.controlling.verify_audit(None)[1] is None
    return Counter(entry.action for entry in web.controlling.audit_entries())


def assert_one_won(answers: list[Any], key_of: KeyOf, *lost: str) -> None:
    """One was served; with one key it is the same answer for all who did not come too early."""
    seen = outcomes(answers)
    if key_of(0) == key_of(1):
        assert set(seen) <= {"200", "409 IDEMPOTENCY_IN_FLIGHT"}
        assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
        replayed = [answer for answer in answers if "idempotent-replayed" in answer.headers]
        assert len(replayed) == seen["200"] - 1
    else:
        assert seen["200"] == 1
        assert set(seen) <= {"200", *lost}


@keyed
def test_claim__clicked_a_hundred_times__one_claim_fetched_once(web: WebWorld, key_of: KeyOf) -> None:
    order = web.covered("alice", lower(BUYER))
    web.liquidate("alice")

    answers = clicked(web, web.browser(BUYER), "/claim", {"orderId": order.id}, key_of)

    assert set(outcomes(answers)) <= {"200", "409 IDEMPOTENCY_IN_FLIGHT"}
    assert len({answer.json()["claimId"] for answer in answers if answer.status_code == 200}) == 1
    assert (web.okx.fetches, len(web.do.reviewing.listed())) == (1, 1)
    said = actions(web)
    assert (said["CLAIM_REQUESTED"], said["CLAIM_VERIFIED"]) == (2, 1)  # order and claim; the claim


@keyed
def test_approve__clicked_a_hundred_times__one_review(web: WebWorld, key_of: KeyOf) -> None:
    claim = web.claimed("alice", lower(BUYER))

    answers = clicked(web, web.desk(REVIEWER), f"/admin/claims/{claim.id}/approve", None, key_of)

    assert_one_won(answers, key_of, "409 ILLEGAL_TRANSITION", "409 STALE_STATE")
    claim, reviews = web.do.reviewing.show(claim.id)
    assert (claim.state, len(reviews)) == ("APPROVED", 1)
    assert (actions(web)["CLAIM_REVIEWED"], actions(web)["CLAIM_APPROVED"]) == (1, 2)


@keyed
def test_reject__clicked_a_hundred_times__one_rejection(web: WebWorld, key_of: KeyOf) -> None:
    claim = web.claimed("alice", lower(BUYER))
    body = {"reason": "no", "final": True}

    answers = clicked(web, web.desk(REVIEWER), f"/admin/claims/{claim.id}/reject", body, key_of)

    assert_one_won(answers, key_of, "409 ILLEGAL_TRANSITION", "409 STALE_STATE")
    claim, reviews = web.do.reviewing.show(claim.id)
    assert (claim.state, len(reviews)) == ("REJECTED", 1)
    assert (actions(web)["CLAIM_REVIEWED"], actions(web)["CLAIM_REJECTED"]) == (1, 2)


@keyed
def test_batch__clicked_a_hundred_times__one_batch(web: WebWorld, key_of: KeyOf) -> None:
    claim = web.approved("alice", lower(BUYER))
    next_morning(web)

    answers = clicked(web, web.desk(OPERATOR), "/admin/payout/batch", None, key_of)

    assert_one_won(answers, key_of, "409 CONFLICT")
    assert len(web.do.building.listed()) == 1
    assert web.do.reviewing.show(claim.id)[0].state == "BATCHED"
    assert (actions(web)["BATCH_BUILT"], actions(web)["CLAIM_BATCHED"]) == (1, 1)
