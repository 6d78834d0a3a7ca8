"""`executeBatch`: approved total, daily cap and balance."""

import pytest
from amounts import DAILY_CAP
from batches import hostile_leaf, node
from reverts import reverts_with, reverts_with_panic

UINT96_MAX = 2**96 - 1


def test_execute__more_than_the_approved_total__reverts(
    filled_vault, approver, payer, recipients, today_batch
):
    batch = today_batch((1, recipients[0], 30), (2, recipients[1], 40))
    filled_vault.approveBatch(batch.batch_id, batch.root, 69, sender=approver)

    with reverts_with(filled_vault.AboveTotal, batchId=batch.batch_id, amount=70, remaining=69):
        filled_vault.executeBatch(*batch.execution(), sender=payer)


def test_execute__second_part_above_what_is_left_of_the_total__reverts(
    filled_vault, usdc, approver, payer, recipients, today_batch
):
    batch = today_batch((1, recipients[0], 30), (2, recipients[1], 40))
    filled_vault.approveBatch(batch.batch_id, batch.root, 69, sender=approver)
    filled_vault.executeBatch(*batch.execution([0]), sender=payer)

    with reverts_with(filled_vault.AboveTotal, batchId=batch.batch_id, amount=40, remaining=39):
        filled_vault.executeBatch(*batch.execution([1]), sender=payer)

    assert usdc.balanceOf(recipients[1]) == 0


@pytest.mark.parametrize("amount", [2**96, 2**96 + 1, 2**256 - 1])
def test_execute__amount_beyond_96_bits__reverts(amount, filled_vault, approver, payer, recipients, clock):
    item = (clock.today, 1, recipients[0], amount, b"\x01" * 32)
    filled_vault.approveBatch(clock.today, hostile_leaf(item), UINT96_MAX, sender=approver)

    with reverts_with(filled_vault.AboveTotal, batchId=clock.today, amount=amount, remaining=UINT96_MAX):
        filled_vault.executeBatch(clock.today, [item], [], [], sender=payer)


def test_execute__amounts_that_overflow__reverts(filled_vault, approver, payer, recipients, clock):
    items = [
        (clock.today, 1, recipients[0], 2**256 - 1, b"\x01" * 32),
        (clock.today, 2, recipients[1], 2, b"\x01" * 32),
    ]
    root = node(*(hostile_leaf(item) for item in items))
    filled_vault.approveBatch(clock.today, root, 1, sender=approver)

    with reverts_with_panic(0x11):
        filled_vault.executeBatch(clock.today, items, [], [True], sender=payer)


def test_execute__exactly_the_daily_cap__pays(filled_vault, usdc, approver, payer, recipients, today_batch):
    batch = today_batch((1, recipients[0], DAILY_CAP))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert usdc.balanceOf(recipients[0]) == DAILY_CAP
    assert filled_vault.remainingToday() == 0


def test_execute__one_above_the_daily_cap__reverts(
    filled_vault, usdc, approver, payer, recipients, today_batch
):
    batch = today_batch((1, recipients[0], DAILY_CAP + 1))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    with reverts_with(filled_vault.AboveDailyCap, amount=DAILY_CAP + 1, remaining=DAILY_CAP):
        filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert usdc.balanceOf(recipients[0]) == 0


@pytest.mark.parametrize(("offset", "pays"), [(-1, False), (0, True), (1, True)])
def test_execute__cap_used_up__pays_the_rest_from_midnight_on(
    offset, pays, filled_vault, usdc, approver, payer, recipients, today_batch, clock
):
    batch = today_batch((1, recipients[0], DAILY_CAP), (2, recipients[1], 7))
    filled_vault.approveBatch(*batch.terms, sender=approver)
    filled_vault.executeBatch(*batch.execution([0]), sender=payer)
    clock.next_block_at(clock.next_midnight + offset)

    if pays:
        filled_vault.executeBatch(*batch.execution([1]), sender=payer)
        assert usdc.balanceOf(recipients[1]) == 7
        assert filled_vault.remainingToday() == DAILY_CAP - 7
    else:
        with reverts_with(filled_vault.AboveDailyCap, amount=7, remaining=0):
            filled_vault.executeBatch(*batch.execution([1]), sender=payer)


def test_execute__balance_one_short__reverts_whole(
    filled_vault, usdc, circle, approver, payer, recipients, today_batch
):
    filled_vault.sweep(sender=payer)
    usdc.mint(filled_vault, 69, sender=circle)
    batch = today_batch((1, recipients[0], 30), (2, recipients[1], 40))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    with reverts_with(filled_vault.ShortBalance, amount=70, balance=69):
        filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert usdc.balanceOf(recipients[0]) == usdc.balanceOf(recipients[1]) == 0
    assert not filled_vault.isPaid(1)


def test_execute__exactly_the_balance__pays(
    filled_vault, usdc, circle, approver, payer, recipients, today_batch
):
    filled_vault.sweep(sender=payer)
    usdc.mint(filled_vault, 70, sender=circle)
    batch = today_batch((1, recipients[0], 30), (2, recipients[1], 40))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert usdc.balanceOf(filled_vault) == 0
