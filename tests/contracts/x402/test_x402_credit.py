"""`withdrawCredit` and `payCredit`: what USDC refused to send to a client waits for it."""

import pytest
from insured_payments import BOND, LOCK, PENALTY, PRICE, Held, Status
from logs import event, events_of
from reverts import reverts_with, reverts_with_string


@pytest.fixture
def credited(insurance, usdc, circle, client, relayer, settle, overdue):
    """A client that was denylisted when its claim came due, and is so no more."""
    request = settle()
    usdc.blacklist(client, sender=circle)
    insurance.claimInsurance(overdue(request), sender=relayer)
    usdc.unBlacklist(client, sender=circle)
    return client


@pytest.mark.parametrize("refused_by", ["denylist", "pause"])
def test_claim__usdc_refuses__is_a_credit(
    refused_by, insurance, usdc, circle, provider, client, relayer, settle, overdue, held
):
    request = overdue(settle())
    if refused_by == "denylist":
        usdc.blacklist(client, sender=circle)
    else:
        usdc.pause(sender=circle)

    tx = insurance.claimInsurance(request, sender=relayer)

    assert events_of(tx) == [
        event(
            insurance,
            "InsuranceClaimed",
            commitment=request,
            provider=provider,
            client=client,
            amount=PRICE,
            penalty=PENALTY,
        ),
        event(insurance, "Credited", client=client, commitment=request, amount=PRICE),
    ]
    assert insurance.policies(request).status == Status.CLAIMED
    assert insurance.credit(client) == PRICE
    assert held() == Held(client=9_900_000, provider=PRICE)
    assert insurance.providerBond(provider) == BOND - LOCK
    assert insurance.liabilities() == BOND


def test_refund__usdc_refuses__is_a_credit(insurance, usdc, circle, provider, client, settle, held):
    request = settle()
    usdc.blacklist(client, sender=circle)

    tx = insurance.refundService(request, sender=provider)

    assert events_of(tx) == [
        event(
            insurance,
            "ServiceRefunded",
            commitment=request,
            provider=provider,
            client=client,
            amount=PRICE,
        ),
        event(insurance, "Credited", client=client, commitment=request, amount=PRICE),
    ]
    assert insurance.credit(client) == PRICE
    assert held() == Held(client=9_900_000, provider=PRICE)
    assert insurance.liabilities() == BOND


def test_claim__usdc_refuses_again__adds_up(insurance, usdc, circle, client, relayer, settle, overdue):
    requests = [settle(nonce=bytes([index]) * 32) for index in (1, 2)]
    overdue(requests[1])
    usdc.blacklist(client, sender=circle)

    insurance.claimMany(requests, sender=relayer)

    assert insurance.credit(client) == 2 * PRICE


def test_withdraw_credit__to_itself__moves(insurance, usdc, credited, held):
    tx = insurance.withdrawCredit(credited, sender=credited)

    assert events_of(tx) == [
        event(insurance, "CreditWithdrawn", client=credited, to=credited, amount=PRICE),
        event(usdc, "Transfer", **{"from": insurance, "to": credited, "value": PRICE}),
    ]
    assert insurance.credit(credited) == 0
    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)
    assert insurance.liabilities() == BOND - PRICE


def test_withdraw_credit__to_another__moves(insurance, usdc, circle, credited, recipients, held):
    usdc.blacklist(credited, sender=circle)

    insurance.withdrawCredit(recipients[0], sender=credited)

    assert usdc.balanceOf(recipients[0]) == PRICE
    assert held() == Held(client=9_900_000, provider=PRICE, insurance=BOND - PRICE)


@pytest.mark.parametrize("who", ["provider", "stranger", "client"])
def test_withdraw_credit__without_credit__reverts(who, insurance, actors, settle):
    settle()

    with reverts_with(insurance.NoCredit, client=actors[who]):
        insurance.withdrawCredit(actors[who], sender=actors[who])


def test_withdraw_credit__again__reverts(insurance, credited):
    insurance.withdrawCredit(credited, sender=credited)

    with reverts_with(insurance.NoCredit, client=credited):
        insurance.withdrawCredit(credited, sender=credited)


def test_withdraw_credit__to_a_denylisted__reverts_and_stays(insurance, usdc, circle, credited, held):
    usdc.blacklist(credited, sender=circle)

    with reverts_with_string("Blacklistable: account is blacklisted"):
        insurance.withdrawCredit(credited, sender=credited)

    assert insurance.credit(credited) == PRICE
    assert held() == Held(client=9_900_000, provider=PRICE)


def test_pay_credit__by_a_stranger_for_a_client_without_ether__moves_all_of_it(
    insurance, usdc, credited, stranger, held
):
    credited.balance = 0

    tx = insurance.payCredit(credited, sender=stranger)

    assert events_of(tx) == [
        event(insurance, "CreditWithdrawn", client=credited, to=credited, amount=PRICE),
        event(usdc, "Transfer", **{"from": insurance, "to": credited, "value": PRICE}),
    ]
    assert insurance.credit(credited) == 0
    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)
    assert insurance.liabilities() == BOND - PRICE
    assert usdc.balanceOf(stranger) == 0


@pytest.mark.parametrize("who", ["stranger", "provider", "client"])
def test_pay_credit__client_without_credit__reverts(who, insurance, actors, credited):
    insurance.payCredit(credited, sender=actors["relayer"])

    with reverts_with(insurance.NoCredit, client=actors[who]):
        insurance.payCredit(actors[who], sender=actors["relayer"])


@pytest.mark.parametrize(
    ("refused_by", "words"),
    [("denylist", "Blacklistable: account is blacklisted"), ("pause", "Pausable: paused")],
)
def test_pay_credit__usdc_still_refuses__reverts_and_stays(
    refused_by, words, insurance, usdc, circle, credited, stranger, held
):
    if refused_by == "denylist":
        usdc.blacklist(credited, sender=circle)
    else:
        usdc.pause(sender=circle)

    with reverts_with_string(words):
        insurance.payCredit(credited, sender=stranger)

    assert insurance.credit(credited) == PRICE
    assert insurance.liabilities() == BOND
    assert held() == Held(client=9_900_000, provider=PRICE)
