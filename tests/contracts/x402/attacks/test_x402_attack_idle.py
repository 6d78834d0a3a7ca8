"""An idle bond has its notice to the last second, and its announcement does not take the next one."""

import pytest
from insured_payments import BOND, IDLE_S, LOCK, NOTICE_S, Held, Notice
from logs import event, events_of
from reverts import reverts_with

pytestmark = pytest.mark.usefixtures("bonded")


@pytest.fixture
def announced(insurance, provider, config, delayed, clock):
    """The provider, idle, and its liquidation announced."""
    clock.travel_to(clock.now + IDLE_S)
    delayed(insurance, "announceLiquidation", provider, sender=config)
    return provider


@pytest.fixture
def returning(insurance, announced, deposit, clock):
    """The provider, which took all out, as it may, and came back when its notice was over."""
    insurance.withdrawBond(BOND, sender=announced)
    clock.travel_to(clock.now + NOTICE_S)
    deposit(announced, BOND)
    return announced


def test_attack_seizing_an_idle_bond__a_second_before_its_notice_is_over__reverts(
    insurance, announced, config, delayed_to, held
):
    due = insurance.accounts(announced).liquidatableAt

    with reverts_with(insurance.NoticeNotOver, provider=announced, liquidatableAt=due):
        delayed_to(due - 1, insurance, "liquidateProvider", announced, sender=config)

    insurance.withdrawBond(BOND, sender=announced)
    assert held() == Held(client=0, provider=BOND, insurance=0)


def test_attack_seizing_a_new_bond__announced_for_the_one_before__reverts(
    insurance, returning, config, delayed, held
):
    with reverts_with(insurance.NotAnnounced, provider=returning):
        delayed(insurance, "liquidateProvider", returning, sender=config)

    assert held() == Held(client=0, provider=BOND)
    assert insurance.providerBond(returning) == BOND


def test_attack_seizing_a_new_bond__announced_at_once__reverts(insurance, returning, config, delayed):
    with reverts_with(insurance.NotLiquidatable, provider=returning):
        delayed(insurance, "announceLiquidation", returning, sender=config)


def test_attack_seizing_a_new_bond__it_insures_again(insurance, returning, settle):
    settle()

    assert insurance.lockedBond(returning) == LOCK


def test_attack_seizing_a_new_bond__first_unit_ends_the_announcement(insurance, usdc, announced, deposit):
    insurance.withdrawBond(BOND, sender=announced)

    tx = deposit(announced, 1)

    assert events_of(tx) == [
        event(insurance, "LiquidationCalledOff", provider=announced),
        event(insurance, "BondDeposited", provider=announced, amount=1, totalBond=1),
        event(usdc, "Transfer", **{"from": announced, "to": insurance, "value": 1}),
    ]
    account = insurance.accounts(announced)
    assert (account.notice, account.liquidatableAt) == (Notice.NONE, 0)
    assert account.lastLockAt == tx.timestamp


def test_attack_seizing_a_new_bond__one_unit_left_in__is_the_old_one(
    insurance, announced, config, deposit, delayed_to, clock
):
    insurance.withdrawBond(BOND - 1, sender=announced)
    deposit(announced, 1)
    assert insurance.accounts(announced).notice == Notice.IDLE
    due = insurance.accounts(announced).liquidatableAt

    delayed_to(due, insurance, "liquidateProvider", announced, sender=config)

    assert insurance.penalties() == 2
