"""Payments around the lock: what reaches a payment address by itself is never the provider's."""

import pytest
from insured_payments import BOND, LOCK, NONCE, PRICE, Held
from reverts import reverts_with, reverts_with_string

pytestmark = pytest.mark.usefixtures("bonded", "rich_client")


@pytest.fixture
def channel(project, insurance, provider):
    return project.PaymentAddress.at(insurance.paymentAddress(provider))


@pytest.fixture
def around_the_lock(usdc, channel, provider, settlement):
    """The client's signed payment, which the provider sent straight to USDC."""
    signed = settlement()
    _, client, amount, after, before, nonce, _, signature = signed
    usdc.transferWithAuthorization(client, channel, amount, after, before, nonce, signature, sender=provider)
    return signed


def test_attack_payment_around_the_lock__nothing_reaches_the_provider(
    insurance, usdc, channel, settler, around_the_lock, held
):
    with reverts_with_string("FiatTokenV2: authorization is used or canceled"):
        insurance.settleAndInsure(*around_the_lock, sender=settler)

    assert held() == Held(client=9_900_000)
    assert usdc.balanceOf(channel) == PRICE


def test_attack_payment_around_the_lock__next_settlement_does_not_sweep_it(
    insurance, usdc, provider, channel, around_the_lock, settle, held
):
    settle(nonce=b"\x0d" * 32, amount=1)

    assert usdc.balanceOf(channel) == PRICE
    assert held() == Held(client=9_899_999, provider=1)


def test_attack_payment_around_the_lock__settled_with_the_channels_own_money__reverts(
    insurance, provider, channel, settler, clock, around_the_lock, held
):
    # A naive contract asks whether enough arrived, and finds the stray.
    with reverts_with_string("FiatTokenV2: invalid signature"):
        insurance.settleAndInsure(
            provider, channel, PRICE, 0, clock.now + 3600, NONCE, 0, b"", sender=settler
        )

    assert held() == Held(client=9_900_000)


@pytest.mark.parametrize("who", ["provider", "settler", "client", "config", "stranger"])
def test_attack_stray__taken_out_of_the_payment_address__reverts(
    who, insurance, actors, usdc, channel, around_the_lock, settle
):
    settle(nonce=b"\x0d" * 32)

    with reverts_with(channel.NotInsurance, caller=actors[who], insurance=insurance):
        channel.forward(actors[who], PRICE, sender=actors[who])

    assert usdc.balanceOf(channel) == PRICE


@pytest.mark.parametrize("who", ["provider", "settler", "client", "guardian"])
def test_attack_stray__returned_by_anybody_but_config__reverts(
    who, insurance, actors, provider, client, around_the_lock, held
):
    with reverts_with(insurance.AccessManagedUnauthorized, caller=actors[who]):
        insurance.returnStray(provider, client, PRICE, sender=actors[who])

    assert held() == Held(client=9_900_000)


def test_attack_stray__returned_to_the_provider__reverts(
    insurance, provider, config, around_the_lock, delayed, held
):
    with reverts_with(insurance.NotAClient, account=provider, provider=provider):
        delayed(insurance, "returnStray", provider, provider, PRICE, sender=config)

    assert held() == Held(client=9_900_000)


def test_attack_stray__returned_to_the_payout_address__reverts(
    insurance, provider, relayer, config, around_the_lock, delayed, held
):
    insurance.setPayoutAddress(relayer, sender=provider)

    with reverts_with(insurance.NotAClient, account=relayer, provider=provider):
        delayed(insurance, "returnStray", provider, relayer, PRICE, sender=config)

    assert held() == Held(client=9_900_000)


@pytest.mark.parametrize("to", ["payment address", "insurance"])
def test_attack_payout_address__where_a_payment_would_look_like_a_stray__reverts(
    to, insurance, provider, channel
):
    where = {"payment address": channel, "insurance": insurance}[to]

    with reverts_with(insurance.InvalidPayoutAddress, payoutAddress=where):
        insurance.setPayoutAddress(where, sender=provider)


def test_attack_rescue__bonds_behind_a_gift__reverts(
    insurance, usdc, config, stranger, settle, mint, delayed, held
):
    settle()
    mint(insurance, 1)

    with reverts_with(insurance.NotStray, token=usdc):
        delayed(insurance, "rescue", usdc, stranger, LOCK, sender=config)

    assert held() == Held(client=9_900_000, provider=PRICE, insurance=BOND + 1)
