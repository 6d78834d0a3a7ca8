"""`withdraw` and `payCredit`: what USDC refused to deliver."""

import pytest
from flight_policies import PAYOUT, ZERO
from logs import event, events_of
from reverts import reverts_with, reverts_with_string


@pytest.fixture
def owed(parametric, scene, usdc, circle, beneficiary):
    """The denylisted beneficiary's credit."""
    policy = scene.reach("Approved")
    usdc.blacklist(beneficiary, sender=circle)
    parametric.settleClaim(policy, sender=scene.anybody)
    return PAYOUT


def test_withdraw__to_another_address__sends_the_whole_credit(
    parametric, usdc, beneficiary, elsewhere, owed, balances
):
    tx = parametric.withdraw(elsewhere, sender=beneficiary)

    assert events_of(tx) == [
        event(parametric, "CreditWithdrawn", account=beneficiary, to=elsewhere, amount=owed),
        event(usdc, "Transfer", **{"from": parametric, "to": elsewhere, "value": owed}),
    ]
    assert balances(beneficiary, elsewhere) == (0, owed, 0)
    assert parametric.credit(beneficiary) == 0


def test_withdraw__still_denylisted__keeps_the_credit(parametric, beneficiary, owed, balances):
    with reverts_with_string("Blacklistable: account is blacklisted"):
        parametric.withdraw(beneficiary, sender=beneficiary)

    assert parametric.credit(beneficiary) == owed
    assert balances(beneficiary) == (0, owed)


def test_withdraw__two_policies_credited__sends_both(parametric, scene, usdc, circle, beneficiary, balances):
    policies = [scene.reach("Funded"), scene.reach("Funded")]
    usdc.blacklist(beneficiary, sender=circle)
    for policy in policies:
        scene.advance(policy, "Settled")
    usdc.unBlacklist(beneficiary, sender=circle)

    parametric.withdraw(beneficiary, sender=beneficiary)

    assert balances(beneficiary) == (2 * PAYOUT, 0)


def test_withdraw__twice__reverts(parametric, beneficiary, elsewhere, owed):
    parametric.withdraw(elsewhere, sender=beneficiary)

    with reverts_with(parametric.InvalidAmount, amount=0, max=0):
        parametric.withdraw(elsewhere, sender=beneficiary)


def test_withdraw__without_credit__reverts(parametric, stranger, owed):
    with reverts_with(parametric.InvalidAmount, amount=0, max=0):
        parametric.withdraw(stranger, sender=stranger)


@pytest.mark.parametrize("place", ["nowhere", "usdc", "parametric"])
def test_withdraw__to_where_it_would_be_lost__reverts(parametric, usdc, beneficiary, owed, place):
    to = {"nowhere": ZERO, "usdc": usdc.address, "parametric": parametric.address}[place]

    with reverts_with(parametric.InvalidInput, field="to", value=int(to, 16)):
        parametric.withdraw(to, sender=beneficiary)


def test_pay_credit__by_a_stranger_for_one_without_ether__sends_the_whole_credit(
    parametric, usdc, circle, beneficiary, stranger, owed, balances
):
    usdc.unBlacklist(beneficiary, sender=circle)
    beneficiary.balance = 0

    tx = parametric.payCredit(beneficiary, sender=stranger)

    assert events_of(tx) == [
        event(parametric, "CreditWithdrawn", account=beneficiary, to=beneficiary, amount=owed),
        event(usdc, "Transfer", **{"from": parametric, "to": beneficiary, "value": owed}),
    ]
    assert balances(beneficiary, stranger) == (owed, 0, 0)
    assert parametric.credit(beneficiary) == 0


@pytest.mark.parametrize("reason", ["denylisted", "paused"])
def test_pay_credit__usdc_still_refuses__keeps_the_credit(
    parametric, usdc, circle, beneficiary, stranger, owed, balances, reason
):
    words = "Blacklistable: account is blacklisted"
    if reason == "paused":
        usdc.unBlacklist(beneficiary, sender=circle)
        usdc.pause(sender=circle)
        words = "Pausable: paused"

    with reverts_with_string(words):
        parametric.payCredit(beneficiary, sender=stranger)

    assert parametric.credit(beneficiary) == owed
    assert balances(beneficiary) == (0, owed)


@pytest.mark.parametrize("account", ["nowhere", "usdc", "parametric", "stranger"])
def test_pay_credit__account_without_credit__reverts(parametric, usdc, stranger, owed, account):
    addresses = {"nowhere": ZERO, "usdc": usdc, "parametric": parametric, "stranger": stranger}

    with reverts_with(parametric.InvalidAmount, amount=0, max=0):
        parametric.payCredit(addresses[account], sender=stranger)
