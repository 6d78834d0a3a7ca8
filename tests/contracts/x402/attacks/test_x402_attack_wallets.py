"""Providers and clients that are contracts."""

import pytest
from insured_payments import (
    BOND,
    LOCK,
    NONCE,
    PRICE,
    Status,
    settlement_commitment,
    sign_confirmation,
)
from reverts import reverts_with, reverts_with_string


@pytest.fixture
def wallet(project, insurance, usdc, wallet_owner, settler, mint):
    """A smart wallet as a provider, with a bond and a settler."""
    wallet = wallet_owner.deploy(project.MockSmartWallet, wallet_owner)
    mint(wallet, BOND)
    for target, data in (
        (usdc, usdc.approve.encode_input(insurance, BOND)),
        (insurance, insurance.depositBond.encode_input(BOND)),
        (insurance, insurance.setSettler.encode_input(settler, True)),
    ):
        wallet.execute(target, data, sender=wallet_owner)
    return wallet


@pytest.fixture
def request_(insurance, wallet, rich_client, settler, settlement):
    """A payment of the client to the wallet, settled."""
    insurance.settleAndInsure(*settlement(to=wallet), sender=settler)
    return settlement_commitment(insurance, wallet, rich_client, NONCE)


def test_attack_smart_wallet_provider__serves_confirms_and_leaves(
    insurance, usdc, wallet, wallet_owner, relayer, request_
):
    insurance.confirmService(request_, sign_confirmation(insurance, request_, wallet_owner), sender=relayer)
    wallet.execute(insurance, insurance.withdrawBond.encode_input(BOND), sender=wallet_owner)

    assert usdc.balanceOf(wallet) == BOND + PRICE
    assert insurance.policies(request_).status == Status.CONFIRMED


def test_attack_smart_wallet_provider__signature_of_a_stranger__reverts(
    insurance, wallet, stranger, request_
):
    signature = sign_confirmation(insurance, request_, stranger)

    with reverts_with(insurance.InvalidConfirmation, commitment=request_, provider=wallet):
        insurance.confirmService(request_, signature, sender=stranger)

    assert insurance.lockedBond(wallet) == LOCK


def test_attack_smart_wallet_provider__silent__claim_pays(insurance, usdc, client, wallet, request_, overdue):
    insurance.claimInsurance(overdue(request_), sender=client)

    assert usdc.balanceOf(client) == 10_000_000
    assert insurance.providerBond(wallet) == BOND - LOCK


def test_attack_smart_wallet_client__settled_by_a_strangers_signature__reverts(
    project, insurance, usdc, bonded, settler, stranger, settlement, wallet, mint
):
    with reverts_with_string("FiatTokenV2: invalid signature"):
        insurance.settleAndInsure(*settlement(by=wallet, key_of=stranger), sender=settler)

    assert insurance.lockedBond(bonded) == 0
