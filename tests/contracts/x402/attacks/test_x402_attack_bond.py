"""A provider's bond, against clients, CONFIG, GUARDIAN and the provider itself."""

import pytest
from amounts import USDC
from insured_payments import (
    BOND,
    IDLE_S,
    LOCK,
    MAX_TIMEOUT_MINUTES,
    NOTICE_S,
    PENALTY,
    PRICE,
    REQUEST,
    UNLIMITED,
    Held,
    Notice,
    Standing,
)
from reverts import reverts_with

HIGHEST = 2**64 - 1

pytestmark = pytest.mark.usefixtures("bonded", "rich_client")


@pytest.mark.parametrize("minutes", [MAX_TIMEOUT_MINUTES + 1, 2**16 - 1])
def test_attack_absurd_timeout__by_a_client__reverts(minutes, insurance, provider, client):
    insurance.approveCoverage(client, UNLIMITED, MAX_TIMEOUT_MINUTES, sender=provider)

    with reverts_with(insurance.TimeoutOutOfRange, timeoutMinutes=minutes, least=1, most=MAX_TIMEOUT_MINUTES):
        insurance.purchaseInsurance(REQUEST, provider, PRICE, minutes, sender=client)

    assert insurance.lockedBond(provider) == 0


@pytest.mark.parametrize("minutes", [MAX_TIMEOUT_MINUTES + 1, 2**16 - 1])
def test_attack_absurd_timeout__by_a_settler__reverts(
    minutes, insurance, provider, settler, settlement, held
):
    with reverts_with(insurance.TimeoutOutOfRange, timeoutMinutes=minutes, least=1, most=MAX_TIMEOUT_MINUTES):
        insurance.settleAndInsure(*settlement(timeout_minutes=minutes), sender=settler)

    assert held() == Held()


def test_attack_locks_of_a_whole_bond__without_approval__reverts(insurance, provider, stranger):
    with reverts_with(
        insurance.CoverageExceeded, provider=provider, client=stranger, amount=BOND, remaining=0
    ):
        insurance.purchaseInsurance(REQUEST, provider, BOND, MAX_TIMEOUT_MINUTES, sender=stranger)


@pytest.mark.parametrize("rate", [0, 1_000], ids=["to nothing", "to a tenth"])
@pytest.mark.parametrize("end", ["confirm", "refund", "claim"])
def test_attack_rates_changed_under_an_open_policy__it_ends_as_it_began(
    rate, end, insurance, provider, client, config, settle, delayed, overdue, held
):
    request = settle(timeout_minutes=MAX_TIMEOUT_MINUTES)
    delayed(insurance, "setPlatformPenaltyRate", rate, sender=config)

    if end == "confirm":
        insurance.confirmService(request, b"", sender=provider)
    elif end == "refund":
        insurance.refundService(request, sender=provider)
    else:
        insurance.claimInsurance(overdue(request), sender=client)

    loss = {"confirm": 0, "refund": PRICE, "claim": LOCK}[end]
    assert insurance.lockedBond(provider) == 0
    assert insurance.providerBond(provider) == BOND - loss
    assert insurance.penalties() == (PENALTY if end == "claim" else 0)
    assert insurance.liabilities() == held().insurance


def test_attack_default_timeout_changed_under_an_open_policy__deadline_stays(
    insurance, config, settle, delayed, deadline_of
):
    request = settle(timeout_minutes=0)
    deadline = deadline_of(request)

    delayed(insurance, "setDefaultTimeout", MAX_TIMEOUT_MINUTES, sender=config)

    assert deadline_of(request) == deadline
    assert insurance.canClaimInsurance(request)


def test_attack_hundred_percent_penalty__reverts(insurance, config, delayed):
    with reverts_with(insurance.PenaltyRateTooHigh, penaltyRate=10_000, most=1_000):
        delayed(insurance, "setPlatformPenaltyRate", 10_000, sender=config)

    assert insurance.platformPenaltyRate() == 200


def test_attack_penalty_rounded_to_zero__smallest_payment_costs_one_unit(
    insurance, provider, client, settle, overdue
):
    request = settle(amount=1)
    assert insurance.lockedBond(provider) == 2

    insurance.claimInsurance(overdue(request), sender=client)

    assert insurance.penalties() == 1
    assert insurance.providerBond(provider) == BOND - 2


def test_attack_seizing_an_honest_bond__not_announced__reverts(insurance, provider, config, settle, delayed):
    settle()

    with reverts_with(insurance.NotAnnounced, provider=provider):
        delayed(insurance, "liquidateProvider", provider, sender=config)

    assert insurance.providerBond(provider) == BOND


def test_attack_seizing_an_honest_bond__active_provider_announced__reverts(
    insurance, provider, config, settle, delayed
):
    settle()

    with reverts_with(insurance.NotLiquidatable, provider=provider):
        delayed(insurance, "announceLiquidation", provider, sender=config)


