"""`payWithAuthorization`: a signed EIP-3009 authorization that anyone may relay, and nobody may turn."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from logs import event, events_of
from reverts import reverts_with, reverts_with_string
from signing import sign_authorization, sign_cancellation

INVALID = "FiatTokenV2: invalid signature"
USED = "FiatTokenV2: authorization is used or canceled"


def test_pay_with_authorization__relayed__moves_premium_to_treasury(
    checkout, usdc, rich_buyer, relayer, treasury, terms, authorize, balances
):
    tx = checkout.payWithAuthorization(*authorize(terms, rich_buyer), sender=relayer)

    nonce = checkout.authorizationNonce(*terms)
    assert events_of(tx) == [
        event(
            checkout,
            "PremiumPaid",
            orderId=terms.order_id,
            payer=rich_buyer,
            amount=1_000_000,
            quoteHash=terms.quote_hash,
            treasury=treasury,
        ),
        event(usdc, "AuthorizationUsed", authorizer=rich_buyer, nonce=nonce),
        event(usdc, "Transfer", **{"from": rich_buyer, "to": checkout, "value": 1_000_000}),
        event(usdc, "Transfer", **{"from": checkout, "to": treasury, "value": 1_000_000}),
    ]
    assert balances(rich_buyer, treasury, relayer) == (9_000_000, 1_000_000, 0, 0)
    assert usdc.authorizationState(rich_buyer, nonce)


def test_authorization_nonce__terms__is_keccak_of_chain_contract_and_terms(checkout, chain, terms):
    encoded = encode(
        ["uint256", "address", "bytes32", "uint96", "bytes32"], [chain.chain_id, checkout.address, *terms]
    )

    assert checkout.authorizationNonce(*terms) == keccak(encoded)


def test_pay_with_authorization__replayed__reverts(checkout, rich_buyer, relayer, terms, authorize, balances):
    signed = authorize(terms, rich_buyer)
    checkout.payWithAuthorization(*signed, sender=relayer)

    with reverts_with_string(USED):
        checkout.payWithAuthorization(*signed, sender=relayer)

    assert balances(rich_buyer) == (9_000_000, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"order_id": b"\xff" * 32},
        {"quote_hash": b"\xff" * 32},
        {"amount": 999_999},
        {"amount": 1_000_001},
    ],
    ids=["order", "quote", "less", "more"],
)
def test_pay_with_authorization__relabelled__reverts(
    change, checkout, rich_buyer, stranger, terms, authorize, balances
):
    signed = authorize(terms, rich_buyer)
    relabelled = (*replace(terms, **change), *signed[3:])

    with reverts_with_string(INVALID):
        checkout.payWithAuthorization(*relabelled, sender=stranger)

    assert balances(rich_buyer) == (10_000_000, 0)


def test_pay_with_authorization__another_payer_named__reverts(
    checkout, rich_buyer, stranger, terms, authorize, mint
):
    mint(stranger, terms.amount)
    signed = list(authorize(terms, rich_buyer))
    signed[3] = stranger

    with reverts_with_string(INVALID):
        checkout.payWithAuthorization(*signed, sender=stranger)


def test_pay_with_authorization__taken_to_another_checkout__reverts(
    checkout, project, deployer, usdc, manager, rich_buyer, stranger, terms, authorize, balances
):
    robber = deployer.deploy(project.Checkout, usdc, stranger, manager)

    with reverts_with_string(INVALID):
        robber.payWithAuthorization(*authorize(terms, rich_buyer), sender=stranger)

    assert balances(rich_buyer, stranger) == (10_000_000, 0, 0)


def test_pay_with_authorization__sent_straight_to_usdc__reverts(
    checkout, usdc, rich_buyer, stranger, terms, authorize
):
    *_, valid_after, valid_before, signature = authorize(terms, rich_buyer)
    nonce = checkout.authorizationNonce(*terms)

    with reverts_with_string("FiatTokenV2: caller must be the payee"):
        usdc.receiveWithAuthorization(
            rich_buyer, checkout, terms.amount, valid_after, valid_before, nonce, signature, sender=stranger
        )


def test_pay_with_authorization__signed_as_transfer__reverts(
    checkout, usdc, rich_buyer, relayer, terms, clock
):
    before = clock.now + 3600
    nonce = checkout.authorizationNonce(*terms)
    signature = sign_authorization(
        usdc, "TransferWithAuthorization", rich_buyer, checkout, terms.amount, 0, before, nonce
    )

    with reverts_with_string(INVALID):
        checkout.payWithAuthorization(*terms, rich_buyer, 0, before, signature, sender=relayer)


def test_pay_with_authorization__free_nonce__reverts(checkout, rich_buyer, relayer, terms, authorize):
    signed = authorize(terms, rich_buyer, nonce=b"\x01" * 32)

    with reverts_with_string(INVALID):
        checkout.payWithAuthorization(*signed, sender=relayer)


def test_pay_with_authorization__cancelled__reverts(checkout, usdc, rich_buyer, relayer, terms, authorize):
    signed = authorize(terms, rich_buyer)
    nonce = checkout.authorizationNonce(*terms)
    usdc.cancelAuthorization(rich_buyer, nonce, sign_cancellation(usdc, rich_buyer, nonce), sender=relayer)

    with reverts_with_string(USED):
        checkout.payWithAuthorization(*signed, sender=relayer)


@pytest.mark.parametrize(("offset", "pays"), [(-1, False), (0, False), (1, True)])
def test_pay_with_authorization__around_valid_after__pays_only_later(
    offset, pays, checkout, rich_buyer, relayer, terms, authorize, clock, balances
):
    start = clock.now + 1000
    signed = authorize(terms, rich_buyer, valid_after=start, valid_before=start + 1000)
    clock.next_block_at(start + offset)

    if pays:
        checkout.payWithAuthorization(*signed, sender=relayer)
        assert balances(rich_buyer) == (9_000_000, 0)
    else:
        with reverts_with_string("FiatTokenV2: authorization is not yet valid"):
            checkout.payWithAuthorization(*signed, sender=relayer)


@pytest.mark.parametrize(("offset", "pays"), [(-1, True), (0, False), (1, False)])
def test_pay_with_authorization__around_valid_before__pays_only_earlier(
    offset, pays, checkout, rich_buyer, relayer, terms, authorize, clock, balances
):
    end = clock.now + 1000
    signed = authorize(terms, rich_buyer, valid_before=end)
    clock.next_block_at(end + offset)

    if pays:
        checkout.payWithAuthorization(*signed, sender=relayer)
        assert balances(rich_buyer) == (9_000_000, 0)
    else:
        with reverts_with_string("FiatTokenV2: authorization is expired"):
            checkout.payWithAuthorization(*signed, sender=relayer)


def test_pay_with_authorization__zero_amount__reverts(checkout, rich_buyer, relayer, terms, authorize):
    nothing = replace(terms, amount=0)

    with reverts_with(checkout.ZeroAmount, orderId=terms.order_id):
        checkout.payWithAuthorization(*authorize(nothing, rich_buyer), sender=relayer)


def test_pay_with_authorization__balance_short__reverts(checkout, buyer, relayer, terms, authorize, mint):
    mint(buyer, terms.amount - 1)

    with reverts_with_string("ERC20: transfer amount exceeds balance"):
        checkout.payWithAuthorization(*authorize(terms, buyer), sender=relayer)


def test_pay_with_authorization__paused__reverts(checkout, guardian, rich_buyer, relayer, terms, authorize):
    checkout.pause(sender=guardian)

    with reverts_with(checkout.EnforcedPause):
        checkout.payWithAuthorization(*authorize(terms, rich_buyer), sender=relayer)


def test_pay_with_authorization__denylisted_treasury__reverts_and_frees_the_nonce(
    checkout, usdc, circle, rich_buyer, relayer, treasury, terms, authorize, balances
):
    usdc.blacklist(treasury, sender=circle)
    signed = authorize(terms, rich_buyer)

    with reverts_with_string("Blacklistable: account is blacklisted"):
        checkout.payWithAuthorization(*signed, sender=relayer)

    assert balances(rich_buyer) == (10_000_000, 0)
    assert not usdc.authorizationState(rich_buyer, checkout.authorizationNonce(*terms))


def test_pay_with_authorization__smart_wallet__its_owner_signs(
    checkout, project, wallet_owner, relayer, treasury, terms, authorize, mint, balances
):
    wallet = wallet_owner.deploy(project.MockSmartWallet, wallet_owner)
    mint(wallet, terms.amount)

    tx = checkout.payWithAuthorization(*authorize(terms, wallet, key_of=wallet_owner), sender=relayer)

    assert events_of(tx)[0][2]["payer"] == wallet.address
    assert balances(wallet, treasury) == (0, 1_000_000, 0)


def test_pay_with_authorization__smart_wallet_signed_by_a_stranger__reverts(
    checkout, project, wallet_owner, stranger, relayer, terms, authorize, mint
):
    wallet = wallet_owner.deploy(project.MockSmartWallet, wallet_owner)
    mint(wallet, terms.amount)

    with reverts_with_string(INVALID):
        checkout.payWithAuthorization(*authorize(terms, wallet, key_of=stranger), sender=relayer)
