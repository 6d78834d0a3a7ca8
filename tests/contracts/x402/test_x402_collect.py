"""`collect`: the penalties, to the treasury."""

import pytest
from insured_payments import BOND, LOCK, PENALTY, PRICE, Held
from logs import event, events_of
from reverts import reverts_with, reverts_with_string

pytestmark = pytest.mark.usefixtures("bonded")


@pytest.fixture
def penalized(insurance, client, settle, overdue):
    """The insurance after one claim."""
    insurance.claimInsurance(overdue(settle()), sender=client)
    return insurance


@pytest.mark.parametrize("who", ["stranger", "treasury", "provider"])
def test_collect__anyone__moves_penalties_to_the_treasury(who, penalized, actors, usdc, treasury, held):
    tx = penalized.collect(sender=actors[who])

    assert events_of(tx) == [
        event(penalized, "PenaltiesCollected", treasury=treasury, amount=PENALTY),
        event(usdc, "Transfer", **{"from": penalized, "to": treasury, "value": PENALTY}),
    ]
    assert held() == Held(provider=PRICE, treasury=PENALTY, insurance=BOND - LOCK)
    assert penalized.penalties() == 0
    assert penalized.liabilities() == BOND - LOCK


def test_collect__nothing__reverts(insurance, stranger):
    with reverts_with(insurance.NothingToCollect):
        insurance.collect(sender=stranger)


def test_collect__again__reverts(penalized, stranger):
    penalized.collect(sender=stranger)

    with reverts_with(penalized.NothingToCollect):
        penalized.collect(sender=stranger)


def test_collect__treasury_changed__moves_to_the_new_one(
    penalized, usdc, config, relayer, stranger, delayed, held
):
    tx = delayed(penalized, "setTreasury", relayer, sender=config)
    assert events_of(tx)[1:] == [event(penalized, "TreasurySet", treasury=relayer)]
    assert penalized.platformTreasury() == relayer.address

    penalized.collect(sender=stranger)

    assert usdc.balanceOf(relayer) == PENALTY
    assert held() == Held(provider=PRICE, insurance=BOND - LOCK)


def test_collect__denylisted_treasury__reverts_and_stays(penalized, usdc, circle, treasury, stranger, held):
    usdc.blacklist(treasury, sender=circle)

    with reverts_with_string("Blacklistable: account is blacklisted"):
        penalized.collect(sender=stranger)

    assert penalized.penalties() == PENALTY
    assert held() == Held(provider=PRICE, insurance=BOND - PRICE)
