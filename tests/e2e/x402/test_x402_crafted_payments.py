"""Payments that no stock client makes, from who knows x402 well: refused over HTTP, and nothing is sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from eth_account import Account
from insured_world import CLIENT, HTTP, KEYS, PRICE, PROVIDER, InsuredWorld, Running, body

ROUTES = ["/verify", "/settle"]
FIELDS = {"from": "address", "to": "address", "value": "uint256", "validAfter": "uint256"} | {
    "validBefore": "uint256",
    "nonce": "bytes32",
}
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SIGNATURE = "invalid_exact_evm_payload_signature"
Body = dict[str, Any]


def state(world: InsuredWorld) -> tuple[int, int, int, tuple[int, int]]:
    """The settler's transactions; USDC of client and provider; the bond."""
    return world.sent(), world.balance(CLIENT), world.balance(PROVIDER), world.bond_of(PROVIDER)


def code(answer: httpx.Response) -> str:
    said = answer.json()
    assert (answer.status_code, said.get("isValid", said.get("success"))) == (200, False), answer.text
    assert said.get("transaction", "") == ""
    return str(said.get("invalidReason") or said.get("errorReason"))


def signed(world: InsuredWorld, kind: str = "TransferWithAuthorization", **changes: Any) -> Body:
    """A payment that the client really signed, with these changes to what a stock client signs.

    `chainId` and `name` change the domain that it signs for.
    """
    requirements = world.requirements()
    payload = world.payment(requirements)
    domain = {
        "name": changes.pop("name", "USDC"),
        "version": "2",
        "chainId": changes.pop("chainId", 31337),
        "verifyingContract": world.usdc.address,
    }
    told = payload.payload["authorization"] | {name: str(value) for name, value in changes.items()}
    types = {kind: [{"name": name, "type": form} for name, form in FIELDS.items()]}
    numbers = {name: int(told[name]) for name in ("value", "validAfter", "validBefore")}
    message = told | numbers | {"nonce": bytes.fromhex(told["nonce"][2:])}
    signature = Account.sign_typed_data(world.node.account(CLIENT).key, domain, types, message).signature
    return crafted(world, {"authorization": told, "signature": "0x" + signature.hex()})


def crafted(world: InsuredWorld, inside: Any) -> Body:
    """What is posted, with this payload of the scheme."""
    requirements = world.requirements()
    asked = body(world.payment(requirements), requirements)
    asked["paymentPayload"]["payload"] = inside
    return asked


def now() -> int:
    return int(time.time())


def as_signed_by_a_stock_client(world: InsuredWorld) -> Body:
    return signed(world)


def expired(world: InsuredWorld) -> Body:
    return signed(world, validBefore=now() - 1)


def about_to_expire(world: InsuredWorld) -> Body:
    return signed(world, validBefore=now() + 2)


def not_yet_valid(world: InsuredWorld) -> Body:
    return signed(world, validAfter=now() + 60)


def more_than_asked(world: InsuredWorld) -> Body:
    return signed(world, value=PRICE + 1)


def signed_for_another_chain(world: InsuredWorld) -> Body:
    return signed(world, chainId=8453)


def signed_for_another_token(world: InsuredWorld) -> Body:
    return signed(world, name="USD Coin")


def signed_to_be_received(world: InsuredWorld) -> Body:
    return signed(world, "ReceiveWithAuthorization")


def mirrored(world: InsuredWorld) -> Body:
    """The other signature that the same key could have made: (r, n - s)."""
    asked = signed(world)
    signature = bytes.fromhex(asked["paymentPayload"]["payload"]["signature"][2:])
    s = (CURVE_ORDER - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    other = signature[:32] + s + bytes([55 - signature[64]])
    asked["paymentPayload"]["payload"]["signature"] = "0x" + other.hex()
    return asked


def permit2_alone(world: InsuredWorld) -> Body:
    permit = {
        "from": world.address(CLIENT),
        "permitted": {"token": world.usdc.address, "amount": str(PRICE)},
        "spender": world.insurance.address,
        "nonce": "1",
        "deadline": str(now() + 300),
        "witness": {"to": world.pay_to(PROVIDER), "validAfter": "0", "extra": "0x"},
    }
    return crafted(world, {"permit2Authorization": permit, "signature": "0x" + "11" * 65})


def test_facilitator__signed_as_a_stock_client_does__valid(world: InsuredWorld, facilitator: Running) -> None:
    answer = facilitator.post("/verify", as_signed_by_a_stock_client(world))

    assert answer.json()["isValid"] is True  # so what is refused below is refused for its change


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("make", "refused"),
    [
        (expired, "invalid_exact_evm_payload_authorization_valid_before"),
        (about_to_expire, "invalid_exact_evm_payload_authorization_valid_before"),
        (not_yet_valid, "invalid_exact_evm_payload_authorization_valid_after"),
        (more_than_asked, "invalid_exact_evm_payload_authorization_value_mismatch"),
        (signed_for_another_chain, SIGNATURE),
        (signed_for_another_token, SIGNATURE),
        (signed_to_be_received, SIGNATURE),
        (mirrored, SIGNATURE),
        (permit2_alone, "permit2_not_insured"),
    ],
)
def test_facilitator__crafted_payment__refused_and_nothing_sent(
    world: InsuredWorld, facilitator: Running, route: str, make: Callable[[InsuredWorld], Body], refused: str
) -> None:
    before = state(world)

    answer = facilitator.post(route, make(world))

    assert (code(answer), state(world)) == (refused, before)


