"""How everybody's money comes out when somebody does not do their part: who must do what."""

import pytest
from clock import DAY_S
from flight_policies import (
    ACTIVE_TO,
    APPROVAL_WINDOW_S,
    CLAIM_DEADLINE,
    ESCROWS,
    LATE,
    MAX_AGE_S,
    PAYOUT,
    UNDERWRITING_DEADLINE,
)
from logs import event, events_of
from reverts import reverts_with, reverts_with_string

LONG_S = 3_650 * DAY_S
DENIED = "Blacklistable: account is blacklisted"


@pytest.fixture
def refund_all(parametric, insurers):
    """Every insurer asks for its own escrow."""

    def refund(policy):
        for index, insurer in enumerate(insurers):
            parametric.refund(policy, index, insurer, sender=insurer)

    return refund


def test_underwriting_never_opened__anyone_fails_it_and_nobody_had_paid(
    parametric, scene, stranger, clock, insurers, balances
):
    policy = scene.reach("Draft")
    clock.next_block_at(UNDERWRITING_DEADLINE + 1)

    parametric.failUnderwriting(policy, sender=stranger)

    assert balances(*insurers) == (0, 0, 0, 0)
    assert scene.state(policy) == "Failed"


def test_participant_rejects_and_nobody_replaces_it__anyone_fails_it_and_the_others_refund(
    parametric, scene, stranger, insurers, clock, balances
):
    policy = scene.reach("Open")
    scene.accept(policy, 0, insurers[0])
    scene.accept(policy, 2, insurers[2])
    parametric.rejectShare(policy, 1, sender=insurers[1])
    clock.next_block_at(UNDERWRITING_DEADLINE + 1)
    parametric.failUnderwriting(policy, sender=stranger)

    parametric.refund(policy, 0, insurers[0], sender=insurers[0])
    parametric.refund(policy, 2, insurers[2], sender=insurers[2])

    assert balances(*insurers) == (400_000, 0, 250_000, 0)


def test_replaced_participant__newcomer_refunds_after_expiry_and_the_replaced_one_cannot(
    parametric, scene, leader, insurers, stranger, clock, balances
):
    policy = scene.reach("Open")
    parametric.replaceShare(policy, 1, stranger, sender=leader)
    for index, insurer in enumerate((insurers[0], stranger, insurers[2])):
        scene.accept(policy, index, insurer)
    clock.next_block_at(ACTIVE_TO + 1)
    parametric.expirePolicy(policy, sender=stranger)

    with reverts_with(parametric.Unauthorized, id=policy, caller=insurers[1]):
        parametric.refund(policy, 1, insurers[1], sender=insurers[1])
    parametric.refund(policy, 1, stranger, sender=stranger)

    assert balances(stranger, insurers[1]) == (350_000, 0, PAYOUT - 350_000)


def test_never_activated__anyone_expires_it_after_cover_and_every_insurer_refunds(
    parametric, scene, stranger, insurers, clock, refund_all, balances
):
    policy = scene.reach("Funded")
    clock.next_block_at(ACTIVE_TO + 1)
    parametric.expirePolicy(policy, sender=stranger)

    refund_all(policy)

    assert balances(*insurers) == (*ESCROWS, 0)


@pytest.mark.parametrize(
    "silence", ["never reported", "stopped before the delay", "describes another flight"]
)
def test_oracle_silent__anyone_expires_it_after_the_claim_deadline_and_every_insurer_refunds(
    parametric, scene, feed, feed_owner, stranger, insurers, clock, refund_all, balances, silence
):
    policy = scene.reach("Active")
    if silence == "stopped before the delay":
        scene.push(130)
    elif silence == "describes another flight":
        feed.setDescription("KE082", sender=feed_owner)
    clock.next_block_at(CLAIM_DEADLINE + 1)
    parametric.expirePolicy(policy, sender=stranger)

    refund_all(policy)

    assert balances(*insurers) == (*ESCROWS, 0)


def test_oracle_reports_again_within_the_grace__anyone_still_makes_the_claim(
    parametric, scene, feed, stranger, clock
):
    policy = scene.reach("Active")
    clock.travel_to(LATE)
    scene.push(130)
    clock.travel_to(CLAIM_DEADLINE - 120)
    with reverts_with(
        parametric.OracleStale,
        feed=feed,
        updatedAt=LATE,
        earliest=CLAIM_DEADLINE - 60 - MAX_AGE_S,
        latest=CLAIM_DEADLINE - 60,
    ):
        clock.next_block_at(CLAIM_DEADLINE - 60)
        parametric.checkOracle(policy, sender=stranger)
    scene.push(130)

    parametric.checkOracle(policy, sender=stranger)

    assert scene.state(policy) == "Claimable"


