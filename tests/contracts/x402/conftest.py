"""A provider with 1,000 USDC of bond, a client with 10 USDC, and what they do with each other."""

from typing import Any

import pytest
from governance import DELAY_S
from insured_payments import (
    BOND,
    CLIENT_FUNDS,
    MAX_TIMEOUT_MINUTES,
    NONCE,
    PRICE,
    REQUEST,
    UNLIMITED,
    Held,
    settlement_commitment,
    sign_confirmation,
)
from logs import event
from signing import sign_authorization


@pytest.fixture
def deposit(usdc, insurance, mint):
    """deposit(provider, base units): out of nothing into its bond; the receipt."""

    def run(provider: Any, amount: int) -> Any:
        mint(provider, amount)
        usdc.approve(insurance, amount, sender=provider)
        return insurance.depositBond(amount, sender=provider)

    return run


@pytest.fixture
def bonded(insurance, provider, settler, delivery, deposit):
    """The provider, with its bond, its settler and its delivery key."""
    deposit(provider, BOND)
    insurance.setSettler(settler, True, sender=provider)
    insurance.setDeliveryKey(delivery, sender=provider)
    return provider


@pytest.fixture
def rich_client(client, mint):
    mint(client, CLIENT_FUNDS)
    return client


@pytest.fixture
def held(usdc, insurance, provider, client, treasury):
    """held(): where the USDC is now."""

    def now() -> Held:
        return Held(
            client=usdc.balanceOf(client),
            provider=usdc.balanceOf(provider),
            treasury=usdc.balanceOf(treasury),
            insurance=usdc.balanceOf(insurance),
        )

    return now


@pytest.fixture
def settlement(usdc, insurance, provider, client, clock):
    """settlement(…): arguments of `settleAndInsure`, signed by the client as any x402 payment is."""

    def build(
        *,
        to=provider,
        by=client,
        amount=PRICE,
        valid_after=0,
        valid_before=None,
        nonce=NONCE,
        timeout_minutes=0,
        key_of=None,
        paid_to=None,
    ):
        before = clock.now + 3600 if valid_before is None else valid_before
        signature = sign_authorization(
            usdc,
            "TransferWithAuthorization",
            by,
            paid_to or insurance.paymentAddress(to),
            amount,
            valid_after,
            before,
            nonce,
            key_of=key_of,
        )
        return to, by, amount, valid_after, before, nonce, timeout_minutes, signature

    return build


@pytest.fixture
def settle(insurance, bonded, rich_client, settler, settlement):
    """settle(…): settles and insures a payment of the client to the provider; its commitment."""

    def run(**terms: Any) -> bytes:
        arguments = settlement(**terms)
        insurance.settleAndInsure(*arguments, sender=settler)
        to, by, *_, nonce, _, _ = arguments
        return settlement_commitment(insurance, to, by, nonce)

    return run


@pytest.fixture
def cover(insurance, bonded, client):
    """cover(…): lets the client lock without limits, and locks; the commitment."""

    def run(commitment=REQUEST, *, amount=PRICE, timeout_minutes=0) -> bytes:
        insurance.approveCoverage(client, UNLIMITED, MAX_TIMEOUT_MINUTES, sender=bonded)
        insurance.purchaseInsurance(commitment, bonded, amount, timeout_minutes, sender=client)
        return commitment

    return run


@pytest.fixture
def confirmation(insurance, bonded):
    """confirmation(commitment): by the provider or `key_of`, for this insurance or `on` another."""

    def sign(commitment: bytes, *, key_of: Any = bonded, on: Any = insurance) -> bytes:
        return sign_confirmation(on, commitment, key_of)

    return sign


@pytest.fixture
def deadline_of(insurance):
    """deadline_of(commitment), in unix seconds."""

    def read(commitment: bytes) -> int:
        return insurance.policies(commitment).deadline

    return read


@pytest.fixture
def overdue(clock, deadline_of):
    """overdue(commitment): the first second in which it can be claimed; the commitment."""

    def travel(commitment: bytes) -> bytes:
        clock.travel_to(deadline_of(commitment) + 1)
        return commitment

    return travel


@pytest.fixture
def set_minimum(insurance, provider, config, delayed, clock):
    """set_minimum(base units): until it holds."""

    def run(minimum: int) -> None:
        delayed(insurance, "setMinProviderBond", provider, minimum, sender=config)
        clock.travel_to(max(clock.now, insurance.accounts(provider).nextMinimumAt))

    return run


@pytest.fixture
def delayed_to(manager, clock):
    """delayed_to(unix seconds, target, function name, *arguments, sender=…): as `delayed`, executed then."""

    def run(time_s: int, target: Any, function: str, *arguments: Any, sender: Any) -> Any:
        data = getattr(target, function).encode_input(*arguments)
        clock.next_block_at(time_s - DELAY_S)
        manager.schedule(target, data, 0, sender=sender)
        clock.next_block_at(time_s)
        return manager.execute(target, data, sender=sender)

    return run


@pytest.fixture
def executed(manager, config):
    """executed(target, function, *arguments): the manager's own event, for the account's first such call."""

    def expected(target: Any, function: str, *arguments: Any) -> Any:
        data = getattr(target, function).encode_input(*arguments)
        operation = manager.hashOperation(config, target, data)
        return event(manager, "OperationExecuted", operationId=operation, nonce=manager.getNonce(operation))

    return expected