def test_settle__settled_payment_in_another_spelling__refused(
    world: InsuredWorld, facilitator: Running
) -> None:
    asked = signed(world)
    assert facilitator.post("/settle", asked).json()["success"] is True
    before = state(world)
    inside = asked["paymentPayload"]["payload"]
    signature, authorization = inside["signature"], inside["authorization"]
    spelled = [
        inside | {"authorization": authorization | {"nonce": "0x" + authorization["nonce"][2:].upper()}},
        inside | {"authorization": authorization | {"from": authorization["from"].lower()}},
        inside | {"signature": "0x" + signature[2:].upper()},
        inside | {"signature": signature[:-2] + f"{int(signature[-2:], 16) - 27:02x}"},
    ]

    for each in spelled:
        asked["paymentPayload"]["payload"] = each
        answer = facilitator.post("/settle", asked)
        assert code(answer) == "invalid_exact_evm_nonce_already_used"

    assert state(world) == before


ODD_VALUES = ["１00000", str(2**256 + PRICE), "9" * 5_000, None, True, [], {}]
ODD_NONCES = ["0x" + "11" * 31, "0x" + "11" * 33, "0x" + "zz" * 32, "11" * 32, ["0x" + "11" * 32]]
ODD_FIELDS: dict[str, list[Any]] = {
    "value": [PRICE, float(PRICE), "1e5", " 100000", "+100000", "-100000", "0x186a0", "0100000", *ODD_VALUES],
    "validBefore": ["99999999999999999999999999999999", str(2**256), "never", -1, None],
    "validAfter": ["-1", str(2**256), 0, None],
    "nonce": ["0x", 7, None, *ODD_NONCES],
    "from": ["0x" + "0" * 40, "0x12", "", "vitalik.eth", None, 0, {}],
    "to": ["0x" + "0" * 40, "", None],
}


def odd(world: InsuredWorld) -> Iterator[Body]:
    """One odd thing each, in what is otherwise a payment that would be settled."""
    whole = world.payment(world.requirements()).payload
    for name, values in ODD_FIELDS.items():
        for value in values:
            yield crafted(world, whole | {"authorization": whole["authorization"] | {name: value}})
    for signature in ("0x1", "0xzz", "11" * 65, "0x" + "11" * 20_000, 1, None, [], "0x" + "64926492" * 8):
        yield crafted(world, whole | {"signature": signature})
    for inside in ([], "", None, 1, {"authorization": []}, {"authorization": whole["authorization"]}):
        yield crafted(world, inside)
    asked = crafted(world, whole)
    for part in ("paymentPayload", "paymentRequirements", "x402Version"):
        yield {name: value for name, value in asked.items() if name != part}
        for value in ([], "2", None, 2.5, {}):
            yield asked | {part: value}
    for name, value in (("amount", str(PRICE - 1)), ("amount", PRICE), ("payTo", ""), ("extra", None)):
        yield asked | {"paymentRequirements": asked["paymentRequirements"] | {name: value}}


def test_settle__odd_fields__refused_by_an_answer_and_nothing_sent(
    world: InsuredWorld, facilitator: Running
) -> None:
    before, settled, broken = state(world), [], []

    for asked in odd(world):
        answer = facilitator.post("/settle", asked)
        if answer.status_code == 200 and answer.json()["success"]:
            settled.append(asked)
        if answer.status_code not in {200, 400, 403, 413, 422}:
            broken.append((answer.status_code, asked))

    assert (settled, broken, state(world)) == ([], [], before)


ODD_BODIES: dict[str, bytes] = {
    "not a number": b'{"x402Version": NaN}',
    "infinite": b'{"x402Version": 1e999}',
    "null byte": b'{"x402Version": 2}\x00',
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"x402Version": 2}'.encode("utf-16"),
    "half a surrogate": b'{"x402Version": "\\ud800"}',
    "comment": b'{"x402Version": 2} // settle',
    "two values": b'{"x402Version": 2}{"x402Version": 2}',
    "nothing": b"",
    "deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "long number": b'{"x402Version": ' + b"9" * 60_000 + b"}",
    "repeated inside": b'{"x402Version": 2, "paymentPayload": {"payload": {}, "payload": {}}}',
}


@pytest.mark.parametrize("name", ODD_BODIES)
def test_settle__odd_body__problem_and_nothing_sent(
    world: InsuredWorld, facilitator: Running, name: str
) -> None:
    before, headers = state(world), {"Authorization": f"Bearer {KEYS[PROVIDER]}"}

    answer = HTTP.post(f"{facilitator.url}/settle", content=ODD_BODIES[name], headers=headers)

    assert answer.status_code in {400, 422} or code(answer) == "invalid_x402_version", answer.text
    assert state(world) == before


def test_settle__body_of_unsaid_length__cut_off(world: InsuredWorld, facilitator: Running) -> None:
    before, headers = state(world), {"Authorization": f"Bearer {KEYS[PROVIDER]}"}
    whole = json.dumps(signed(world)).encode()

    def padded() -> Iterator[bytes]:
        yield whole
        for _ in range(100):
            yield b" " * 1_000

    answer = HTTP.post(f"{facilitator.url}/settle", content=padded(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")
    assert state(world) == before
