"""Signing in: what is accepted, and each forgery and replay that is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from liqpass.entrypoints.web.service import Realm
from liqpass.identity import STATEMENTS
from web_world import ADMIN_ORIGIN, BUYER, OPERATOR, ORIGIN, OTHER_BUYER, REVIEWER, STRANGER, WebWorld


def message_for(web: WebWorld, address: str, realm: Realm = Realm.PUBLIC) -> str:
    prefix = "/admin" if realm is Realm.ADMIN else "/api"
    answer = web.browser(realm=realm).client.post(f"{prefix}/sign-in/nonce", json={"address": address})
    assert answer.status_code == 200
    return str(answer.json()["message"])


def code_of(web: WebWorld, text: str, signature: str, realm: Realm = Realm.PUBLIC) -> tuple[int, str]:
    prefix = "/admin" if realm is Realm.ADMIN else "/api"
    answer = web.browser(realm=realm).client.post(
        f"{prefix}/sign-in", json={"message": text, "signature": signature}
    )
    return answer.status_code, answer.json().get("code", "")


def test_sign_in__own_signature__session_in_a_cookie_that_scripts_and_other_hosts_never_see(
    web: WebWorld,
) -> None:
    text = message_for(web, BUYER.address)
    answer = web.browser().client.post("/api/sign-in", json={"message": text, "signature": BUYER.sign(text)})

    assert answer.status_code == 200
    assert answer.json()["address"] == BUYER.address
    cookie = answer.headers["set-cookie"]
    name, _, rest = cookie.partition("=")
    attributes = {part.strip().lower() for part in rest.split(";")[1:]}
    assert name == "__Host-liqpass"
    assert {"secure", "httponly", "samesite=strict", "path=/", "max-age=3600"} <= attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)


def test_sign_in__message_replayed__refused(web: WebWorld) -> None:
    text = message_for(web, BUYER.address)
    signature = BUYER.sign(text)
    assert code_of(web, text, signature) == (200, "")

    assert code_of(web, text, signature) == (422, "SIGN_IN_NONCE_UNKNOWN")


CHANGES: dict[str, tuple[Callable[[str], str], str]] = {
    "another domain": (
        lambda text: text.replace("cover.test wants", "evil.test wants"),
        "SIGN_IN_WRONG_DOMAIN",
    ),
    "another uri": (
        lambda text: text.replace("URI: https://cover.test", "URI: https://evil.test"),
        "SIGN_IN_WRONG_DOMAIN",
    ),
    "another chain": (lambda text: text.replace("Chain ID: 31337", "Chain ID: 8453"), "SIGN_IN_WRONG_CHAIN"),
    "a nonce of its own": (
        lambda text: text.replace(text.split("Nonce: ")[1].split("\n")[0], "ab" * 16),
        "SIGN_IN_NONCE_UNKNOWN",
    ),
    "no end": (lambda text: text.split("\nExpiration Time")[0], "SIGN_IN_MALFORMED"),
    "over since a year": (
        lambda text: text.replace("Expiration Time: 2026", "Expiration Time: 2025"),
        "SIGN_IN_EXPIRED",
    ),
    "other capitals": (lambda text: text.replace(BUYER.address, BUYER.address.lower()), "SIGN_IN_MALFORMED"),
    "the other application's statement": (
        lambda text: text.replace(STATEMENTS["public"], STATEMENTS["admin"]),
        "SIGN_IN_WRONG_DOMAIN",
    ),
    "issued long ago": (lambda text: text.replace("Issued At: 2026", "Issued At: 2025"), "SIGN_IN_EXPIRED"),
    "issued in the future": (
        lambda text: text.replace("Issued At: 2026", "Issued At: 2027"),
        "SIGN_IN_EXPIRED",
    ),
    "not valid yet": (lambda text: text + "\nNot Before: 2027-01-01T00:00:00.000Z", "SIGN_IN_MALFORMED"),
    "a line more": (lambda text: text + "\nAmount: 1000", "SIGN_IN_MALFORMED"),
    "four thousand characters of nothing": (lambda text: "x" * 4_000, "SIGN_IN_MALFORMED"),
    "no message": (lambda text: "sign me", "SIGN_IN_MALFORMED"),
    "a version of tomorrow": (lambda text: text.replace("Version: 1", "Version: 2"), "SIGN_IN_MALFORMED"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_sign_in__message_with_a_change_that_its_wallet_signed__refused(web: WebWorld, change: str) -> None:
    alter, code = CHANGES[change]
    text = alter(message_for(web, BUYER.address))

    assert code_of(web, text, BUYER.sign(text)) == (422, code)


def test_sign_in__after_its_nonce_is_over__refused(web: WebWorld) -> None:
    text = message_for(web, BUYER.address)
    web.clock.ahead_ms += 600_000

    assert code_of(web, text, BUYER.sign(text)) == (422, "SIGN_IN_EXPIRED")


def test_sign_in__signed_by_another_wallet__refused_and_the_nonce_is_still_good(web: WebWorld) -> None:
    text = message_for(web, BUYER.address)

    assert code_of(web, text, STRANGER.sign(text)) == (422, "SIGN_IN_WRONG_SIGNATURE")
    assert code_of(web, text, BUYER.sign(text)) == (200, "")


@pytest.mark.parametrize("signature", ["0x00", "0x" + "00" * 65, "0x" + "ff" * 65, "0x" + "11" * 2000])
def test_sign_in__signature_that_is_none__refused(web: WebWorld, signature: str) -> None:
    assert code_of(web, message_for(web, BUYER.address), signature) == (422, "SIGN_IN_WRONG_SIGNATURE")


def test_sign_in__signed_for_the_public_application__worth_nothing_at_the_admin_one(web: WebWorld) -> None:
    text = message_for(web, REVIEWER.address)

    assert code_of(web, text, REVIEWER.sign(text), Realm.ADMIN) == (422, "SIGN_IN_WRONG_DOMAIN")


def test_sign_in__admin_without_a_role__refused(web: WebWorld) -> None:
    text = message_for(web, STRANGER.address, Realm.ADMIN)

    assert code_of(web, text, STRANGER.sign(text), Realm.ADMIN) == (403, "ROLE_MISSING")


def test_session__cookie_of_one_realm_under_the_name_of_the_other__nobody(web: WebWorld) -> None:
    buyer = web.browser(REVIEWER)
    token = buyer.client.cookies["__Host-liqpass"]

    desk = web.browser(realm=Realm.ADMIN)
    answer = desk.get("/admin/claims", headers={"Cookie": f"__Host-liqpass-admin={token}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_IN_REQUIRED")


def test_session__role_taken_away__next_request_refused(web: WebWorld) -> None:
    desk = web.desk(OPERATOR)
    access = web.service.access
    assert desk.get("/admin/parameters").status_code == 200

    object.__setattr__(access, "operators", frozenset())  # the settings of a restarted service

    answer = desk.get("/admin/parameters")
    assert (answer.status_code, answer.json()["code"]) == (403, "ROLE_MISSING")


def test_session__over__nobody(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    web.clock.ahead_ms += 3_600_000

    assert buyer.get("/api/me/policies").status_code == 401
    assert buyer.get("/api/session").json()["address"] is None


def test_sign_out__token_kept_by_a_thief__worth_nothing(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    token = buyer.client.cookies["__Host-liqpass"]
    assert buyer.post("/api/sign-out").status_code == 200

    answer = web.browser().get("/api/me/policies", headers={"Cookie": f"__Host-liqpass={token}"})

    assert answer.status_code == 401


def test_sign_in_and_out__audit_log_names_wallet_and_realm(web: WebWorld) -> None:
    desk = web.desk(OPERATOR)
    desk.post("/admin/sign-out")

    entries = web.controlling.audit_entries(subject=f"session/{OPERATOR.address.lower()}")
    said = [(entry.action, entry.actor, entry.details["realm"]) for entry in entries]
    assert said == [(action, OPERATOR.address.lower(), "admin") for action in ("SIGNED_IN", "SIGNED_OUT")]


def test_sessions__stored__no_token_in_the_database(web: WebWorld) -> None:
    buyer = web.browser(BUYER)
    token = buyer.client.cookies["__Host-liqpass"]

    assert token not in repr(web.snapshot())


def test_post__without_or_with_another_sessions_csrf_token__refused(web: WebWorld) -> None:
    buyer, other = web.browser(BUYER), web.browser(OTHER_BUYER)

    codes = [
        buyer.post("/api/purchase-orders", {}, X_CSRF_Token=token).json()["code"]
        for token in ("", other.csrf, buyer.csrf + "x", "\u00e9")
        if token.isascii()
    ]

    assert codes == ["CSRF_TOKEN_WRONG"] * 3
    assert buyer.get("/api/me/policies").json() == {"policies": []}


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_post__from_another_sites_page__refused_even_with_the_token(
    web: WebWorld, headers: dict[str, str]
) -> None:
    buyer = web.browser(BUYER)
    sent = {**headers, "X-CSRF-Token": buyer.csrf}

    answer = buyer.client.post("/api/purchase-orders", json={}, headers=sent)

    assert (answer.status_code, answer.json()["code"]) == (403, "CROSS_SITE")


def test_post__from_our_own_page__accepted(web: WebWorld) -> None:
    buyer, desk = web.browser(BUYER), web.desk(OPERATOR)

    assert (
        buyer.post("/api/purchase-orders", {}, Origin=ORIGIN, Sec_Fetch_Site="same-origin").status_code == 200
    )
    paused = desk.post("/admin/pause", {"paused": True, "reason": "drill"}, Origin=ADMIN_ORIGIN)
    assert paused.status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", "\u00fcml\u00e4ut", "internal-key-of-the-tests-012345678"])
def test_internal__wrong_key__refused(web: WebWorld, key: str) -> None:
    answer = web.browser().client.post(
        "/internal/claims/onchain-trigger",
        json={"purchaseOrderId": "5b0c1a52-7d0e-4c39-9d53-0f9f4f0f7a11"},
        headers={"x-internal-key": key.encode()},
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "INTERNAL_KEY_WRONG")


def test_internal__no_key_configured__nobody_has_one(web: WebWorld) -> None:
    object.__setattr__(web.service.access, "internal_key", None)

    for key in ("", "\x00" * 32):
        answer = web.browser().client.get(
            "/internal/payment-authorizations", headers={"x-internal-key": key.encode()}
        )
        assert answer.status_code == 401


def test_sign_in__contract_wallet__asked_by_eip_1271(web: WebWorld) -> None:
    """The chain's word counts where the address is a contract; here nothing is one, so nobody's does."""
    text = message_for(web, OTHER_BUYER.address)
    signature = Account.sign_message(encode_defunct(text=text + " "), BUYER.key).signature.hex()

    assert code_of(web, text, "0x" + signature.removeprefix("0x")) == (422, "SIGN_IN_WRONG_SIGNATURE")


def test_sign_in__one_origin_for_both__a_message_for_buyers_opens_no_console(web: WebWorld) -> None:
    object.__setattr__(web.service.access, "admin_origin", ORIGIN)
    text = message_for(web, REVIEWER.address)

    assert code_of(web, text, REVIEWER.sign(text), Realm.ADMIN) == (422, "SIGN_IN_WRONG_DOMAIN")
