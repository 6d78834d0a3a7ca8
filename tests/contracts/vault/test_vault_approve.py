"""`approveBatch`: by root, for the UTC date of the block."""

import pytest
from batches import batch_of
from logs import event, events_of
from reverts import reverts_with

VALIDITY_S = 48 * 3600
ROOT = b"\x01" * 32
OTHER_ROOT = b"\x02" * 32
UINT96_MAX = 2**96 - 1


def expect_stored(vault, batch_id, root, approver, total, paid, approved_at, revoked):
    assert tuple(vault.batches(batch_id)) == (root, approver.address, total, paid, approved_at, revoked)


def test_approve__todays_batch__stored_and_told(vault, approver, clock):
    tx = vault.approveBatch(clock.today, ROOT, 70, sender=approver)

    assert events_of(tx) == [
        event(
            vault,
            "BatchApproved",
            batchId=20350515,
            payoutRoot=ROOT,
            approver=approver,
            total=70,
            expiresAt=tx.timestamp + VALIDITY_S,
        )
    ]
    expect_stored(vault, 20350515, ROOT, approver, 70, 0, tx.timestamp, False)


def test_approve__largest_total__stored(vault, approver, clock):
    tx = vault.approveBatch(clock.today, ROOT, UINT96_MAX, sender=approver)

    expect_stored(vault, clock.today, ROOT, approver, UINT96_MAX, 0, tx.timestamp, False)


@pytest.mark.parametrize(("root", "total"), [(b"\0" * 32, 1), (ROOT, 0), (b"\0" * 32, 0)])
def test_approve__empty__reverts(root, total, vault, approver, clock):
    with reverts_with(vault.EmptyBatch, batchId=clock.today):
        vault.approveBatch(clock.today, root, total, sender=approver)


@pytest.mark.parametrize("batch_id", [20350514, 20350516, 0, 2**64 - 1])
def test_approve__another_date__reverts(batch_id, vault, approver):
    with reverts_with(vault.NotToday, batchId=batch_id, today=20350515):
        vault.approveBatch(batch_id, ROOT, 1, sender=approver)


@pytest.mark.parametrize(("offset", "date"), [(-1, 20350515), (0, 20350516), (1, 20350516)])
def test_approve__around_midnight__takes_the_blocks_date(offset, date, vault, approver, clock):
    clock.next_block_at(clock.next_midnight + offset)

    tx = vault.approveBatch(date, ROOT, 1, sender=approver)

    expect_stored(vault, date, ROOT, approver, 1, 0, tx.timestamp, False)


@pytest.mark.parametrize(("offset", "wrong", "today"), [(-1, 20350516, 20350515), (0, 20350515, 20350516)])
def test_approve__other_side_of_midnight__reverts(offset, wrong, today, vault, approver, clock):
    clock.next_block_at(clock.next_midnight + offset)

    with reverts_with(vault.NotToday, batchId=wrong, today=today):
        vault.approveBatch(wrong, ROOT, 1, sender=approver)


def test_approve__second_root_while_nothing_is_paid__replaces_the_first(vault, approver, clock):
    vault.approveBatch(clock.today, ROOT, 70, sender=approver)

    tx = vault.approveBatch(clock.today, OTHER_ROOT, 80, sender=approver)

    expect_stored(vault, clock.today, OTHER_ROOT, approver, 80, 0, tx.timestamp, False)


def test_approve__second_root_after_a_payment__reverts(vault, approver, payer, clock, approved_batch):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)

    with reverts_with(vault.PartlyPaid, batchId=clock.today, paid=10_000_000):
        vault.approveBatch(clock.today, OTHER_ROOT, 80, sender=approver)


def test_approve__second_root_on_a_later_day__reverts(vault, approver, clock, approved_batch):
    old = clock.today
    clock.travel_to(clock.next_midnight)

    with reverts_with(vault.NotToday, batchId=old, today=clock.today):
        vault.approveBatch(old, OTHER_ROOT, 80, sender=approver)


def test_approve__same_root_while_it_stands__reverts(vault, approver, clock):
    tx = vault.approveBatch(clock.today, ROOT, 70, sender=approver)

    with reverts_with(vault.AlreadyApproved, batchId=clock.today, expiresAt=tx.timestamp + VALIDITY_S):
        vault.approveBatch(clock.today, ROOT, 70, sender=approver)


