"""`returnStray` and `rescue`: money that arrived without a lock."""

import pytest
from insured_payments import BOND, PENALTY, PRICE, Held
from logs import event, events_of
from reverts import reverts_with, reverts_with_string

pytestmark = pytest.mark.usefixtures("rich_client")


@pytest.fixture
def channel(insurance, provider):
    """Where the provider's clients pay."""
    return insurance.paymentAddress(provider)


@pytest.fixture
def strayed(usdc, channel, client, bonded, rich_client):
    """What the client sent to the payment address without any settler."""
    usdc.transfer(channel, PRICE, sender=client)
    return PRICE


def test_return_stray__first_use__creates_the_payment_address_and_returns(
    insurance, usdc, provider, client, config, channel, strayed, delayed, executed, held
):
    tx = delayed(insurance, "returnStray", provider, client, strayed, sender=config)

    assert events_of(tx) == [
        executed(insurance, "returnStray", provider, client, strayed),
        event(insurance, "StrayReturned", provider=provider, client=client, amount=PRICE),
        event(insurance, "PaymentAddressCreated", provider=provider, paymentAddress=channel),
        event(usdc, "Transfer", **{"from": channel, "to": client, "value": PRICE}),
    ]
    assert held() == Held()
    assert usdc.balanceOf(channel) == 0


def test_return_stray__part__the_rest_stays(
    insurance, usdc, provider, client, config, channel, strayed, settle, delayed, held
):
    settle()

    tx = delayed(insurance, "returnStray", provider, client, strayed - 1, sender=config)

    assert [name for _, name, _ in events_of(tx)] == ["OperationExecuted", "StrayReturned", "Transfer"]
    assert usdc.balanceOf(channel) == 1
    assert held() == Held(client=9_899_999, provider=PRICE)


def test_return_stray__more_than_there_is__reverts(
    insurance, usdc, provider, client, config, channel, strayed, delayed
):
    with reverts_with_string("ERC20: transfer amount exceeds balance"):
        delayed(insurance, "returnStray", provider, client, strayed + 1, sender=config)

    assert usdc.balanceOf(channel) == PRICE


@pytest.mark.parametrize("which", ["provider", "payout address"])
def test_return_stray__to_the_providers_side__reverts(
    which, insurance, provider, relayer, config, strayed, delayed
):
    insurance.setPayoutAddress(relayer, sender=provider)
    account = provider if which == "provider" else relayer

    with reverts_with(insurance.NotAClient, account=account, provider=provider):
        delayed(insurance, "returnStray", provider, account, strayed, sender=config)


def test_rescue__what_nobody_is_owed__moves(
    insurance, usdc, config, stranger, bonded, mint, delayed, executed, held
):
    mint(insurance, 70)

    tx = delayed(insurance, "rescue", usdc, stranger, 70, sender=config)

    assert events_of(tx) == [
        executed(insurance, "rescue", usdc, stranger, 70),
        event(insurance, "Rescued", token=usdc, to=stranger, amount=70),
        event(usdc, "Transfer", **{"from": insurance, "to": stranger, "value": 70}),
    ]
    assert held() == Held()
    assert usdc.balanceOf(stranger) == 70


def test_rescue__one_unit_of_a_bond__reverts(insurance, usdc, config, stranger, bonded, mint, delayed, held):
    mint(insurance, 70)

    with reverts_with(insurance.NotStray, token=usdc):
        delayed(insurance, "rescue", usdc, stranger, 71, sender=config)

    assert held() == Held(insurance=BOND + 70)


def test_rescue__one_unit_of_credits_and_penalties__reverts(
    insurance, usdc, circle, provider, client, relayer, config, stranger, settle, overdue, delayed, held
):
    request = overdue(settle())
    usdc.blacklist(client, sender=circle)
    insurance.claimInsurance(request, sender=relayer)
    insurance.withdrawBond(insurance.providerBond(provider), sender=provider)

    with reverts_with(insurance.NotStray, token=usdc):
        delayed(insurance, "rescue", usdc, stranger, 1, sender=config)

    assert held().insurance == insurance.liabilities() == PRICE + PENALTY


def test_rescue__another_token__moves(insurance, other_token, circle, config, stranger, bonded, delayed):
    other_token.mint(insurance, 70, sender=circle)

    tx = delayed(insurance, "rescue", other_token, stranger, 60, sender=config)

    assert events_of(tx)[1:] == [
        event(insurance, "Rescued", token=other_token, to=stranger, amount=60),
        event(other_token, "Transfer", **{"from": insurance, "to": stranger, "value": 60}),
    ]
    assert (other_token.balanceOf(insurance), other_token.balanceOf(stranger)) == (10, 60)
