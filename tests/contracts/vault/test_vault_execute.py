"""`executeBatch`: who is paid, and what a failed payout leaves behind."""

from itertools import pairwise

import pytest
from amounts import DAILY_CAP, HOT_WALLET_MAX, USDC
from logs import events_of
from payout_logs import executed, transfer
from reverts import reverts_with


def test_execute__whole_batch__pays_everybody(vault, usdc, payer, recipients, approved_batch):
    batch_id, items, proof, flags = approved_batch.execution()

    tx = vault.executeBatch(batch_id, items, proof, flags, sender=payer)

    assert events_of(tx) == [
        log for item in items for log in (transfer(vault, usdc, item), executed(vault, approved_batch, item))
    ]
    assert [usdc.balanceOf(recipient) for recipient in recipients[:3]] == [10 * USDC, 20 * USDC, 30 * USDC]
    assert usdc.balanceOf(vault) == HOT_WALLET_MAX - 60 * USDC
    assert vault.batches(batch_id).paid == 60 * USDC
    assert vault.remainingToday() == DAILY_CAP - 60 * USDC
    assert [vault.isPaid(number) for number in range(5)] == [False, True, True, True, False]


def test_execute__in_two_parts__pays_each_once(vault, usdc, payer, recipients, approved_batch):
    vault.executeBatch(*approved_batch.execution([1]), sender=payer)
    assert vault.batches(approved_batch.batch_id).paid == 20 * USDC

    vault.executeBatch(*approved_batch.execution([0, 2]), sender=payer)

    assert [usdc.balanceOf(recipient) for recipient in recipients[:3]] == [10 * USDC, 20 * USDC, 30 * USDC]
    assert vault.batches(approved_batch.batch_id).paid == 60 * USDC


def test_execute__one_payout_batch__needs_no_proof(
    filled_vault, usdc, approver, payer, recipients, today_batch
):
    batch = today_batch((7, recipients[0], 5))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert batch.execution()[2:] == ([], [])
    assert usdc.balanceOf(recipients[0]) == 5


@pytest.mark.parametrize("number", [0, 255, 256, 2**256 - 1])
def test_execute__policy_number_at_a_words_edge__sets_its_bit_only(
    number, filled_vault, approver, payer, recipients, today_batch
):
    batch = today_batch((number, recipients[0], 5))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert filled_vault.isPaid(number)
    assert not filled_vault.isPaid((number + 1) % 2**256)
    assert not filled_vault.isPaid((number - 1) % 2**256)
    assert not filled_vault.isPaid((number + 256) % 2**256)


def test_execute__policies_of_many_words_in_any_order__each_bit_set_once(
    filled_vault, usdc, circle, approver, payer, recipients, today_batch
):
    numbers = [1, 300, 2, 600, 3, 301, 255, 256, 4, 601]
    batch = today_batch(*((number, recipients[place], 1) for place, number in enumerate(numbers)))
    filled_vault.approveBatch(*batch.terms, sender=approver)
    usdc.blacklist(recipients[numbers.index(300)], sender=circle)
    order = [item[1] // 256 for item in batch.execution()[1]]
    assert sum(left != right for left, right in pairwise(order)) > len(set(order)) - 1

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    neighbours = {near for number in numbers for near in (number - 1, number, number + 1, number + 256)}
    assert {number for number in neighbours if filled_vault.isPaid(number)} == set(numbers) - {300}
    for number in numbers:
        if number != 300:
            with reverts_with(filled_vault.AlreadyPaid, policyNo=number):
                filled_vault.executeBatch(*batch.execution([numbers.index(number)]), sender=payer)


def test_execute__denylisted_recipient__skipped_and_free_of_cap_and_total(
    vault, usdc, circle, payer, recipients, approved_batch
):
    usdc.blacklist(recipients[1], sender=circle)
    batch_id, items, proof, flags = approved_batch.execution()

    tx = vault.executeBatch(batch_id, items, proof, flags, sender=payer)

    expected = []
    for item in items:
        if item[1] == 2:
            expected.append(executed(vault, approved_batch, item, "PayoutFailed"))
        else:
            expected += [transfer(vault, usdc, item), executed(vault, approved_batch, item)]
    assert events_of(tx) == expected
    assert [usdc.balanceOf(recipient) for recipient in recipients[:3]] == [10 * USDC, 0, 30 * USDC]
    assert [vault.isPaid(number) for number in (1, 2, 3)] == [True, False, True]
    assert vault.batches(batch_id).paid == 40 * USDC
    assert vault.remainingToday() == DAILY_CAP - 40 * USDC


def test_execute__denylisting_lifted__pays_later(vault, usdc, circle, payer, recipients, approved_batch):
    usdc.blacklist(recipients[1], sender=circle)
    vault.executeBatch(*approved_batch.execution(), sender=payer)
    usdc.unBlacklist(recipients[1], sender=circle)

    vault.executeBatch(*approved_batch.execution([1]), sender=payer)

    assert usdc.balanceOf(recipients[1]) == 20 * USDC
    assert vault.batches(approved_batch.batch_id).paid == 60 * USDC
    assert vault.remainingToday() == DAILY_CAP - 60 * USDC


def test_execute__all_recipients_denylisted__pays_nobody_and_uses_nothing(
    vault, usdc, circle, payer, recipients, approved_batch
):
    for recipient in recipients[:3]:
        usdc.blacklist(recipient, sender=circle)

    tx = vault.executeBatch(*approved_batch.execution(), sender=payer)

    assert [name for _, name, _ in events_of(tx)] == ["PayoutFailed"] * 3
    assert vault.batches(approved_batch.batch_id).paid == 0
    assert vault.remainingToday() == DAILY_CAP
    assert usdc.balanceOf(vault) == HOT_WALLET_MAX


def test_execute__failed_payout_after_an_earlier_part__gives_back_only_its_own(
    vault, usdc, circle, payer, recipients, approved_batch
):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)
    usdc.blacklist(recipients[1], sender=circle)

    vault.executeBatch(*approved_batch.execution([1, 2]), sender=payer)

    assert vault.batches(approved_batch.batch_id).paid == 40 * USDC
    assert vault.remainingToday() == DAILY_CAP - 40 * USDC


def test_execute__failed_payout_on_a_new_day__counts_from_zero(
    vault, usdc, circle, payer, recipients, clock, approved_batch
):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)
    usdc.blacklist(recipients[1], sender=circle)
    clock.travel_to(clock.next_midnight)

    vault.executeBatch(*approved_batch.execution([1, 2]), sender=payer)

    assert vault.remainingToday() == DAILY_CAP - 30 * USDC


def test_execute__vault_denylisted__every_payout_fails_and_stays_unpaid(
    vault, usdc, circle, payer, approved_batch
):
    usdc.blacklist(vault, sender=circle)

    tx = vault.executeBatch(*approved_batch.execution(), sender=payer)

    assert [name for _, name, _ in events_of(tx)] == ["PayoutFailed"] * 3
    assert vault.batches(approved_batch.batch_id).paid == 0


def test_execute__fifty_payouts__pays_everybody(filled_vault, usdc, approver, payer, today_batch):
    people = [f"0x{0xCAFE0000 + index:040x}" for index in range(50)]
    batch = today_batch(*((index, person, 1000 + index) for index, person in enumerate(people)))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert [usdc.balanceOf(person) for person in people] == [1000 + index for index in range(50)]
    assert filled_vault.batches(batch.batch_id).paid == batch.total
