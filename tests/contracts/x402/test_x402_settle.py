"""`settleAndInsure`: a stock x402 payment and its lock, both or neither."""

import pytest
from insured_payments import (
    BOND,
    LOCK,
    NONCE,
    PENALTY,
    PRICE,
    TIMEOUT_S,
    Held,
    Status,
    penalty_of,
    settlement_commitment,
)
from logs import event, events_of
from reverts import reverts_with

INVALID = "FiatTokenV2: invalid signature"
USED = "FiatTokenV2: authorization is used or canceled"
DENIED = "Blacklistable: account is blacklisted"

pytestmark = pytest.mark.usefixtures("bonded", "rich_client")


def test_settle__first_payment__moves_it_and_locks(
    insurance, usdc, provider, client, settler, settlement, held
):
    tx = insurance.settleAndInsure(*settlement(), sender=settler)

    commitment = settlement_commitment(insurance, provider, client, NONCE)
    channel = insurance.paymentAddress(provider)
    deadline = tx.timestamp + TIMEOUT_S
    assert events_of(tx) == [
        event(
            insurance,
            "InsurancePurchased",
            commitment=commitment,
            provider=provider,
            client=client,
            amount=PRICE,
            penalty=PENALTY,
            deadline=deadline,
        ),
        event(insurance, "PaymentSettled", commitment=commitment, payoutAddress=provider, amount=PRICE),
        event(insurance, "PaymentAddressCreated", provider=provider, paymentAddress=channel),
        event(usdc, "AuthorizationUsed", authorizer=client, nonce=NONCE),
        event(usdc, "Transfer", **{"from": client, "to": channel, "value": PRICE}),
        event(usdc, "Transfer", **{"from": channel, "to": provider, "value": PRICE}),
    ]
    assert tuple(insurance.policies(commitment)) == (
        client.address,
        deadline,
        200,
        Status.OPEN,
        provider.address,
        PRICE,
    )
    assert held() == Held(client=9_900_000, provider=PRICE)
    assert usdc.balanceOf(channel) == 0
    assert insurance.lockedBond(provider) == LOCK
    assert insurance.accounts(provider).lastLockAt == tx.timestamp


def test_settle__second_payment__finds_its_payment_address(
    insurance, usdc, provider, client, settler, settlement, settle, held
):
    settle()
    nonce = b"\x0d" * 32

    tx = insurance.settleAndInsure(*settlement(nonce=nonce), sender=settler)

    names = [name for _, name, _ in events_of(tx)]
    assert names == ["InsurancePurchased", "PaymentSettled", "AuthorizationUsed", "Transfer", "Transfer"]
    assert held() == Held(client=9_800_000, provider=2 * PRICE)
    assert insurance.lockedBond(provider) == 2 * LOCK


def test_settle__smart_wallet_client__pays_by_eip_1271(
    project, insurance, usdc, provider, settler, wallet_owner, settlement, mint
):
    wallet = wallet_owner.deploy(project.MockSmartWallet, wallet_owner)
    mint(wallet, PRICE)

    insurance.settleAndInsure(*settlement(by=wallet, key_of=wallet_owner), sender=settler)

    commitment = settlement_commitment(insurance, provider, wallet, NONCE)
    assert insurance.policies(commitment).client == wallet.address
    assert (usdc.balanceOf(wallet), usdc.balanceOf(provider)) == (0, PRICE)


@pytest.mark.parametrize("minutes", [1, 5, 10_080])
def test_settle__timeout_named__is_the_deadline(minutes, insurance, clock, settle, deadline_of):
    commitment = settle(timeout_minutes=minutes)

    assert deadline_of(commitment) == clock.now + minutes * 60


def test_settle__exactly_what_is_available__locks_all(insurance, provider, settle, mint, client):
    mint(client, BOND)

    settle(amount=980_392_156)

    assert penalty_of(980_392_156) == 19_607_844
    assert insurance.lockedBond(provider) == BOND


@pytest.mark.parametrize("late", [False, True], ids=["first second", "last second"])
def test_settle__just_within_the_authorization__pays(late, insurance, settler, settlement, clock, held):
    bound = clock.now + 100
    signed = settlement(valid_before=bound) if late else settlement(valid_after=bound)
    clock.next_block_at(bound - 1 if late else bound + 1)

    insurance.settleAndInsure(*signed, sender=settler)

    assert held() == Held(client=9_900_000, provider=PRICE)


def test_forward__anybody_but_the_insurance__reverts(project, insurance, usdc, provider, settle, mint):
    settle()
    channel = project.PaymentAddress.at(insurance.paymentAddress(provider))
    mint(channel, PRICE)

    with reverts_with(channel.NotInsurance, caller=provider, insurance=insurance):
        channel.forward(provider, PRICE, sender=provider)

    assert usdc.balanceOf(channel) == PRICE
    assert (channel.insurance(), channel.usdc()) == (insurance.address, usdc.address)
