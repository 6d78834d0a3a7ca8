"""`revokeBatch`: by APPROVER or GUARDIAN, at any time."""

import pytest
from logs import event, events_of
from reverts import reverts_with


@pytest.mark.parametrize("role", ["approver", "guardian"])
def test_revoke__approver_or_guardian__ends_the_approval(role, vault, payer, actors, approved_batch):
    sender = actors[role]

    tx = vault.revokeBatch(approved_batch.batch_id, sender=sender)

    assert events_of(tx) == [
        event(vault, "BatchRevoked", batchId=approved_batch.batch_id, by=sender, unpaid=60_000_000)
    ]
    assert vault.batches(approved_batch.batch_id).revoked
    with reverts_with(vault.NotApproved, batchId=approved_batch.batch_id):
        vault.executeBatch(*approved_batch.execution(), sender=payer)


def test_revoke__half_paid__tells_what_is_left(vault, usdc, approver, payer, recipients, approved_batch):
    vault.executeBatch(*approved_batch.execution([2]), sender=payer)

    tx = vault.revokeBatch(approved_batch.batch_id, sender=approver)

    assert events_of(tx)[0][2]["unpaid"] == 30_000_000
    assert vault.batches(approved_batch.batch_id).paid == 30_000_000
    assert vault.isPaid(3)
    assert usdc.balanceOf(recipients[2]) == 30_000_000


def test_revoke__paused__revokes(vault, guardian, approved_batch):
    vault.pause(sender=guardian)

    vault.revokeBatch(approved_batch.batch_id, sender=guardian)

    assert vault.batches(approved_batch.batch_id).revoked


def test_revoke__expired__revokes(vault, approver, clock, approved_batch):
    clock.travel_to(clock.now + 72 * 3600)

    vault.revokeBatch(approved_batch.batch_id, sender=approver)

    assert vault.batches(approved_batch.batch_id).revoked


def test_revoke__never_approved__reverts(vault, approver, clock):
    with reverts_with(vault.NotApproved, batchId=clock.today):
        vault.revokeBatch(clock.today, sender=approver)


def test_revoke__twice__reverts(vault, approver, guardian, approved_batch):
    vault.revokeBatch(approved_batch.batch_id, sender=approver)

    with reverts_with(vault.NotApproved, batchId=approved_batch.batch_id):
        vault.revokeBatch(approved_batch.batch_id, sender=guardian)


def test_revoke__guardian_through_manager__revokes(vault, manager, guardian, approved_batch):
    data = vault.revokeBatch.encode_input(approved_batch.batch_id)

    tx = manager.execute(vault, data, sender=guardian)

    assert events_of(tx) == [
        event(vault, "BatchRevoked", batchId=approved_batch.batch_id, by=manager, unpaid=60_000_000)
    ]
