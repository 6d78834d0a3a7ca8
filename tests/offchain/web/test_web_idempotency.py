"""Idempotency-Key: the same bytes again, another request refused, one that is in flight too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from liqpass.adapters.database.idempotency_rows import KEPT_MS, LEASE_MS
from web_world import BUYER, OTHER_BUYER, WebWorld

ORDERS = "/api/purchase-orders"


def test_post__same_key_and_body__same_bytes_and_one_order(web: WebWorld) -> None:
    buyer = web.browser(BUYER)

    first = buyer.post(ORDERS, {"premiumAmountUsdc": "1.00"}, Idempotency_Key="k")
    again = buyer.post(ORDERS, {"premiumAmountUsdc": "1.00"}, Idempotency_Key="k")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(buyer.get("/api/me/policies").json()["policies"]) == 1


def test_post__same_key_other_body__refused(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    buyer.post(ORDERS, {}, Idempotency_Key="k")

    answer = buyer.post(ORDERS, {"policyType": "OKX_24H"}, Idempotency_Key="k")

    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_post__same_key_other_route__refused(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    buyer.post(ORDERS, {}, Idempotency_Key="k")

    answer = buyer.post("/purchase", {}, Idempotency_Key="k")

    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_post__same_key_of_two_buyers__both_served(web: WebWorld) -> None:
    first = web.browser(BUYER).post(ORDERS, {}, Idempotency_Key="k")
    second = web.browser(OTHER_BUYER).post(ORDERS, {}, Idempotency_Key="k")

    assert first.json()["orderId"] != second.json()["orderId"]


def test_post__refusal_of_a_use_case__kept_too(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    refused = buyer.post(ORDERS, {"premiumAmountUsdc": "2.00"}, Idempotency_Key="k")
    again = buyer.post(ORDERS, {"premiumAmountUsdc": "2.00"}, Idempotency_Key="k")

    assert (refused.status_code, refused.json()["code"]) == (422, "MONEY_DIFFERS_FROM_QUOTE")
    assert refused.content == again.content


def test_post__refused_before_any_use_case__key_free_again(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    wrong_csrf = buyer.post(ORDERS, {}, Idempotency_Key="k", X_CSRF_Token="no")
    malformed = buyer.post(ORDERS, {"chainId": "one"}, Idempotency_Key="k")
    good = buyer.post(ORDERS, {}, Idempotency_Key="k")

    assert [wrong_csrf.status_code, malformed.status_code, good.status_code] == [403, 422, 200]


def test_post__while_the_first_is_in_flight__409_and_its_answer_afterwards(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    entered, may_end = threading.Event(), threading.Event()
    selling = web.do.selling.create_order

    def slow(*args: object, **kwargs: object) -> object:
        entered.set()
        assert may_end.wait(30)
        return selling(*args, **kwargs)  # type: ignore[arg-type]

    object.__setattr__(web.do.selling, "create_order", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(buyer.post, ORDERS, {}, Idempotency_Key="k")
        assert entered.wait(30)
        during = buyer.post(ORDERS, {}, Idempotency_Key="k")
        may_end.set()
        ended = first.result(30)
    after = buyer.post(ORDERS, {}, Idempotency_Key="k")

    assert (during.status_code, during.json()["code"]) == (409, "IDEMPOTENCY_IN_FLIGHT")
    assert during.headers["retry-after"] == "5"
    assert ended.content == after.content


def test_begin__holder_died__taken_again_after_its_lease_and_the_dead_one_cannot_finish(
    web: WebWorld,
) -> None:
    idempotency, now_ms = web.service.idempotency, web.clock.now_ms()
    assert idempotency.begin("c", "k", "a" * 64, now_ms) is None

    answer = web.browser(BUYER)  # unrelated work goes on meanwhile
    assert answer.get("/api/session").status_code == 200
    assert idempotency.begin("c", "k", "a" * 64, now_ms + LEASE_MS) is None

    idempotency.release("c", "k", now_ms)  # the dead one wakes up: the key is another's now
    assert idempotency.purge(now_ms + LEASE_MS + KEPT_MS) == 1


def test_post__fault_of_ours__500_without_a_word_of_it_and_the_key_is_free(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    selling = web.do.selling.create_order

    def broken(*args: object, **kwargs: object) -> object:
        raise RuntimeError("secret words of a fault")

    object.__setattr__(web.do.selling, "create_order", broken)
    fault = buyer.post(ORDERS, {}, Idempotency_Key="k")
    object.__setattr__(web.do.selling, "create_order", selling)
    good = buyer.post(ORDERS, {}, Idempotency_Key="k")

    assert (fault.status_code, fault.json()["code"]) == (500, "INTERNAL")
    assert "secret words" not in fault.text
    assert good.status_code == 200


def test_post__key_that_is_none__refused(web: WebWorld) -> None:
    buyer = web.browser(BUYER)

    answers = [buyer.post(ORDERS, {}, Idempotency_Key=key) for key in ("with space", "x" * 129)]

    assert [answer.json()["code"] for answer in answers] == ["INVALID_IDEMPOTENCY_KEY"] * 2


def test_sign_in__with_a_key__its_answer_is_kept_nowhere(web: WebWorld) -> None:
    client = web.browser().client
    text = client.post("/api/sign-in/nonce", json={"address": BUYER.address}).json()["message"]
    body = {"message": text, "signature": BUYER.sign(text)}

    first = client.post("/api/sign-in", json=body, headers={"Idempotency-Key": "k"})
    again = client.post("/api/sign-in", json=body, headers={"Idempotency-Key": "k"})

    assert (first.status_code, again.json()["code"]) == (200, "SIGN_IN_NONCE_UNKNOWN")
    assert first.json()["csrfToken"] not in again.text


def test_internal__answer_kept_under_a_key__not_given_without_the_internal_key(web: WebWorld) -> None:
    order = web.bound("alice", BUYER.address)
    path = f"/internal/purchase-orders/{order.id}/mark-paid"
    paid = web.internal().post(path, {"reason": "bank transfer"}, Idempotency_Key="k")

    stranger = web.browser().post(path, {"reason": "bank transfer"}, Idempotency_Key="k")
    other_body = web.browser().post(path, {"reason": "guess"}, Idempotency_Key="k")

    assert paid.status_code == 200
    assert [each.json()["code"] for each in (stranger, other_body)] == ["INTERNAL_KEY_WRONG"] * 2


def test_post__nobody_with_a_key__served_and_kept_nowhere(web: WebWorld) -> None:
    nobody = web.browser()

    answers = [nobody.post("/api/quote", Idempotency_Key="k") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert not any("idempotent-replayed" in answer.headers for answer in answers)
    assert web.service.idempotency.purge(web.clock.now_ms() + KEPT_MS) == 0
