"""`payWithPermit`: an EIP-2612 permit and the payment in one transaction."""

import pytest
from logs import event, events_of
from reverts import reverts_with, reverts_with_string
from signing import sign_permit

FOREVER = 2**256 - 1


@pytest.fixture
def deadline(clock):
    return clock.now + 3600


@pytest.fixture
def permit(usdc, checkout, rich_buyer, terms, deadline):
    return sign_permit(usdc, rich_buyer, checkout, terms.amount, deadline)


def test_pay_with_permit__valid__moves_premium_to_treasury(
    checkout, usdc, rich_buyer, treasury, terms, permit, deadline, balances
):
    tx = checkout.payWithPermit(*terms, deadline, permit, sender=rich_buyer)

    assert events_of(tx) == [
        event(usdc, "Approval", owner=rich_buyer, spender=checkout, value=1_000_000),
        event(
            checkout,
            "PremiumPaid",
            orderId=terms.order_id,
            payer=rich_buyer,
            amount=1_000_000,
            quoteHash=terms.quote_hash,
            treasury=treasury,
        ),
        event(usdc, "Transfer", **{"from": rich_buyer, "to": treasury, "value": 1_000_000}),
    ]
    assert balances(rich_buyer, treasury) == (9_000_000, 1_000_000, 0)
    assert usdc.allowance(rich_buyer, checkout) == 0
    assert usdc.nonces(rich_buyer) == 1


def test_pay_with_permit__deadline_without_end__pays(checkout, usdc, rich_buyer, treasury, terms, balances):
    permit = sign_permit(usdc, rich_buyer, checkout, terms.amount, FOREVER)

    checkout.payWithPermit(*terms, FOREVER, permit, sender=rich_buyer)

    assert balances(rich_buyer, treasury) == (9_000_000, 1_000_000, 0)


def test_pay_with_permit__at_deadline__pays(checkout, rich_buyer, terms, permit, deadline, clock, balances):
    clock.next_block_at(deadline)

    checkout.payWithPermit(*terms, deadline, permit, sender=rich_buyer)

    assert balances(rich_buyer) == (9_000_000, 0)


def test_pay_with_permit__after_deadline__reverts(checkout, rich_buyer, terms, permit, deadline, clock):
    clock.next_block_at(deadline + 1)

    with reverts_with_string("ERC20: transfer amount exceeds allowance"):
        checkout.payWithPermit(*terms, deadline, permit, sender=rich_buyer)


def test_pay_with_permit__sent_ahead_by_somebody__still_pays(
    checkout, usdc, rich_buyer, treasury, stranger, terms, permit, deadline, balances
):
    usdc.permit(rich_buyer, checkout, terms.amount, deadline, permit, sender=stranger)

    tx = checkout.payWithPermit(*terms, deadline, permit, sender=rich_buyer)

    assert [name for _, name, _ in events_of(tx)] == ["PremiumPaid", "Transfer"]
    assert balances(rich_buyer, treasury) == (9_000_000, 1_000_000, 0)


def test_pay_with_permit__standing_allowance_and_no_permit__pays(
    checkout, usdc, rich_buyer, terms, deadline, balances
):
    usdc.approve(checkout, terms.amount, sender=rich_buyer)

    checkout.payWithPermit(*terms, deadline, b"", sender=rich_buyer)

    assert balances(rich_buyer) == (9_000_000, 0)


def test_pay_with_permit__signed_by_another__reverts(checkout, usdc, rich_buyer, stranger, terms, deadline):
    forged = sign_permit(usdc, rich_buyer, checkout, terms.amount, deadline, key_of=stranger)

    with reverts_with_string("ERC20: transfer amount exceeds allowance"):
        checkout.payWithPermit(*terms, deadline, forged, sender=rich_buyer)


def test_pay_with_permit__for_another_amount__reverts(checkout, usdc, rich_buyer, terms, deadline):
    permit = sign_permit(usdc, rich_buyer, checkout, terms.amount + 1, deadline)

    with reverts_with_string("ERC20: transfer amount exceeds allowance"):
        checkout.payWithPermit(*terms, deadline, permit, sender=rich_buyer)


def test_pay_with_permit__taken_by_a_stranger__moves_nothing(
    checkout, rich_buyer, stranger, terms, permit, deadline, balances
):
    with reverts_with_string("ERC20: transfer amount exceeds allowance"):
        checkout.payWithPermit(*terms, deadline, permit, sender=stranger)

    assert balances(rich_buyer) == (10_000_000, 0)


def test_pay_with_permit__zero_amount__reverts(checkout, usdc, rich_buyer, terms, deadline):
    permit = sign_permit(usdc, rich_buyer, checkout, 0, deadline)

    with reverts_with(checkout.ZeroAmount, orderId=terms.order_id):
        checkout.payWithPermit(terms.order_id, 0, terms.quote_hash, deadline, permit, sender=rich_buyer)


def test_pay_with_permit__paused__reverts(checkout, guardian, rich_buyer, terms, permit, deadline):
    checkout.pause(sender=guardian)

    with reverts_with(checkout.EnforcedPause):
        checkout.payWithPermit(*terms, deadline, permit, sender=rich_buyer)


def test_pay_with_permit__usdc_paused__reverts(checkout, usdc, circle, rich_buyer, terms, permit, deadline):
    usdc.pause(sender=circle)

    with reverts_with_string("Pausable: paused"):
        checkout.payWithPermit(*terms, deadline, permit, sender=rich_buyer)


def test_pay_with_permit__smart_wallet__its_owner_signs(
    checkout, usdc, project, wallet_owner, treasury, terms, deadline, mint, balances
):
    wallet = wallet_owner.deploy(project.MockSmartWallet, wallet_owner)
    mint(wallet, terms.amount)
    permit = sign_permit(usdc, wallet, checkout, terms.amount, deadline, key_of=wallet_owner)
    call = checkout.payWithPermit.encode_input(*terms, deadline, permit)

    tx = wallet.execute(checkout, call, sender=wallet_owner)

    assert events_of(tx)[1][2]["payer"] == wallet.address
    assert balances(wallet, treasury) == (0, 1_000_000, 0)


def test_pay_with_permit__smart_wallet_signed_by_a_stranger__reverts(
    checkout, usdc, project, wallet_owner, stranger, terms, deadline, mint
):
    wallet = wallet_owner.deploy(project.MockSmartWallet, wallet_owner)
    mint(wallet, terms.amount)
    permit = sign_permit(usdc, wallet, checkout, terms.amount, deadline, key_of=stranger)
    call = checkout.payWithPermit.encode_input(*terms, deadline, permit)

    with reverts_with_string("ERC20: transfer amount exceeds allowance"):
        wallet.execute(checkout, call, sender=wallet_owner)
