"""Confirmations of providers and delivery keys that have code: EIP-1271 and EIP-7702."""

import pytest
from insured_payments import BOND, LOCK, PRICE, REQUEST, sign_confirmation
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def wallet(project, wallet_owner):
    return wallet_owner.deploy(project.MockSmartWallet, wallet_owner)


@pytest.fixture
def wallet_provider(insurance, usdc, wallet, wallet_owner, client, mint):
    """A smart wallet with a bond, and the client's lock on it."""
    mint(wallet, BOND)
    for target, data in (
        (usdc, usdc.approve.encode_input(insurance, BOND)),
        (insurance, insurance.depositBond.encode_input(BOND)),
        (insurance, insurance.approveCoverage.encode_input(client, PRICE, 60)),
    ):
        wallet.execute(target, data, sender=wallet_owner)
    insurance.purchaseInsurance(REQUEST, wallet, PRICE, 0, sender=client)
    return wallet


@pytest.fixture
def delegated(chain, wallet):
    """delegated(account): gives an account with a key the wallet's code, as EIP-7702 does."""

    def run(account):
        chain.provider.set_code(account.address, b"\xef\x01\x00" + bytes.fromhex(wallet.address[2:]))

    return run


def unlocked(insurance, provider, commitment=REQUEST):
    return [event(insurance, "ServiceConfirmed", commitment=commitment, provider=provider, unlocked=LOCK)]


def test_confirm__wallet_signs_by_its_owner__unlocks(insurance, wallet_provider, wallet_owner, relayer):
    signature = sign_confirmation(insurance, REQUEST, wallet_owner)

    tx = insurance.confirmService(REQUEST, signature, sender=relayer)

    assert events_of(tx) == unlocked(insurance, wallet_provider)
    assert insurance.lockedBond(wallet_provider) == 0


def test_confirm__wallet_sends__unlocks(insurance, wallet_provider, wallet_owner):
    data = insurance.confirmService.encode_input(REQUEST, b"")

    tx = wallet_provider.execute(insurance, data, sender=wallet_owner)

    assert events_of(tx) == unlocked(insurance, wallet_provider)


def test_confirm__signed_by_another_than_the_wallets_owner__reverts(
    insurance, wallet_provider, stranger, relayer
):
    signature = sign_confirmation(insurance, REQUEST, stranger)

    with reverts_with(insurance.InvalidConfirmation, commitment=REQUEST, provider=wallet_provider):
        insurance.confirmService(REQUEST, signature, sender=relayer)


def test_confirm__owner_sends_in_place_of_its_wallet__reverts(insurance, wallet_provider, wallet_owner):
    with reverts_with(insurance.InvalidConfirmation, commitment=REQUEST, provider=wallet_provider):
        insurance.confirmService(REQUEST, b"", sender=wallet_owner)


def test_confirm__wallet_as_delivery_key__unlocks(insurance, bonded, wallet, wallet_owner, relayer, cover):
    insurance.setDeliveryKey(wallet, sender=bonded)
    cover()
    signature = sign_confirmation(insurance, REQUEST, wallet_owner)

    tx = insurance.confirmService(REQUEST, signature, sender=relayer)

    assert events_of(tx) == unlocked(insurance, bonded)


@pytest.mark.parametrize("signer", ["provider", "delivery"])
def test_confirm__account_with_delegated_code__its_key_still_signs(
    signer, insurance, bonded, actors, relayer, cover, delegated, confirmation, usdc
):
    cover()
    delegated(actors[signer])
    assert len(usdc.provider.get_code(actors[signer].address)) == 23

    tx = insurance.confirmService(REQUEST, confirmation(REQUEST, key_of=actors[signer]), sender=relayer)

    assert events_of(tx) == unlocked(insurance, bonded)


def test_confirm__account_with_delegated_code__the_codes_signer_signs_too(
    insurance, bonded, wallet_owner, relayer, cover, delegated, confirmation
):
    cover()
    delegated(bonded)

    tx = insurance.confirmService(REQUEST, confirmation(REQUEST, key_of=wallet_owner), sender=relayer)

    assert events_of(tx) == unlocked(insurance, bonded)


def test_confirm__contract_without_eip_1271_as_delivery_key__reverts(
    insurance, usdc, bonded, stranger, relayer, cover, confirmation
):
    insurance.setDeliveryKey(usdc, sender=bonded)
    cover()

    with reverts_with(insurance.InvalidConfirmation, commitment=REQUEST, provider=bonded):
        insurance.confirmService(REQUEST, confirmation(REQUEST, key_of=stranger), sender=relayer)
