"""`payCredit` in a stranger's hands: its money goes to the beneficiary, whole, or nothing moves."""

import pytest
from flight_policies import PAYOUT
from reverts import reverts_with, reverts_with_string

ANSWERS_FALSE = bytes.fromhex("5f5f5260205ff3")


@pytest.fixture
def credited(parametric, scene, usdc, circle, beneficiary):
    """A beneficiary that was denylisted when its claim was settled, and is so no more."""
    policy = scene.reach("Approved")
    usdc.blacklist(beneficiary, sender=circle)
    parametric.settleClaim(policy, sender=scene.anybody)
    usdc.unBlacklist(beneficiary, sender=circle)
    return beneficiary


def test_paid_before_the_beneficiarys_withdrawal__costs_it_the_choice_and_no_money(
    parametric, credited, stranger, elsewhere, balances
):
    parametric.payCredit(credited, sender=stranger)

    with reverts_with(parametric.InvalidAmount, amount=0, max=0):
        parametric.withdraw(elsewhere, sender=credited)

    assert balances(credited, elsewhere, stranger) == (PAYOUT, 0, 0, 0)


def test_paid_while_denied__beneficiary_alone_moves_it(
    parametric, usdc, circle, credited, stranger, elsewhere, balances
):
    usdc.blacklist(credited, sender=circle)

    with reverts_with_string("Blacklistable: account is blacklisted"):
        parametric.payCredit(credited, sender=stranger)
    parametric.withdraw(elsewhere, sender=credited)

    assert balances(credited, elsewhere) == (0, PAYOUT, 0)


def test_paid_twice__not_out_of_another_policys_escrows(
    parametric, scene, usdc, circle, beneficiary, stranger, balances
):
    policy, _ = scene.reach("Funded"), scene.reach("Funded")
    usdc.blacklist(beneficiary, sender=circle)
    scene.advance(policy, "Settled")
    usdc.unBlacklist(beneficiary, sender=circle)
    parametric.payCredit(beneficiary, sender=stranger)

    with reverts_with(parametric.InvalidAmount, amount=0, max=0):
        parametric.payCredit(beneficiary, sender=stranger)

    assert balances(beneficiary) == (PAYOUT, PAYOUT)


def test_paid_with_too_little_gas__pays_or_nothing_happens(parametric, credited, stranger):
    call = {
        "from": stranger.address,
        "to": parametric.address,
        "data": parametric.payCredit.encode_input(credited),
    }
    request = parametric.provider.make_request

    calls = [{**call, "gas": hex(gas)} for gas in range(22_000, 122_000, 1_000)]
    answers = [
        request("eth_simulateV1", [{"blockStateCalls": [{"calls": [limited]}]}, "latest"])[0]["calls"][0]
        for limited in calls
    ]

    assert {(answer["status"], len(answer["logs"])) for answer in answers} == {("0x0", 0), ("0x1", 2)}


def test_paid_while_usdc_answers_false__reverts_and_stays(parametric, usdc, credited, stranger, chain):
    chain.provider.set_code(usdc.address, ANSWERS_FALSE)

    with reverts_with(parametric.SafeERC20FailedOperation, token=usdc):
        parametric.payCredit(credited, sender=stranger)

    assert parametric.credit(credited) == PAYOUT
