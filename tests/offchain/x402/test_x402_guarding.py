"""What a client may sign, from a 402's bytes alone: every way in which one may lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import Usdc
from liqpass.domain.x402.guarding import (
    MAX_VALID_S,
    InsurableOffer,
    Limits,
    Offer,
    check_offer,
    check_signed,
    locked_too_long,
    may_be_insured,
)
from liqpass.domain.x402.insurance import Insurance, X402Error
from liqpass.domain.x402.insured_payment import InsuredPayment, PaymentStatus
from liqpass.domain.x402.insured_settlement import Authorization, PaymentRefusedError, RefusalCode, Terms
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.domain.x402.receipts import Standing
from x402_terms import BASE, CLIENT, LOCAL, NONCE, PROVIDER

USDC = "0x" + "2b" * 20
OTHER = "0x" + "3c" * 20
PAY_TO = payment_address(LOCAL, PROVIDER)
ANYONE = Limits(Usdc(100_000), frozenset())
PINNED = Limits(Usdc(100_000), frozenset({PROVIDER}))


def declared(provider: str = PROVIDER, insurance: Insurance = LOCAL, **changes: Any) -> dict[str, Any]:
    info = {
        "contract": checksum_address(insurance.contract),
        "provider": checksum_address(provider),
        "network": f"eip155:{insurance.chain_id}",
        "timeoutMinutes": 5,
    }
    return {"info": info | changes, "schema": {}}


def offer(**changes: Any) -> Offer:
    terms = {"scheme": "exact", "network": "eip155:31337", "asset": USDC, "pay_to": checksum_address(PAY_TO)}
    asked = {name: changes.pop(name) for name in tuple(changes) if name in terms}
    fields: dict[str, Any] = {
        "version": 2,
        "terms": Terms(**(terms | asked)),
        "amount": "100000",
        "valid_s": 300,
        "transfer_method": None,
        "signed_for": ("USDC", "2"),
        "timeout_minutes": 5,
        "extension": declared(),
    }
    return Offer(**(fields | changes))


def refusal(limits: Limits, **changes: Any) -> tuple[RefusalCode, str]:
    with pytest.raises(PaymentRefusedError) as caught:
        check_offer(LOCAL, USDC, limits, offer(**changes))
    return caught.value.code, caught.value.reason


@pytest.mark.parametrize("limits", [ANYONE, PINNED, Limits(None, frozenset())])
def test_check_offer__named_and_paid_at_its_address__insurable(limits: Limits) -> None:
    assert check_offer(LOCAL, USDC, limits, offer()) == InsurableOffer(PROVIDER, Usdc(100_000))


def test_check_offer__token_not_named__insurable() -> None:
    """The SDK knows Circle's by its address."""
    assert check_offer(LOCAL, USDC, ANYONE, offer(signed_for=(None, None))).provider == PROVIDER


