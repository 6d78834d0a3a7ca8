"""`payCredit` in a stranger's hands: it moves a client's money to that client, whole, or nothing at all."""

import pytest
from insured_payments import BOND, CLIENT_FUNDS, MAX_TIMEOUT_MINUTES, PRICE, REQUEST, Held
from logs import event, events_of
from reverts import reverts_with, reverts_with_string

ANSWERS_FALSE = bytes.fromhex("5f5f5260205ff3")


@pytest.fixture
def credited(insurance, usdc, circle, client, relayer, settle, overdue):
    """A client that was denylisted when its claim came due, and is so no more."""
    request = settle()
    usdc.blacklist(client, sender=circle)
    insurance.claimInsurance(overdue(request), sender=relayer)
    usdc.unBlacklist(client, sender=circle)
    return client


def test_attack_pay_credit_before_the_clients_withdrawal__costs_it_the_choice_and_no_money(
    insurance, usdc, credited, stranger, recipients, held
):
    insurance.payCredit(credited, sender=stranger)

    with reverts_with(insurance.NoCredit, client=credited):
        insurance.withdrawCredit(recipients[0], sender=credited)

    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)
    assert (usdc.balanceOf(recipients[0]), usdc.balanceOf(stranger)) == (0, 0)


def test_attack_pay_credit_of_a_denied_client__client_alone_moves_it(
    insurance, usdc, circle, credited, stranger, recipients, held
):
    usdc.blacklist(credited, sender=circle)

    with reverts_with_string("Blacklistable: account is blacklisted"):
        insurance.payCredit(credited, sender=stranger)
    insurance.withdrawCredit(recipients[0], sender=credited)

    assert usdc.balanceOf(recipients[0]) == PRICE
    assert held() == Held(client=CLIENT_FUNDS - PRICE, provider=PRICE, insurance=BOND - PRICE)


def test_attack_pay_credit_twice__not_out_of_what_others_are_owed(
    insurance, usdc, circle, client, stranger, relayer, settle, overdue, mint, held
):
    mint(stranger, PRICE)
    requests = [settle(nonce=b"\x01" * 32), settle(nonce=b"\x02" * 32, by=stranger)]
    overdue(requests[1])
    usdc.pause(sender=circle)
    insurance.claimMany(requests, sender=relayer)
    usdc.unpause(sender=circle)
    insurance.payCredit(client, sender=relayer)

    with reverts_with(insurance.NoCredit, client=client):
        insurance.payCredit(client, sender=relayer)

    assert (insurance.credit(client), insurance.credit(stranger)) == (0, PRICE)
    assert held() == Held(client=CLIENT_FUNDS, provider=2 * PRICE, insurance=BOND - PRICE)
    assert insurance.liabilities() == BOND - PRICE


def test_attack_pay_credit_with_too_little_gas__pays_or_nothing_happens(insurance, credited, stranger):
    call = {
        "from": stranger.address,
        "to": insurance.address,
        "data": insurance.payCredit.encode_input(credited),
    }
    request = insurance.provider.make_request

    calls = [{**call, "gas": hex(gas)} for gas in range(22_000, 122_000, 1_000)]
    answers = [
        request("eth_simulateV1", [{"blockStateCalls": [{"calls": [limited]}]}, "latest"])[0]["calls"][0]
        for limited in calls
    ]

    assert {(answer["status"], len(answer["logs"])) for answer in answers} == {("0x0", 0), ("0x1", 2)}


def test_attack_pay_credit_while_usdc_answers_false__reverts_and_stays(
    insurance, usdc, credited, stranger, chain
):
    chain.provider.set_code(usdc.address, ANSWERS_FALSE)

    with reverts_with(insurance.SafeERC20FailedOperation, token=usdc):
        insurance.payCredit(credited, sender=stranger)

    assert insurance.credit(credited) == PRICE
    assert insurance.liabilities() == BOND


def test_pay_credit__smart_wallet_whose_owner_has_no_ether__has_its_money(
    project, insurance, usdc, circle, bonded, deployer, wallet_owner, stranger, overdue
):
    wallet = deployer.deploy(project.MockSmartWallet, wallet_owner)
    insurance.approveCoverage(wallet, PRICE, MAX_TIMEOUT_MINUTES, sender=bonded)
    purchase = insurance.purchaseInsurance.encode_input(REQUEST, bonded, PRICE, 0)
    wallet.execute(insurance, purchase, sender=wallet_owner)
    usdc.blacklist(wallet, sender=circle)
    insurance.claimInsurance(overdue(REQUEST), sender=stranger)
    usdc.unBlacklist(wallet, sender=circle)
    wallet_owner.balance = 0

    tx = insurance.payCredit(wallet, sender=stranger)

    assert events_of(tx) == [
        event(insurance, "CreditWithdrawn", client=wallet, to=wallet, amount=PRICE),
        event(usdc, "Transfer", **{"from": insurance, "to": wallet, "value": PRICE}),
    ]
    assert (usdc.balanceOf(wallet), insurance.credit(wallet)) == (PRICE, 0)