def test_attack_seizing_an_honest_bond__minimum_raised_and_announced_at_once__reverts(
    insurance, provider, config, delayed
):
    delayed(insurance, "setMinProviderBond", provider, HIGHEST, sender=config)

    with reverts_with(insurance.NotLiquidatable, provider=provider):
        delayed(insurance, "announceLiquidation", provider, sender=config)


def test_attack_seizing_an_honest_bond__minimum_out_of_reach__provider_has_left(
    insurance, provider, config, relayer, set_minimum, delayed, clock, held
):
    set_minimum(HIGHEST)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    insurance.withdrawBond(BOND, sender=provider)
    clock.travel_to(clock.now + NOTICE_S)

    delayed(insurance, "liquidateProvider", provider, sender=config)

    assert held() == Held(provider=BOND, insurance=0)
    with reverts_with(insurance.NothingToCollect):
        insurance.collect(sender=relayer)


def test_attack_seizing_an_honest_bond__recovered_in_time__reverts(
    insurance, provider, config, set_minimum, deposit, delayed, clock
):
    set_minimum(BOND + 1)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    deposit(provider, 1)
    clock.travel_to(clock.now + NOTICE_S)

    with reverts_with(insurance.NotAnnounced, provider=provider):
        delayed(insurance, "liquidateProvider", provider, sender=config)

    assert insurance.providerBond(provider) == BOND + 1


def test_attack_blocking_its_own_liquidation__locks_after_the_announcement__reverts(
    insurance, provider, config, set_minimum, delayed
):
    insurance.approveCoverage(provider, UNLIMITED, MAX_TIMEOUT_MINUTES, sender=provider)
    set_minimum(BOND + 1)
    delayed(insurance, "announceLiquidation", provider, sender=config)

    with reverts_with(
        insurance.ProviderLeaving, provider=provider, standing=Standing.ACTIVE, notice=Notice.UNHEALTHY
    ):
        insurance.purchaseInsurance(REQUEST, provider, 1, MAX_TIMEOUT_MINUTES, sender=provider)


def test_attack_blocking_its_own_liquidation__longest_lock_just_before__is_over_in_time(
    insurance, manager, provider, config, relayer, set_minimum, delayed, clock
):
    insurance.approveCoverage(provider, UNLIMITED, MAX_TIMEOUT_MINUTES, sender=provider)
    set_minimum(BOND)
    announcement = insurance.announceLiquidation.encode_input(provider)
    manager.schedule(insurance, announcement, 0, sender=config)
    locked_at = clock.now + 48 * 3600
    clock.next_block_at(locked_at)
    # The last block before the announcement: the provider makes itself unhealthy and busy.
    insurance.purchaseInsurance(REQUEST, provider, 1, MAX_TIMEOUT_MINUTES, sender=provider)
    clock.next_block_at(locked_at + 1)
    manager.execute(insurance, announcement, sender=config)
    at = insurance.accounts(provider).liquidatableAt
    clock.travel_to(at)

    insurance.claimInsurance(REQUEST, sender=relayer)
    delayed(insurance, "liquidateProvider", provider, sender=config)

    assert insurance.isLiquidated(provider)


def test_attack_provider_kept_from_leaving__by_a_client_that_locks_on__reverts(
    insurance, provider, client, cover, overdue, held
):
    request = cover()
    insurance.announceExit(sender=provider)

    with reverts_with(
        insurance.ProviderLeaving, provider=provider, standing=Standing.EXITING, notice=Notice.NONE
    ):
        insurance.purchaseInsurance(b"\x02" * 32, provider, 1, MAX_TIMEOUT_MINUTES, sender=client)

    insurance.confirmService(request, b"", sender=provider)
    insurance.withdrawBond(BOND, sender=provider)
    assert held() == Held(provider=BOND, insurance=0)


def test_attack_provider_kept_from_leaving__by_a_minimum__all_comes_out(
    insurance, provider, set_minimum, held
):
    set_minimum(HIGHEST)
    assert insurance.withdrawableBond(provider) == 0

    insurance.announceExit(sender=provider)
    insurance.withdrawBond(BOND, sender=provider)

    assert held() == Held(provider=BOND, insurance=0)


def test_attack_provider_kept_from_leaving__by_the_guardian__all_comes_out(
    insurance, provider, guardian, held
):
    insurance.pause(sender=guardian)

    insurance.announceExit(sender=provider)
    insurance.withdrawBond(BOND, sender=provider)

    assert held() == Held(provider=BOND, insurance=0)


def test_attack_provider_kept_from_leaving__by_an_idle_announcement__all_comes_out(
    insurance, provider, config, delayed, set_minimum, clock, held
):
    set_minimum(100 * USDC)
    clock.travel_to(clock.now + IDLE_S)
    delayed(insurance, "announceLiquidation", provider, sender=config)

    insurance.withdrawBond(BOND, sender=provider)

    assert held() == Held(provider=BOND, insurance=0)
