"""Which payments a facilitator may insure, from their bytes alone."""

from __future__ import annotations

from typing import Any

import pytest
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import MAX_USDC
from liqpass.domain.x402.commitments import settlement_commitment
from liqpass.domain.x402.insurance import Insurance, X402Error
from liqpass.domain.x402.insured_settlement import (
    Authorization,
    InsuredProvider,
    PaymentRefusedError,
    RefusalCode,
    Terms,
    check_terms,
    check_version,
    insured_settlement,
    read_authorization,
    read_timeout,
    settlement_key,
)
from liqpass.domain.x402.payment_addresses import payment_address

INSURANCE = Insurance(8453, "0x" + "1a" * 20)
USDC = "0x" + "2b" * 20
PROVIDER = InsuredProvider("0x" + "3c" * 20, 5)
CLIENT = "0x" + "4d" * 20
PAY_TO = payment_address(INSURANCE, PROVIDER.provider)
NONCE = bytes(range(32))


def terms(**changes: str) -> Terms:
    fields = {"scheme": "exact", "network": "eip155:8453", "asset": USDC, "pay_to": PAY_TO}
    return Terms(**(fields | changes))


def payload(**changes: Any) -> dict[str, Any]:
    signed = {
        "from": CLIENT,
        "to": PAY_TO,
        "value": "100000",
        "validAfter": "0",
        "validBefore": "1800000000",
        "nonce": "0x" + NONCE.hex(),
    }
    return {"authorization": signed | changes, "signature": "0x00"}


def test_check_terms__insured_in_any_capitals__passes() -> None:
    check_terms(INSURANCE, USDC, PROVIDER, terms())
    check_terms(INSURANCE, USDC, PROVIDER, terms(asset="0x" + "2B" * 20, pay_to="0x" + PAY_TO[2:].upper()))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scheme": "upto"}, RefusalCode.SCHEME),
        ({"network": "eip155:84532"}, RefusalCode.NETWORK),
        ({"network": "base"}, RefusalCode.NETWORK),
        ({"asset": CLIENT}, RefusalCode.ASSET),
        ({"pay_to": PROVIDER.provider}, RefusalCode.PAY_TO),
        ({"pay_to": payment_address(INSURANCE, CLIENT)}, RefusalCode.PAY_TO),
        ({"pay_to": ""}, RefusalCode.PAY_TO),
    ],
)
def test_check_terms__not_through_the_bond__refused(changes: dict[str, str], code: RefusalCode) -> None:
    with pytest.raises(PaymentRefusedError) as refused:
        check_terms(INSURANCE, USDC, PROVIDER, terms(**changes))

    assert refused.value.code is code


@pytest.mark.parametrize("version", [1, 3, True, "2", None, 2.5])
def test_check_version__not_2__refused(version: object) -> None:
    with pytest.raises(PaymentRefusedError) as refused:
        check_version(version)

    assert refused.value.code is RefusalCode.VERSION


def test_read_authorization__as_the_sdk_writes_it__all_fields() -> None:
    read = read_authorization(payload(nonce="0x" + NONCE.hex().upper()))

    assert read == Authorization(CLIENT, PAY_TO, 100_000, 0, 1_800_000_000, NONCE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"from": "0x12"},
        {"from": None},
        {"from": "0x" + "0" * 40},
        {"to": 7},
        {"value": 100_000},
        {"value": "0"},
        {"value": "-1"},
        {"value": "1e5"},
        {"value": " 1"},
        {"value": str(MAX_USDC + 1)},
        {"validAfter": ""},
        {"validBefore": str(2**256)},
        {"nonce": "0x" + "11" * 31},
        {"nonce": None},
    ],
)
def test_read_authorization__field_out_of_form__refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PaymentRefusedError) as refused:
        read_authorization(payload(**changes))

    assert refused.value.code is RefusalCode.PAYLOAD


@pytest.mark.parametrize("fields", [{}, {"authorization": None}, {"authorization": "0x"}])
def test_read_authorization__none_there__refused(fields: dict[str, Any]) -> None:
    with pytest.raises(PaymentRefusedError) as refused:
        read_authorization(fields)

    assert refused.value.code is RefusalCode.PAYLOAD


def test_read_authorization__permit2_beside_an_authorization__refused() -> None:
    with pytest.raises(PaymentRefusedError) as refused:
        read_authorization(payload() | {"permit2Authorization": None})

    assert refused.value.code is RefusalCode.PERMIT2


def test_insured_settlement__commitment__that_of_the_contract_and_the_key_names_it() -> None:
    settlement = insured_settlement(
        INSURANCE, PROVIDER, read_authorization(payload()), b"signature", timeout_minutes=9
    )

    assert settlement.timeout_minutes == 9
    assert settlement.commitment == settlement_commitment(
        INSURANCE, provider=PROVIDER.provider, client=CLIENT, nonce=NONCE
    )
    key = settlement_key(INSURANCE, settlement.commitment)
    assert key == f"x402/settle/{INSURANCE.contract}/{settlement.commitment.hex()}"


@pytest.mark.parametrize(
    ("extra", "minutes"),
    [
        ({}, 5),
        ({"name": "USDC"}, 5),
        ({"insuranceTimeoutMinutes": 1}, 1),
        ({"insuranceTimeoutMinutes": 30}, 30),
    ],
)
def test_read_timeout__asked_or_not__asked_else_the_default(extra: dict[str, Any], minutes: int) -> None:
    assert read_timeout(InsuredProvider(CLIENT, 5, 30), extra) == minutes


@pytest.mark.parametrize("asked", [0, -1, 31, 2**256, 5.0, "5", True, None, [5]])
def test_read_timeout__out_of_range_or_no_whole_number__refused(asked: Any) -> None:
    with pytest.raises(PaymentRefusedError, match="from 1 to 30") as refused:
        read_timeout(InsuredProvider(CLIENT, 5, 30), {"insuranceTimeoutMinutes": asked})

    assert refused.value.code is RefusalCode.TIMEOUT


@pytest.mark.parametrize(
    ("provider", "minutes", "most"),
    [
        (checksum_address(CLIENT), 5, 5),
        (CLIENT, -1, 5),
        (CLIENT, 6, 5),
        (CLIENT, 0, 0),
        (CLIENT, 10_081, 10_081),
    ],
)
def test_insured_provider__out_of_form__refused(provider: str, minutes: int, most: int) -> None:
    with pytest.raises(X402Error):
        InsuredProvider(provider, minutes, most)
