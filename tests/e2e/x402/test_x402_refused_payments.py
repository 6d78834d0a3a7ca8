"""Ways around the bond: each is refused, and nothing is sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from insured_world import (
    CLIENT,
    DEPLOYER,
    HTTP,
    KEYS,
    LOCK,
    OTHER_PROVIDER,
    POOR_PROVIDER,
    PRICE,
    PROVIDER,
    SHY_PROVIDER,
    STRANGER,
    InsuredWorld,
    Running,
    body,
)
from x402.schemas import PaymentPayload, PaymentRequirements

ROUTES = ["/verify", "/settle"]
Offer = tuple[PaymentPayload, PaymentRequirements]


def refusal(answer: httpx.Response) -> str:
    """The reason of a refused verification or settlement."""
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said.get("isValid", said.get("success")) is False
    assert said.get("transaction", "") == ""
    return str(said.get("invalidReason") or said.get("errorReason"))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("key", [None, "x", "canary-key-of-a-stranger-0123456789012", KEYS[PROVIDER] + "x"])
def test_facilitator__stranger__401_and_nothing_sent(
    world: InsuredWorld, facilitator: Running, route: str, key: str | None
) -> None:
    requirements = world.requirements()
    before = (world.sent(), world.balance(CLIENT))

    answer = facilitator.post(route, body(world.payment(requirements), requirements), key)

    assert (answer.status_code, answer.json()["code"]) == (401, "KEY_REQUIRED")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (world.sent(), world.balance(CLIENT)) == before


@pytest.mark.parametrize("route", ROUTES)
def test_facilitator__key_of_another_provider__403_and_nothing_sent(
    world: InsuredWorld, facilitator: Running, route: str
) -> None:
    requirements = world.requirements()
    before = (world.sent(), world.bond_of(PROVIDER), world.bond_of(OTHER_PROVIDER))

    answer = facilitator.post(route, body(world.payment(requirements), requirements), KEYS[OTHER_PROVIDER])

    assert (answer.status_code, answer.json()["code"]) == (403, "KEY_OF_ANOTHER_PROVIDER")
    assert (world.sent(), world.bond_of(PROVIDER), world.bond_of(OTHER_PROVIDER)) == before


def permit2(world: InsuredWorld) -> Offer:
    requirements = world.requirements()
    payload = world.payment(requirements)
    permit = {"from": world.address(CLIENT), "permitted": {"token": world.usdc.address, "amount": str(PRICE)}}
    both = payload.payload | {"permit2Authorization": permit}
    return payload.model_copy(update={"payload": both}), requirements


def to_the_provider_itself(world: InsuredWorld) -> Offer:
    requirements = world.requirements(pay_to=world.address(PROVIDER))
    return world.payment(requirements), requirements


def signed_to_another(world: InsuredWorld) -> Offer:
    requirements = world.requirements()
    elsewhere = world.payment(world.requirements(pay_to=world.address(STRANGER)))
    return elsewhere.model_copy(update={"accepted": requirements}), requirements


def less_than_asked(world: InsuredWorld) -> Offer:
    requirements = world.requirements()
    payload = world.payment(world.requirements(amount=str(PRICE - 1)))
    return payload.model_copy(update={"accepted": requirements}), requirements


def changed(world: InsuredWorld, **fields: str) -> Offer:
    requirements = world.requirements()
    payload = world.payment(requirements)
    signed = payload.payload["authorization"] | fields
    return payload.model_copy(update={"payload": payload.payload | {"authorization": signed}}), requirements


def expired(world: InsuredWorld) -> Offer:
    return changed(world, validBefore=str(int(time.time()) - 1))


def forged(world: InsuredWorld) -> Offer:
    return changed(world, **{"from": world.address(DEPLOYER)})


def nothing(world: InsuredWorld) -> Offer:
    return changed(world, value="0")


def half_a_nonce(world: InsuredWorld) -> Offer:
    return changed(world, nonce="0x" + "11" * 16)


def another_token(world: InsuredWorld) -> Offer:
    requirements = world.requirements(asset=world.insurance.address)
    payload = world.payment(world.requirements())
    return payload.model_copy(update={"accepted": requirements}), requirements


def another_chain(world: InsuredWorld) -> Offer:
    requirements = world.requirements(network="eip155:8453")
    payload = world.payment(world.requirements())
    return payload.model_copy(update={"accepted": requirements}), requirements


def unsigned(world: InsuredWorld) -> Offer:
    requirements = world.requirements()
    payload = world.payment(requirements)
    return payload.model_copy(update={"payload": payload.payload | {"signature": "0x"}}), requirements


def more_than_held(world: InsuredWorld) -> Offer:
    requirements = world.requirements(amount="999999")
    payload = world.payment(requirements)
    world.send(world.usdc.functions.transfer(world.address(STRANGER), world.balance(CLIENT)), CLIENT)
    return payload, requirements


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (permit2, "permit2_not_insured"),
        (to_the_provider_itself, "pay_to_not_insured"),
        (signed_to_another, "invalid_exact_evm_payload_recipient_mismatch"),
        (less_than_asked, "invalid_exact_evm_payload_authorization_value_mismatch"),
        (expired, "invalid_exact_evm_payload_authorization_valid_before"),
        (forged, "invalid_exact_evm_payload_signature"),
        (unsigned, "invalid_payload"),
        (nothing, "invalid_payload"),
        (half_a_nonce, "invalid_payload"),
        (another_token, "asset_not_insured"),
        (another_chain, "network_mismatch"),
    ],
)
def test_facilitator__payment_that_is_not_insured__refused_and_nothing_sent(
    world: InsuredWorld, facilitator: Running, route: str, make: Callable[[InsuredWorld], Offer], code: str
) -> None:
    before = (world.sent(), world.balance(CLIENT), world.bond_of(PROVIDER))

    answer = facilitator.post(route, body(*make(world)))

    assert refusal(answer) == code
    assert (world.sent(), world.balance(CLIENT), world.bond_of(PROVIDER)) == before
    assert f"code={code}" in facilitator.log.read_text()


@pytest.mark.parametrize("route", ROUTES)
def test_facilitator__version_1__refused(world: InsuredWorld, facilitator: Running, route: str) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements).payload
    old: dict[str, Any] = {
        "x402Version": 1,
        "paymentPayload": {"x402Version": 1, "scheme": "exact", "network": "base", "payload": payload},
        "paymentRequirements": {"scheme": "exact", "network": "base", "maxAmountRequired": str(PRICE)},
    }
    sent = world.sent()

    answers = [facilitator.post(route, old), facilitator.post(route, old | {"x402Version": True})]
    inside = body(world.payment(requirements), requirements)
    inside["paymentPayload"]["x402Version"] = 1
    answers.append(facilitator.post(route, inside))

    assert [refusal(answer) for answer in answers] == ["invalid_x402_version"] * 3
    assert world.sent() == sent


def test_settle__replayed__settled_once(world: InsuredWorld, facilitator: Running) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    first = facilitator.client().settle(payload, requirements)
    before = (world.sent(), world.balance(CLIENT), world.bond_of(PROVIDER))

    settled, verified = (
        facilitator.post(route, body(payload, requirements)) for route in ("/settle", "/verify")
    )

    assert first.success
    assert (refusal(settled), refusal(verified)) == ("invalid_exact_evm_nonce_already_used",) * 2
    assert (world.sent(), world.balance(CLIENT), world.bond_of(PROVIDER)) == before
    assert len(world.locks(world.commitment(payload))) == 1


def test_settle__nonce_of_a_settled_payment_for_more__refused(
    world: InsuredWorld, facilitator: Running
) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    assert facilitator.client().settle(payload, requirements).success
    dearer = world.requirements(amount=str(2 * PRICE))
    signed = payload.payload["authorization"] | {"value": str(2 * PRICE)}
    forged = payload.model_copy(
        update={"payload": payload.payload | {"authorization": signed}, "accepted": dearer}
    )
    sent = world.sent()

    answer = facilitator.post("/settle", body(forged, dearer))

    assert (refusal(answer), world.sent()) == ("invalid_exact_evm_nonce_already_used", sent)


@pytest.mark.parametrize("route", ROUTES)
def test_facilitator__settler_not_named__refused(
    world: InsuredWorld, facilitator: Running, route: str
) -> None:
    requirements = world.requirements(SHY_PROVIDER)
    sent = world.sent()

    answer = facilitator.post(route, body(world.payment(requirements), requirements), KEYS[SHY_PROVIDER])

    assert (refusal(answer), world.sent()) == ("settler_not_named", sent)


@pytest.mark.parametrize("route", ROUTES)
def test_facilitator__bond_too_small_by_one__refused(
    world: InsuredWorld, facilitator: Running, route: str
) -> None:
    requirements = world.requirements(POOR_PROVIDER, amount=str(PRICE + 1))
    sent = world.sent()

    answer = facilitator.post(route, body(world.payment(requirements), requirements), KEYS[POOR_PROVIDER])

    assert (refusal(answer), world.sent()) == ("insufficient_bond", sent)
    assert world.bond_of(POOR_PROVIDER) == (LOCK, 0)


def test_settle__insurance_paused__refused_with_the_decoded_reason_in_the_log(
    world: InsuredWorld, facilitator: Running
) -> None:
    requirements = world.requirements(OTHER_PROVIDER)
    payload = world.payment(requirements)
    world.send(world.insurance.functions.pause(), DEPLOYER)
    sent = world.sent()
    try:
        client = facilitator.client(OTHER_PROVIDER)
        verified, settled = client.verify(payload, requirements), client.settle(payload, requirements)
    finally:
        world.send(world.insurance.functions.unpause(), DEPLOYER)

    assert (verified.is_valid, settled.success, world.sent()) == (False, False, sent)
    assert verified.invalid_message == "EnforcedPause()"
    lines = [line for line in facilitator.log.read_text().splitlines() if "reason=EnforcedPause()" in line]
    assert len(lines) == 2
    assert f"provider={world.address(OTHER_PROVIDER)}" in lines[0]
    assert f"payer={world.address(CLIENT)}" in lines[0]


def test_settle__client_without_the_money__refused_and_nothing_sent(
    world: InsuredWorld, facilitator: Running
) -> None:
    held, sent = world.balance(CLIENT), world.sent()
    payload, requirements = more_than_held(world)
    try:
        answer = facilitator.post("/settle", body(payload, requirements))
    finally:
        world.send(world.usdc.functions.transfer(world.address(CLIENT), held), STRANGER)

    assert (refusal(answer), world.sent()) == ("invalid_exact_evm_insufficient_balance", sent)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "INVALID_JSON"),
        (b"[]", 400, "INVALID_JSON"),
        (b'{"x402Version": 2, "x402Version": 2}', 400, "INVALID_JSON"),
        (b"[" * 40 + b"]" * 40, 400, "INVALID_JSON"),
        (b'{"x402Version": 2}', 422, "INVALID_REQUEST"),
        (b" " * 65_537, 413, "BODY_TOO_LARGE"),
    ],
)
def test_facilitator__malformed_body__problem(
    facilitator: Running, content: bytes, status: int, code: str
) -> None:
    headers = {"Authorization": f"Bearer {KEYS[PROVIDER]}"}

    answer = HTTP.post(f"{facilitator.url}/settle", content=content, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_log__after_all_of_it__no_key_and_no_signature(world: InsuredWorld, facilitator: Running) -> None:
    requirements = world.requirements()
    payload = world.payment(requirements)
    assert facilitator.client().settle(payload, requirements).success

    log = facilitator.log.read_text()

    assert "code=ok" in log
    assert payload.payload["signature"][2:] not in log
    assert not any(key in log for key in KEYS.values())
