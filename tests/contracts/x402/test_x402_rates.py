"""`setPlatformPenaltyRate` and `setDefaultTimeout`: of new locks."""

import pytest
from insured_payments import LOCK, MAX_TIMEOUT_MINUTES, PRICE
from logs import event, events_of
from reverts import reverts_with

pytestmark = pytest.mark.usefixtures("bonded")


@pytest.mark.parametrize("rate", [0, 1, 1_000])
def test_set_penalty_rate__up_to_a_tenth__told_and_stored(rate, insurance, config, delayed, executed):
    tx = delayed(insurance, "setPlatformPenaltyRate", rate, sender=config)

    assert events_of(tx) == [
        executed(insurance, "setPlatformPenaltyRate", rate),
        event(insurance, "PlatformPenaltyRateSet", penaltyRate=rate),
    ]
    assert insurance.platformPenaltyRate() == rate


@pytest.mark.parametrize("rate", [1_001, 10_000, 2**16 - 1])
def test_set_penalty_rate__above_a_tenth__reverts(rate, insurance, config, delayed):
    with reverts_with(insurance.PenaltyRateTooHigh, penaltyRate=rate, most=1_000):
        delayed(insurance, "setPlatformPenaltyRate", rate, sender=config)

    assert insurance.platformPenaltyRate() == 200


@pytest.mark.parametrize(
    ("rate", "amount", "penalty"),
    [
        (0, PRICE, 0),
        (1, 1, 1),
        (1, 10_000, 1),
        (1, 10_001, 2),
        (200, 1, 1),
        (200, 50, 1),
        (200, 51, 2),
        (200, PRICE, 2_000),
        (1_000, PRICE, 10_000),
    ],
)
def test_set_penalty_rate__new_lock__rounded_up(
    rate, amount, penalty, insurance, provider, config, delayed, settle
):
    delayed(insurance, "setPlatformPenaltyRate", rate, sender=config)

    commitment = settle(amount=amount)

    assert insurance.lockedBond(provider) == amount + penalty
    assert insurance.policies(commitment).penaltyRate == rate
    assert tuple(insurance.getProtectionCost(amount)) == (amount + penalty, penalty)


@pytest.mark.parametrize("minutes", [1, MAX_TIMEOUT_MINUTES])
def test_set_default_timeout__within_bounds__told_and_of_new_locks(
    minutes, insurance, config, delayed, executed, settle, clock, deadline_of
):
    tx = delayed(insurance, "setDefaultTimeout", minutes, sender=config)

    assert events_of(tx) == [
        executed(insurance, "setDefaultTimeout", minutes),
        event(insurance, "DefaultTimeoutSet", timeoutMinutes=minutes),
    ]
    assert insurance.defaultTimeout() == minutes
    commitment = settle()
    assert deadline_of(commitment) == clock.now + minutes * 60


@pytest.mark.parametrize("minutes", [0, MAX_TIMEOUT_MINUTES + 1, 2**16 - 1])
def test_set_default_timeout__out_of_bounds__reverts(minutes, insurance, config, delayed):
    with reverts_with(insurance.TimeoutOutOfRange, timeoutMinutes=minutes, least=1, most=MAX_TIMEOUT_MINUTES):
        delayed(insurance, "setDefaultTimeout", minutes, sender=config)

    assert insurance.defaultTimeout() == 5


def test_set_default_timeout__timeout_named__is_not_touched(
    insurance, provider, config, delayed, settle, clock, deadline_of
):
    delayed(insurance, "setDefaultTimeout", 60, sender=config)

    commitment = settle(timeout_minutes=5)

    assert deadline_of(commitment) == clock.now + 300
    assert insurance.lockedBond(provider) == LOCK