def test_check_offer__pinned_and_nothing_declared__insurable() -> None:
    limits = Limits(None, frozenset({OTHER, PROVIDER}))

    assert check_offer(LOCAL, USDC, limits, offer(extension=None)).provider == PROVIDER


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": 1}, RefusalCode.VERSION),
        ({"version": True}, RefusalCode.VERSION),
        ({"version": 3}, RefusalCode.VERSION),
        ({"scheme": "upto"}, RefusalCode.SCHEME),
        ({"network": "eip155:8453"}, RefusalCode.NETWORK),
        ({"network": "base"}, RefusalCode.NETWORK),
        ({"asset": OTHER}, RefusalCode.ASSET),
        ({"pay_to": PROVIDER}, RefusalCode.PAY_TO),
        ({"pay_to": payment_address(LOCAL, OTHER)}, RefusalCode.PAY_TO),
        ({"pay_to": payment_address(BASE, PROVIDER) + "00"}, RefusalCode.PAY_TO),
        ({"pay_to": "0X" + PAY_TO[2:]}, RefusalCode.PAY_TO),
        ({"pay_to": "0x" + PAY_TO[2:].upper()}, RefusalCode.PAY_TO),
        ({"signed_for": ({"a": 1}, "2")}, RefusalCode.PAYLOAD),
        ({"signed_for": ("USDC", ["2"])}, RefusalCode.PAYLOAD),
        ({"signed_for": (1, "2")}, RefusalCode.PAYLOAD),
        ({"transfer_method": "permit2"}, RefusalCode.PERMIT2),
        ({"transfer_method": ["permit2"]}, RefusalCode.PERMIT2),
        ({"amount": "0"}, RefusalCode.PAYLOAD),
        ({"amount": "-1"}, RefusalCode.PAYLOAD),
        ({"amount": "0x10"}, RefusalCode.PAYLOAD),
        ({"amount": "1e5"}, RefusalCode.PAYLOAD),
        ({"amount": str(2**96)}, RefusalCode.PAYLOAD),
        ({"amount": "100001"}, RefusalCode.AMOUNT),
        ({"valid_s": 0}, RefusalCode.VALIDITY),
        ({"valid_s": -1}, RefusalCode.VALIDITY),
        ({"valid_s": MAX_VALID_S + 1}, RefusalCode.VALIDITY),
        ({"timeout_minutes": 61}, RefusalCode.TIMEOUT),
        ({"timeout_minutes": 0}, RefusalCode.TIMEOUT),
        ({"timeout_minutes": True}, RefusalCode.TIMEOUT),
        ({"timeout_minutes": "5"}, RefusalCode.TIMEOUT),
        ({"timeout_minutes": 5.0}, RefusalCode.TIMEOUT),
        ({"extension": declared(timeoutMinutes=61)}, RefusalCode.TIMEOUT),
        ({"extension": declared(timeoutMinutes=-1)}, RefusalCode.TIMEOUT),
        ({"timeout_minutes": None, "extension": declared(timeoutMinutes=None)}, RefusalCode.TIMEOUT),
        ({"extension": None}, RefusalCode.PROVIDER),
        ({"extension": "bond"}, RefusalCode.EXTENSION),
        ({"extension": {}}, RefusalCode.EXTENSION),
        ({"extension": {"info": []}}, RefusalCode.EXTENSION),
        ({"extension": declared(contract=None)}, RefusalCode.EXTENSION),
        ({"extension": declared(provider="0x00")}, RefusalCode.EXTENSION),
        ({"extension": declared(network="eip155:8453")}, RefusalCode.NETWORK),
        ({"extension": declared(contract=OTHER)}, RefusalCode.CONTRACT),
        ({"extension": declared(provider=OTHER)}, RefusalCode.PAY_TO),
    ],
)
def test_check_offer__not_to_be_insured__refused(changes: dict[str, Any], code: RefusalCode) -> None:
    assert refusal(ANYONE, **changes)[0] is code


def test_check_offer__another_contract__says_which_is_trusted() -> None:
    """Everything fits the other contract, its payment address too."""
    other = Insurance(31337, OTHER)

    _, reason = refusal(ANYONE, extension=declared(insurance=other), pay_to=payment_address(other, PROVIDER))

    wanted, trusted = checksum_address(OTHER), checksum_address(LOCAL.contract)
    assert reason == f"insured by {wanted}, trusted is {trusted}"


def test_check_offer__another_provider_than_pinned__refused_though_insured() -> None:
    theirs = payment_address(LOCAL, OTHER)

    named = refusal(PINNED, extension=declared(provider=OTHER), pay_to=theirs)
    unnamed = refusal(PINNED, extension=None, pay_to=theirs)

    assert (named[0], unnamed[0]) == (RefusalCode.PINNED, RefusalCode.PAY_TO)


def test_check_offer__too_dear__says_both_amounts() -> None:
    assert refusal(ANYONE, amount="1000000") == (
        RefusalCode.AMOUNT,
        "1.00 USDC are asked, at most 0.10 are allowed",
    )


