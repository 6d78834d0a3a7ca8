"""`executeBatch`: what must not be paid; roles and proofs are in `attacks`."""

import pytest
from amounts import USDC
from batches import hostile_leaf
from reverts import reverts_with, reverts_without_reason

VALIDITY_S = 48 * 3600
NOBODY = "0x" + "00" * 20


def test_execute__never_approved__reverts(filled_vault, payer, recipients, today_batch):
    batch = today_batch((1, recipients[0], 5))

    with reverts_with(filled_vault.NotApproved, batchId=batch.batch_id):
        filled_vault.executeBatch(*batch.execution(), sender=payer)


def test_execute__revoked__reverts(vault, approver, payer, approved_batch):
    vault.revokeBatch(approved_batch.batch_id, sender=approver)

    with reverts_with(vault.NotApproved, batchId=approved_batch.batch_id):
        vault.executeBatch(*approved_batch.execution(), sender=payer)


@pytest.mark.parametrize(("offset", "pays"), [(-1, True), (0, False), (1, False)])
def test_execute__around_the_approvals_expiry__pays_only_before(
    offset, pays, vault, usdc, payer, recipients, clock, approved_batch
):
    expiry = vault.batches(approved_batch.batch_id).approvedAt + VALIDITY_S
    clock.next_block_at(expiry + offset)

    if pays:
        vault.executeBatch(*approved_batch.execution(), sender=payer)
        assert usdc.balanceOf(recipients[0]) == 10 * USDC
    else:
        with reverts_with(vault.ApprovalExpired, batchId=approved_batch.batch_id, expiresAt=expiry):
            vault.executeBatch(*approved_batch.execution(), sender=payer)
        assert usdc.balanceOf(recipients[0]) == 0


def test_execute__no_payouts__reverts(vault, payer, approved_batch):
    with reverts_with(vault.EmptyBatch, batchId=approved_batch.batch_id):
        vault.executeBatch(approved_batch.batch_id, [], [], [], sender=payer)


def test_execute__payout_of_another_batch__reverts(vault, payer, approved_batch):
    batch_id, items, proof, flags = approved_batch.execution([0])
    items[0] = (batch_id + 1, *items[0][1:])

    with reverts_with(vault.WrongBatch, policyNo=1, batchId=batch_id + 1, expectedBatchId=batch_id):
        vault.executeBatch(batch_id, items, proof, flags, sender=payer)


@pytest.mark.parametrize("which", ["zero", "vault", "usdc"])
def test_execute__recipient_that_cannot_be_paid__reverts(which, filled_vault, usdc, approver, payer, clock):
    where = {"zero": NOBODY, "vault": filled_vault.address, "usdc": usdc.address}[which]
    item = (clock.today, 1, where, 5, b"\x01" * 32)
    filled_vault.approveBatch(clock.today, hostile_leaf(item), 5, sender=approver)

    with reverts_with(filled_vault.InvalidRecipient, policyNo=1, recipient=where):
        filled_vault.executeBatch(clock.today, [item], [], [], sender=payer)

    assert not filled_vault.isPaid(1)


def test_execute__payout_of_nothing__reverts(filled_vault, approver, payer, recipients, today_batch):
    batch = today_batch((1, recipients[0], 5), (2, recipients[1], 0))
    filled_vault.approveBatch(*batch.terms, sender=approver)

    with reverts_with(filled_vault.ZeroAmount, policyNo=2):
        filled_vault.executeBatch(*batch.execution(), sender=payer)


@pytest.mark.parametrize(
    ("field", "value"),
    [(1, 99), (2, "0x" + "99" * 20), (3, 10 * USDC + 1), (4, b"\x99" * 32)],
    ids=["policy", "recipient", "amount", "evidence"],
)
def test_execute__payout_other_than_approved__reverts(field, value, vault, payer, approved_batch):
    batch_id, items, proof, flags = approved_batch.execution([0])
    changed = list(items[0])
    changed[field] = value

    with reverts_with(vault.WrongProof, batchId=batch_id, payoutRoot=approved_batch.root):
        vault.executeBatch(batch_id, [tuple(changed)], proof, flags, sender=payer)


def test_execute__usdc_paused__reverts_whole(vault, usdc, circle, payer, approved_batch):
    usdc.pause(sender=circle)

    with reverts_with(vault.UsdcPaused):
        vault.executeBatch(*approved_batch.execution(), sender=payer)

    assert not vault.isPaid(1)
    assert vault.batches(approved_batch.batch_id).paid == 0


def test_execute__paid_before__reverts_whole(vault, usdc, payer, recipients, approved_batch):
    vault.executeBatch(*approved_batch.execution([1]), sender=payer)

    with reverts_with(vault.AlreadyPaid, policyNo=2):
        vault.executeBatch(*approved_batch.execution(), sender=payer)

    assert [usdc.balanceOf(recipient) for recipient in recipients[:3]] == [0, 20 * USDC, 0]
    assert [vault.isPaid(number) for number in (1, 2, 3)] == [False, True, False]


def test_execute__address_with_dirty_high_bits__reverts(filled_vault, payer, approved_batch):
    """A leaf is hashed as it lies in calldata: bits that `address` ignores must not pass."""
    data = bytearray(filled_vault.executeBatch.encode_input(*approved_batch.execution([0])))
    recipient = bytes.fromhex(approved_batch.execution([0])[1][0][2][2:])
    place = bytes(data).index(recipient)
    data[place - 12] = 1

    with reverts_without_reason():
        filled_vault.provider.web3.eth.call(
            {"to": filled_vault.address, "from": payer.address, "data": "0x" + data.hex()}
        )


def test_execute__same_policy_in_a_later_batch__reverts(
    vault, approver, payer, recipients, clock, today_batch, approved_batch
):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)
    clock.travel_to(clock.next_midnight)
    later = today_batch((1, recipients[0], 10 * USDC))
    vault.approveBatch(*later.terms, sender=approver)

    with reverts_with(vault.AlreadyPaid, policyNo=1):
        vault.executeBatch(*later.execution(), sender=payer)


def test_execute__paused__reverts(vault, guardian, payer, approved_batch):
    vault.pause(sender=guardian)

    with reverts_with(vault.EnforcedPause):
        vault.executeBatch(*approved_batch.execution(), sender=payer)
