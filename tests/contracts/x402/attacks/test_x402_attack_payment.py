"""Being insured without paying, and being paid without insuring."""

import pytest
from insured_payments import (
    BOND,
    LOCK,
    NONCE,
    PRICE,
    REQUEST,
    Held,
    Status,
    settlement_commitment,
)
from reverts import reverts_with, reverts_with_string
from signing import sign_cancellation

INVALID = "FiatTokenV2: invalid signature"
USED = "FiatTokenV2: authorization is used or canceled"

pytestmark = pytest.mark.usefixtures("bonded", "rich_client")


def test_attack_claim_without_paying__nobody_approved_it__reverts(insurance, provider, client, held):
    with reverts_with(
        insurance.CoverageExceeded, provider=provider, client=client, amount=PRICE, remaining=0
    ):
        insurance.purchaseInsurance(REQUEST, provider, PRICE, 1, sender=client)

    assert insurance.lockedBond(provider) == 0
    assert held() == Held()


def test_attack_claim_without_paying__signature_of_no_payment__reverts(
    insurance, provider, settler, settlement, held
):
    signed = (*settlement()[:-1], b"\0" * 65)

    with reverts_with_string(INVALID):
        insurance.settleAndInsure(*signed, sender=settler)

    assert insurance.lockedBond(provider) == 0
    assert held() == Held()


def test_attack_claim_without_paying__in_the_name_of_a_victim__reverts(
    insurance, provider, settler, stranger, settlement, held
):
    signed = settlement(key_of=stranger)

    with reverts_with_string(INVALID):
        insurance.settleAndInsure(*signed, sender=settler)

    assert held() == Held()


def test_attack_cancelled_authorization__used_state_is_no_payment__reverts(
    insurance, usdc, provider, client, settler, settlement, held
):
    signed = settlement()
    usdc.cancelAuthorization(client, NONCE, sign_cancellation(usdc, client, NONCE), sender=client)
    assert usdc.authorizationState(client, NONCE)

    with reverts_with_string(USED):
        insurance.settleAndInsure(*signed, sender=settler)

    assert insurance.lockedBond(provider) == 0
    assert insurance.policies(settlement_commitment(insurance, provider, client, NONCE)).status == Status.NONE
    assert held() == Held()


def test_attack_same_payment_twice__reverts(insurance, provider, settler, settlement, settle, held):
    commitment = settle()
    insurance.confirmService(commitment, b"", sender=provider)

    with reverts_with(insurance.CommitmentUsed, commitment=commitment, status=Status.CONFIRMED):
        insurance.settleAndInsure(*settlement(), sender=settler)

    assert insurance.lockedBond(provider) == 0
    assert held() == Held(client=9_900_000, provider=PRICE)


def test_attack_provider_withdraws_before_settlement__client_keeps_its_money(
    insurance, provider, settler, settlement, held
):
    signed = settlement()
    insurance.withdrawBond(BOND, sender=provider)

    with reverts_with(insurance.InsufficientBond, provider=provider, needed=LOCK, available=0):
        insurance.settleAndInsure(*signed, sender=settler)

    assert held() == Held(provider=BOND, insurance=0)


def test_attack_provider_leaves_less_than_the_lock__client_keeps_its_money(
    insurance, provider, settler, settlement, held
):
    signed = settlement()
    insurance.withdrawBond(BOND - LOCK + 1, sender=provider)

    with reverts_with(insurance.InsufficientBond, provider=provider, needed=LOCK, available=LOCK - 1):
        insurance.settleAndInsure(*signed, sender=settler)

    assert held() == Held(provider=BOND - LOCK + 1, insurance=LOCK - 1)


def test_attack_unsolicited_settlement__stranger__reverts(insurance, provider, stranger, settlement, held):
    with reverts_with(insurance.NotSettler, caller=stranger, provider=provider):
        insurance.settleAndInsure(*settlement(timeout_minutes=1), sender=stranger)

    assert held() == Held()


def test_attack_settler_of_another_provider__reverts(
    insurance, provider, other_provider, stranger, settlement, held
):
    insurance.setSettler(stranger, True, sender=other_provider)

    with reverts_with(insurance.NotSettler, caller=stranger, provider=provider):
        insurance.settleAndInsure(*settlement(), sender=stranger)

    assert held() == Held()


def test_attack_settler_takes_the_payment_to_another_provider__reverts(
    insurance, other_provider, settler, settlement, deposit, held
):
    deposit(other_provider, LOCK)
    insurance.setSettler(settler, True, sender=other_provider)
    _, *terms = settlement()

    with reverts_with_string(INVALID):
        insurance.settleAndInsure(other_provider, *terms, sender=settler)

    assert held() == Held(insurance=BOND + LOCK)


def test_attack_removed_settler__reverts(insurance, provider, settler, settlement, held):
    signed = settlement()
    insurance.setSettler(settler, False, sender=provider)

    with reverts_with(insurance.NotSettler, caller=settler, provider=provider):
        insurance.settleAndInsure(*signed, sender=settler)

    assert held() == Held()


def test_attack_removed_settler__refunds_no_more(insurance, provider, settler, settle, held):
    request = settle()
    insurance.setSettler(settler, False, sender=provider)

    with reverts_with(insurance.NotProviderNorSettler, caller=settler, provider=provider):
        insurance.refundService(request, sender=settler)

    assert held() == Held(client=9_900_000, provider=PRICE)