@pytest.mark.parametrize(("offset", "renewed"), [(-1, False), (0, True), (1, True)])
def test_approve__same_root_around_its_expiry__only_once_expired(offset, renewed, vault, approver, clock):
    first = vault.approveBatch(clock.today, ROOT, 70, sender=approver)
    expiry = first.timestamp + VALIDITY_S
    clock.next_block_at(expiry + offset)

    if renewed:
        tx = vault.approveBatch(20350515, ROOT, 70, sender=approver)
        assert events_of(tx)[0][2]["expiresAt"] == expiry + offset + VALIDITY_S
        expect_stored(vault, 20350515, ROOT, approver, 70, 0, expiry + offset, False)
    else:
        with reverts_with(vault.AlreadyApproved, batchId=20350515, expiresAt=expiry):
            vault.approveBatch(20350515, ROOT, 70, sender=approver)


@pytest.mark.parametrize("total", [69, 71])
def test_approve__same_root_expired_with_another_total__reverts(total, vault, approver, clock):
    vault.approveBatch(clock.today, ROOT, 70, sender=approver)
    clock.travel_to(clock.now + VALIDITY_S)

    with reverts_with(vault.TotalChanged, batchId=20350515, total=total, approvedTotal=70):
        vault.approveBatch(20350515, ROOT, total, sender=approver)


def test_approve__same_root_expired_and_half_paid__keeps_what_is_paid(
    vault, approver, payer, clock, approved_batch
):
    vault.executeBatch(*approved_batch.execution([1]), sender=payer)
    clock.travel_to(clock.now + VALIDITY_S)

    tx = vault.approveBatch(*approved_batch.terms, sender=approver)

    expect_stored(
        vault,
        approved_batch.batch_id,
        approved_batch.root,
        approver,
        60_000_000,
        20_000_000,
        tx.timestamp,
        False,
    )


def test_approve__same_root_revoked_today__approves_again(vault, approver, clock):
    vault.approveBatch(clock.today, ROOT, 70, sender=approver)
    vault.revokeBatch(clock.today, sender=approver)

    tx = vault.approveBatch(clock.today, ROOT, 71, sender=approver)

    expect_stored(vault, clock.today, ROOT, approver, 71, 0, tx.timestamp, False)


def test_approve__same_root_revoked_and_half_paid__reverts(vault, approver, payer, clock, approved_batch):
    vault.executeBatch(*approved_batch.execution([1]), sender=payer)
    vault.revokeBatch(clock.today, sender=approver)

    with reverts_with(vault.PartlyPaid, batchId=clock.today, paid=20_000_000):
        vault.approveBatch(*approved_batch.terms, sender=approver)


def test_approve__same_root_revoked_on_a_later_day__reverts(vault, approver, clock, approved_batch):
    vault.revokeBatch(clock.today, sender=approver)
    clock.travel_to(clock.now + VALIDITY_S)

    with reverts_with(vault.NotToday, batchId=20350515, today=20350517):
        vault.approveBatch(*approved_batch.terms, sender=approver)


def test_approve__same_root_another_id__is_another_batch(vault, approver, clock):
    vault.approveBatch(clock.today, ROOT, 70, sender=approver)
    clock.travel_to(clock.next_midnight)

    vault.approveBatch(clock.today, ROOT, 70, sender=approver)

    assert vault.batches(20350515).payoutRoot == vault.batches(20350516).payoutRoot == ROOT


def test_approve__paused__reverts(vault, approver, guardian, clock):
    vault.pause(sender=guardian)

    with reverts_with(vault.EnforcedPause):
        vault.approveBatch(clock.today, ROOT, 70, sender=approver)


def test_approve__through_manager__reverts(vault, manager, approver, clock):
    data = vault.approveBatch.encode_input(clock.today, ROOT, 70)

    with reverts_with(vault.CalledThroughManager):
        manager.execute(vault, data, sender=approver)


def test_approve__batch_of_other_days_payouts__can_never_be_paid(
    filled_vault, approver, payer, clock, recipients
):
    misdated = batch_of(20350514, (1, recipients[0], 5))
    filled_vault.approveBatch(clock.today, misdated.root, 5, sender=approver)
    _, *arguments = misdated.execution()

    with reverts_with(filled_vault.WrongBatch, policyNo=1, batchId=20350514, expectedBatchId=20350515):
        filled_vault.executeBatch(clock.today, *arguments, sender=payer)
