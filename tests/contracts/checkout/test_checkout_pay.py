"""`pay`: from the caller's allowance."""

from logs import event, events_of
from reverts import reverts_with, reverts_with_string

UINT96_MAX = 2**96 - 1


def test_pay__allowance__moves_premium_to_treasury(checkout, usdc, rich_buyer, treasury, terms, balances):
    usdc.approve(checkout, terms.amount, sender=rich_buyer)

    tx = checkout.pay(*terms, sender=rich_buyer)

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
        event(usdc, "Transfer", **{"from": rich_buyer, "to": treasury, "value": 1_000_000}),
    ]
    assert balances(rich_buyer, treasury) == (9_000_000, 1_000_000, 0)
    assert usdc.allowance(rich_buyer, checkout) == 0


def test_pay__same_order_twice__takes_the_money_twice(checkout, usdc, rich_buyer, treasury, terms, balances):
    usdc.approve(checkout, 2 * terms.amount, sender=rich_buyer)
    checkout.pay(*terms, sender=rich_buyer)

    checkout.pay(*terms, sender=rich_buyer)

    assert balances(rich_buyer, treasury) == (8_000_000, 2_000_000, 0)


def test_pay__largest_amount__moves_it(checkout, usdc, buyer, treasury, terms, mint, balances):
    mint(buyer, UINT96_MAX)
    usdc.approve(checkout, UINT96_MAX, sender=buyer)

    tx = checkout.pay(terms.order_id, UINT96_MAX, terms.quote_hash, sender=buyer)

    assert events_of(tx)[0][2]["amount"] == UINT96_MAX
    assert balances(buyer, treasury) == (0, UINT96_MAX, 0)


def test_pay__zero_amount__reverts(checkout, rich_buyer, terms):
    with reverts_with(checkout.ZeroAmount, orderId=terms.order_id):
        checkout.pay(terms.order_id, 0, terms.quote_hash, sender=rich_buyer)


def test_pay__allowance_one_short__reverts(checkout, usdc, rich_buyer, treasury, terms, balances):
    usdc.approve(checkout, terms.amount - 1, sender=rich_buyer)

    with reverts_with_string("ERC20: transfer amount exceeds allowance"):
        checkout.pay(*terms, sender=rich_buyer)

    assert balances(rich_buyer, treasury) == (10_000_000, 0, 0)


def test_pay__balance_short__reverts(checkout, usdc, buyer, terms, mint):
    mint(buyer, terms.amount - 1)
    usdc.approve(checkout, terms.amount, sender=buyer)

    with reverts_with_string("ERC20: transfer amount exceeds balance"):
        checkout.pay(*terms, sender=buyer)


def test_pay__denylisted_payer__reverts(checkout, usdc, circle, rich_buyer, terms):
    usdc.approve(checkout, terms.amount, sender=rich_buyer)
    usdc.blacklist(rich_buyer, sender=circle)

    with reverts_with_string("Blacklistable: account is blacklisted"):
        checkout.pay(*terms, sender=rich_buyer)


def test_pay__denylisted_treasury__reverts(checkout, usdc, circle, rich_buyer, treasury, terms):
    usdc.approve(checkout, terms.amount, sender=rich_buyer)
    usdc.blacklist(treasury, sender=circle)

    with reverts_with_string("Blacklistable: account is blacklisted"):
        checkout.pay(*terms, sender=rich_buyer)


def test_pay__usdc_paused__reverts(checkout, usdc, circle, rich_buyer, terms):
    usdc.approve(checkout, terms.amount, sender=rich_buyer)
    usdc.pause(sender=circle)

    with reverts_with_string("Pausable: paused"):
        checkout.pay(*terms, sender=rich_buyer)


def test_pay__paused__reverts(checkout, usdc, guardian, rich_buyer, terms):
    usdc.approve(checkout, terms.amount, sender=rich_buyer)
    checkout.pause(sender=guardian)

    with reverts_with(checkout.EnforcedPause):
        checkout.pay(*terms, sender=rich_buyer)


def test_pay__treasury_changed__goes_to_the_new_one(
    checkout, usdc, rich_buyer, treasury, config, stranger, terms, delayed, balances
):
    usdc.approve(checkout, terms.amount, sender=rich_buyer)
    delayed(checkout, "setTreasury", stranger, sender=config)

    tx = checkout.pay(*terms, sender=rich_buyer)

    assert events_of(tx)[0][2]["treasury"] == stranger.address
    assert balances(treasury, stranger) == (0, 1_000_000, 0)


def test_pay__somebody_elses_allowance__is_out_of_reach(
    checkout, usdc, rich_buyer, stranger, terms, balances
):
    usdc.approve(checkout, terms.amount, sender=rich_buyer)

    with reverts_with_string("ERC20: transfer amount exceeds allowance"):
        checkout.pay(*terms, sender=stranger)

    assert balances(rich_buyer) == (10_000_000, 0)
