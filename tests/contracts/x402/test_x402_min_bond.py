"""`setMinProviderBond`: a raised minimum holds after seven days, a lowered one at once."""

import pytest
from amounts import USDC
from insured_payments import BOND, NOBODY, NOTICE_S, Notice
from logs import event, events_of
from reverts import reverts_with

MINIMUM = 100 * USDC

pytestmark = pytest.mark.usefixtures("bonded")


def test_set_min__raised__told_with_the_time_it_holds(insurance, provider, config, delayed, executed):
    tx = delayed(insurance, "setMinProviderBond", provider, MINIMUM, sender=config)

    assert events_of(tx) == [
        executed(insurance, "setMinProviderBond", provider, MINIMUM),
        event(
            insurance,
            "MinProviderBondSet",
            provider=provider,
            minimum=MINIMUM,
            effectiveAt=tx.timestamp + NOTICE_S,
        ),
    ]
    account = insurance.accounts(provider)
    assert (account.minimum, account.nextMinimum, account.nextMinimumAt) == (
        0,
        MINIMUM,
        tx.timestamp + NOTICE_S,
    )


def test_set_min__raised__holds_after_seven_days(insurance, provider, config, delayed, clock):
    tx = delayed(insurance, "setMinProviderBond", provider, MINIMUM, sender=config)
    minimums = []

    for offset in (-1, 0, 1):
        clock.travel_to(tx.timestamp + NOTICE_S + offset)
        minimums.append(insurance.minProviderBond(provider))

    assert minimums == [0, MINIMUM, MINIMUM]


def test_set_min__lowered__holds_at_once(insurance, provider, config, set_minimum, delayed):
    set_minimum(MINIMUM)

    tx = delayed(insurance, "setMinProviderBond", provider, MINIMUM - 1, sender=config)

    assert events_of(tx)[1:] == [
        event(
            insurance,
            "MinProviderBondSet",
            provider=provider,
            minimum=MINIMUM - 1,
            effectiveAt=tx.timestamp,
        )
    ]
    account = insurance.accounts(provider)
    assert (account.minimum, account.nextMinimum, account.nextMinimumAt) == (
        MINIMUM - 1,
        MINIMUM - 1,
        0,
    )


def test_set_min__raised_twice__the_second_replaces_the_waiting_one(
    insurance, provider, config, delayed, clock
):
    first = delayed(insurance, "setMinProviderBond", provider, MINIMUM, sender=config)
    second = delayed(insurance, "setMinProviderBond", provider, MINIMUM + 1, sender=config)

    clock.travel_to(first.timestamp + NOTICE_S)
    assert insurance.minProviderBond(provider) == 0

    clock.travel_to(second.timestamp + NOTICE_S)
    assert insurance.minProviderBond(provider) == MINIMUM + 1


def test_set_min__raised_from_one_that_holds__the_old_one_holds_meanwhile(
    insurance, provider, config, set_minimum, delayed, clock
):
    set_minimum(MINIMUM)

    tx = delayed(insurance, "setMinProviderBond", provider, 2 * MINIMUM, sender=config)

    assert insurance.minProviderBond(provider) == MINIMUM
    clock.travel_to(tx.timestamp + NOTICE_S)
    assert insurance.minProviderBond(provider) == 2 * MINIMUM


@pytest.mark.parametrize("again", [0, MINIMUM], ids=["below", "equal"])
def test_set_min__at_most_the_one_that_holds__ends_a_waiting_rise(
    again, insurance, provider, config, set_minimum, delayed, clock
):
    set_minimum(MINIMUM)
    delayed(insurance, "setMinProviderBond", provider, 2 * MINIMUM, sender=config)

    delayed(insurance, "setMinProviderBond", provider, again, sender=config)

    clock.travel_to(clock.now + NOTICE_S)
    assert insurance.minProviderBond(provider) == again


def test_set_min__one_provider__touches_no_other(insurance, other_provider, set_minimum):
    set_minimum(MINIMUM)

    assert insurance.minProviderBond(other_provider) == 0


def test_set_min__nobody__reverts(insurance, config, delayed):
    with reverts_with(insurance.InvalidProvider, provider=NOBODY):
        delayed(insurance, "setMinProviderBond", NOBODY, MINIMUM, sender=config)


def test_set_min__health__flips_exactly_at_the_minimum(insurance, provider, config, set_minimum, delayed):
    set_minimum(BOND + 1)
    assert not insurance.isProviderHealthy(provider)

    delayed(insurance, "setMinProviderBond", provider, BOND, sender=config)

    assert insurance.isProviderHealthy(provider)


def test_set_min__lowered_for_an_announced_provider__ends_the_announcement(
    insurance, provider, config, set_minimum, delayed
):
    set_minimum(BOND + 1)
    delayed(insurance, "announceLiquidation", provider, sender=config)

    tx = delayed(insurance, "setMinProviderBond", provider, BOND, sender=config)

    assert events_of(tx)[1:] == [
        event(
            insurance,
            "MinProviderBondSet",
            provider=provider,
            minimum=BOND,
            effectiveAt=tx.timestamp,
        ),
        event(insurance, "LiquidationCalledOff", provider=provider),
    ]
    assert insurance.accounts(provider).notice == Notice.NONE
