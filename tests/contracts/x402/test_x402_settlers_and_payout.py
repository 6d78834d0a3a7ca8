"""`setSettler` and `setPayoutAddress`: who settles a provider's payments, and where to."""

import pytest
from insured_payments import (
    NONCE,
    PRICE,
    Held,
    settlement_commitment,
)
from logs import event, events_of
from reverts import reverts_with

INVALID = "FiatTokenV2: invalid signature"
USED = "FiatTokenV2: authorization is used or canceled"
DENIED = "Blacklistable: account is blacklisted"

pytestmark = pytest.mark.usefixtures("bonded", "rich_client")


def test_settle__payout_address_set__paid_there(
    insurance, usdc, provider, client, settler, relayer, settlement, held
):
    tx = insurance.setPayoutAddress(relayer, sender=provider)
    assert events_of(tx) == [event(insurance, "PayoutAddressSet", provider=provider, payoutAddress=relayer)]

    tx = insurance.settleAndInsure(*settlement(), sender=settler)

    commitment = settlement_commitment(insurance, provider, client, NONCE)
    assert (
        event(insurance, "PaymentSettled", commitment=commitment, payoutAddress=relayer, amount=PRICE)
        == events_of(tx)[1]
    )
    assert held() == Held(client=9_900_000)
    assert usdc.balanceOf(relayer) == PRICE


def test_set_payout_address__zero__paid_to_the_provider(insurance, provider, relayer, settle, held):
    insurance.setPayoutAddress(relayer, sender=provider)
    insurance.setPayoutAddress("0x" + "00" * 20, sender=provider)
    assert insurance.payoutAddress(provider) == provider.address

    settle()

    assert held() == Held(client=9_900_000, provider=PRICE)


@pytest.mark.parametrize("wrong", ["usdc", "insurance", "own payment address"])
def test_set_payout_address__where_money_would_stick__reverts(wrong, insurance, usdc, provider):
    where = {
        "usdc": usdc.address,
        "insurance": insurance.address,
        "own payment address": insurance.paymentAddress(provider),
    }[wrong]

    with reverts_with(insurance.InvalidPayoutAddress, payoutAddress=where):
        insurance.setPayoutAddress(where, sender=provider)

    assert insurance.payoutAddress(provider) == provider.address


@pytest.mark.parametrize("who", ["provider", "client", "delivery", "stranger", "config"])
def test_settle__not_a_settler__reverts(who, insurance, actors, provider, settlement, held):
    with reverts_with(insurance.NotSettler, caller=actors[who], provider=provider):
        insurance.settleAndInsure(*settlement(), sender=actors[who])

    assert held() == Held()


def test_set_settler__named_and_removed__told_and_stored(insurance, provider, stranger):
    tx = insurance.setSettler(stranger, True, sender=provider)

    assert events_of(tx) == [
        event(insurance, "SettlerSet", provider=provider, settler=stranger, allowed=True)
    ]
    assert insurance.isSettler(provider, stranger)

    tx = insurance.setSettler(stranger, False, sender=provider)

    assert events_of(tx) == [
        event(insurance, "SettlerSet", provider=provider, settler=stranger, allowed=False)
    ]
    assert not insurance.isSettler(provider, stranger)