def test_never_approved_and_never_settled__anyone_approves_and_settles_years_later(
    parametric, scene, stranger, beneficiary, clock, balances
):
    policy = scene.reach("Claimable")
    clock.next_block_at(LATE + APPROVAL_WINDOW_S + LONG_S)
    parametric.approveClaim(policy, sender=stranger)
    clock.next_block_at(clock.now + LONG_S)

    parametric.settleClaim(policy, sender=stranger)

    assert balances(beneficiary) == (PAYOUT, 0)


def test_insurers_forgot_their_refunds__each_takes_it_years_later(
    parametric, scene, insurers, clock, refund_all, balances
):
    policy = scene.reach("Expired")
    clock.travel_to(clock.now + LONG_S)

    refund_all(policy)

    assert balances(*insurers) == (*ESCROWS, 0)


def test_insurer_denylisted_while_underwriting__leader_replaces_it(
    parametric, scene, usdc, circle, leader, participant, second_participant, stranger
):
    policy = scene.reach("Open")
    scene.provide(policy, 1, participant)
    usdc.blacklist(participant, sender=circle)
    with reverts_with_string(DENIED):
        parametric.acceptShare(policy, 1, scene.hash_of(policy), sender=participant)
    parametric.replaceShare(policy, 1, stranger, sender=leader)
    for index, insurer in enumerate((leader, stranger, second_participant)):
        scene.accept(policy, index, insurer)

    assert scene.state(policy) == "Funded"


def test_insurer_denylisted_after_funding__beneficiary_is_paid_all_the_same(
    parametric, scene, usdc, circle, participant, stranger, beneficiary, balances
):
    policy = scene.reach("Approved")
    usdc.blacklist(participant, sender=circle)

    parametric.settleClaim(policy, sender=stranger)

    assert balances(beneficiary) == (PAYOUT, 0)


def test_usdc_paused_at_settlement__beneficiary_withdraws_once_it_goes_on(
    parametric, scene, usdc, circle, stranger, beneficiary, balances
):
    policy = scene.reach("Approved")
    usdc.pause(sender=circle)
    parametric.settleClaim(policy, sender=stranger)
    with reverts_with_string("Pausable: paused"):
        parametric.withdraw(beneficiary, sender=beneficiary)
    usdc.unpause(sender=circle)

    parametric.withdraw(beneficiary, sender=beneficiary)

    assert balances(beneficiary) == (PAYOUT, 0)


def test_usdc_paused_until_after_the_deadline__anyone_fails_it_and_who_had_paid_refunds(
    parametric, scene, usdc, circle, participant, stranger, clock, balances
):
    policy = scene.reach("Open")
    scene.accept(policy, 1, participant)
    usdc.pause(sender=circle)
    clock.next_block_at(UNDERWRITING_DEADLINE + 1)
    parametric.failUnderwriting(policy, sender=stranger)
    usdc.unpause(sender=circle)

    parametric.refund(policy, 1, participant, sender=participant)

    assert balances(participant) == (350_000, 0)


def test_contract_denylisted__circle_lifts_it_and_beneficiary_and_insurers_take_theirs(
    parametric, scene, usdc, circle, leader, participant, stranger, beneficiary, balances
):
    """Until then nothing is lost: what is settled is credited, and a refund reverts."""
    failed = scene.reach("Open")
    scene.accept(failed, 1, participant)
    parametric.failUnderwriting(failed, sender=leader)
    paid = scene.reach("Approved")
    usdc.blacklist(parametric, sender=circle)
    tx = parametric.settleClaim(paid, sender=stranger)
    assert events_of(tx) == [
        event(parametric, "ClaimCredited", id=paid, beneficiary=beneficiary, amount=PAYOUT)
    ]
    with reverts_with_string(DENIED):
        parametric.refund(failed, 1, participant, sender=participant)
    usdc.unBlacklist(parametric, sender=circle)

    parametric.withdraw(beneficiary, sender=beneficiary)
    parametric.refund(failed, 1, participant, sender=participant)

    assert balances(beneficiary, participant) == (PAYOUT, 350_000, 0)


def test_donation__no_call_pays_it_out_or_counts_it(
    parametric, scene, stranger, insurers, beneficiary, mint, clock, refund_all, balances
):
    mint(parametric, 777)
    paid, expired = scene.reach("Funded"), scene.reach("Funded")
    scene.advance(paid, "Settled")
    clock.next_block_at(CLAIM_DEADLINE + 1)
    parametric.expirePolicy(expired, sender=stranger)
    mint(parametric, 223)

    refund_all(expired)

    assert balances(*insurers, beneficiary) == (*ESCROWS, PAYOUT, 1_000)
    for account in (*insurers, beneficiary, stranger):
        with reverts_with(parametric.InvalidAmount, amount=0, max=0):
            parametric.withdraw(account, sender=account)


def test_donation__instead_of_accepting__funds_nothing(parametric, scene, participant, mint, balances):
    policy = scene.reach("Open")

    mint(parametric, PAYOUT)

    assert scene.state(policy) == "Open"
    assert parametric.shareStatus(policy, 1) == 0