def test_check_offer__longer_than_allowed__says_both_times() -> None:
    limits = replace(ANYONE, max_timeout_minutes=4)

    assert refusal(limits) == (
        RefusalCode.TIMEOUT,
        "what is not served could be claimed after 5 minutes only, at most 4 are allowed",
    )


def test_check_offer__time_out_not_said__may_be_the_longest() -> None:
    silent = offer(timeout_minutes=None, extension=None)

    with pytest.raises(PaymentRefusedError) as caught:
        check_offer(LOCAL, USDC, replace(PINNED, max_timeout_minutes=10_079), silent)

    assert caught.value.code is RefusalCode.TIMEOUT
    assert caught.value.reason == (
        "neither insuranceTimeoutMinutes nor bond-insurance says after how many minutes what is not served "
        "can be claimed: it may be 10080, at most 10079 are allowed"
    )
    assert check_offer(LOCAL, USDC, replace(PINNED, max_timeout_minutes=10_080), silent).provider == PROVIDER


@pytest.mark.parametrize(("timeout", "declares"), [(60, 5), (None, 60), (60, None)])
def test_check_offer__time_out_as_allowed__insurable(timeout: int | None, declares: int | None) -> None:
    said = offer(timeout_minutes=timeout, extension=declared(timeoutMinutes=declares))

    assert check_offer(LOCAL, USDC, ANYONE, said).provider == PROVIDER


def test_locked_too_long__lock_outlasts_what_was_allowed__says_until_when() -> None:
    limits = replace(ANYONE, max_timeout_minutes=5)

    def told(policy_deadline_s: int) -> str | None:
        policy = InsuredPayment(
            NONCE, PROVIDER, CLIENT, Usdc(1), Usdc(1), policy_deadline_s, PaymentStatus.OPEN
        )
        return locked_too_long(limits, Standing(1_000, policy, authorization_used=True))

    assert told(1_300) is None
    assert told(1_301) == "locked until 1301, longer than the 5 minutes allowed"
    assert locked_too_long(limits, Standing(1_000, None, authorization_used=True)) is None


@pytest.mark.parametrize("minutes", [0, -1, 10_081])
def test_limits__time_out_of_no_lock__refused(minutes: int) -> None:
    with pytest.raises(X402Error, match=f"longest time-out of {minutes} minutes: 1..10080 is allowed"):
        replace(ANYONE, max_timeout_minutes=minutes)


def test_may_be_insured__bytes_of_a_bond__whatever_the_402_declares() -> None:
    assert may_be_insured(LOCAL, USDC, ANYONE, offer(extension=None))
    assert may_be_insured(LOCAL, USDC, ANYONE, offer(extension=None, timeout_minutes=None))
    assert may_be_insured(LOCAL, USDC, PINNED, offer(extension=None))


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "eip155:8453"},
        {"asset": OTHER},
        {"transfer_method": "permit2"},
        {"amount": "100001"},
        {"timeout_minutes": 61},
    ],
)
def test_may_be_insured__no_bond_could_cover_it__no(changes: dict[str, Any]) -> None:
    assert not may_be_insured(LOCAL, USDC, ANYONE, offer(**changes))


def test_may_be_insured__another_than_pinned__no() -> None:
    assert not may_be_insured(LOCAL, USDC, PINNED, offer(pay_to=payment_address(LOCAL, OTHER)))


def test_check_signed__something_else_than_was_offered__refused() -> None:
    insurable = InsurableOffer(PROVIDER, Usdc(100_000))
    signed = Authorization(CLIENT, PAY_TO, Usdc(100_000), 0, 1_000, NONCE)

    check_signed(offer(), insurable, signed)
    for other in (replace(signed, pay_to=OTHER), replace(signed, amount=Usdc(100_001))):
        with pytest.raises(PaymentRefusedError, match="not what was offered"):
            check_signed(offer(), insurable, other)


def test_limits__provider_in_capitals__refused() -> None:
    with pytest.raises(X402Error, match="not in lower case"):
        Limits(None, frozenset({checksum_address(PROVIDER)}))
