"""What goes wrong in ordinary operation, and where it ends."""

import pytest
from amounts import HOT_WALLET_MAX, USDC
from governance import APPROVER, PAYER, selector_of
from reverts import reverts_with, reverts_without_reason

VALIDITY_S = 48 * 3600


def test_half_paid_then_revoked__rest_is_paid_in_the_next_days_batch(
    vault, usdc, approver, guardian, payer, recipients, clock, today_batch, approved_batch
):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)
    vault.revokeBatch(approved_batch.batch_id, sender=guardian)
    clock.travel_to(clock.next_midnight)
    rest = today_batch((2, recipients[1], 20 * USDC), (3, recipients[2], 30 * USDC))
    vault.approveBatch(*rest.terms, sender=approver)

    vault.executeBatch(*rest.execution(), sender=payer)

    assert [usdc.balanceOf(recipient) for recipient in recipients[:3]] == [10 * USDC, 20 * USDC, 30 * USDC]
    with reverts_with(vault.NotApproved, batchId=approved_batch.batch_id):
        vault.executeBatch(*approved_batch.execution([1]), sender=payer)


def test_approval_expired_half_paid__renewed__rest_is_paid(
    vault, usdc, approver, payer, recipients, clock, approved_batch
):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)
    expiry = vault.batches(approved_batch.batch_id).approvedAt + VALIDITY_S
    clock.travel_to(expiry)
    with reverts_with(vault.ApprovalExpired, batchId=approved_batch.batch_id, expiresAt=expiry):
        vault.executeBatch(*approved_batch.execution([1, 2]), sender=payer)
    vault.approveBatch(*approved_batch.terms, sender=approver)

    vault.executeBatch(*approved_batch.execution([1, 2]), sender=payer)

    assert usdc.balanceOf(vault) == HOT_WALLET_MAX - 60 * USDC
    assert [usdc.balanceOf(recipient) for recipient in recipients[:3]] == [10 * USDC, 20 * USDC, 30 * USDC]


def test_approver_resigns_before_execution__reverts(vault, manager, approver, payer, approved_batch):
    manager.renounceRole(APPROVER, approver, sender=approver)

    with reverts_with(vault.ApproverDismissed, approver=approver):
        vault.executeBatch(*approved_batch.execution(), sender=payer)


def test_approver_dismissed_by_admin_before_execution__reverts(
    filled_vault, manager, admin, approver, payer, clock, today_batch, recipients
):
    data = manager.revokeRole.encode_input(APPROVER, approver)
    manager.schedule(manager, data, 0, sender=admin)
    clock.travel_to(clock.now + VALIDITY_S)
    batch = today_batch((1, recipients[0], 5))
    filled_vault.approveBatch(*batch.terms, sender=approver)
    manager.execute(manager, data, sender=admin)

    with reverts_with(filled_vault.ApproverDismissed, approver=approver):
        filled_vault.executeBatch(*batch.execution(), sender=payer)


def test_approver_dismissed__successor_approves_the_same_root_once_revoked(
    filled_vault, usdc, manager, admin, guardian, approver, stranger, payer, delayed, today_batch, recipients
):
    delayed(manager, "grantRole", APPROVER, stranger, 0, sender=admin)
    batch = today_batch((1, recipients[0], 5))
    tx = filled_vault.approveBatch(*batch.terms, sender=approver)
    manager.renounceRole(APPROVER, approver, sender=approver)
    with reverts_with(
        filled_vault.AlreadyApproved, batchId=batch.batch_id, expiresAt=tx.timestamp + VALIDITY_S
    ):
        filled_vault.approveBatch(*batch.terms, sender=stranger)
    filled_vault.revokeBatch(batch.batch_id, sender=guardian)
    filled_vault.approveBatch(*batch.terms, sender=stranger)

    filled_vault.executeBatch(*batch.execution(), sender=payer)

    assert usdc.balanceOf(recipients[0]) == 5


def test_target_closed_by_admin__payer_reverts(vault, manager, admin, payer, delayed, approved_batch):
    delayed(manager, "setTargetClosed", vault, True, sender=admin)

    with reverts_with(vault.AccessManagedUnauthorized, caller=payer):
        vault.executeBatch(*approved_batch.execution(), sender=payer)


def test_donation_above_the_maximum__payouts_go_on(vault, usdc, circle, payer, recipients, approved_batch):
    usdc.mint(vault, 1000 * USDC, sender=circle)

    vault.executeBatch(*approved_batch.execution(), sender=payer)

    assert usdc.balanceOf(vault) == HOT_WALLET_MAX + 940 * USDC
    assert vault.remainingToday() == 440 * USDC


@pytest.fixture
def lineage(project, deployer, usdc, treasury, manager, admin, delayed, vault):
    """Three vaults, each the successor of the one before."""
    vaults = [vault]
    for _ in range(2):
        successor = deployer.deploy(
            project.PayoutVault, usdc, treasury, manager, 500 * USDC, 550 * USDC, vaults[-1]
        )
        for function, role in (("approveBatch", APPROVER), ("executeBatch", PAYER)):
            delayed(
                manager,
                "setTargetFunctionRole",
                successor,
                [selector_of(successor, function)],
                role,
                sender=admin,
            )
        vaults.append(successor)
    return vaults


@pytest.mark.parametrize("generation", [1, 2])
def test_policy_paid_in_a_predecessor__successor_refuses_it(
    generation, lineage, usdc, circle, approver, payer, recipients, today_batch
):
    first, heir = lineage[0], lineage[generation]
    batch = today_batch((1, recipients[0], 5), (2, recipients[1], 6))
    for paying in (first, heir):
        usdc.mint(paying, 100, sender=circle)
        paying.approveBatch(*batch.terms, sender=approver)
    first.executeBatch(*batch.execution([0]), sender=payer)

    with reverts_with(heir.AlreadyPaid, policyNo=1):
        heir.executeBatch(*batch.execution(), sender=payer)
    heir.executeBatch(*batch.execution([1]), sender=payer)

    assert [heir.isPaid(number) for number in (1, 2, 3)] == [True, True, False]
    assert [first.isPaid(number) for number in (1, 2, 3)] == [True, False, False]
    assert (usdc.balanceOf(recipients[0]), usdc.balanceOf(recipients[1])) == (5, 6)


def test_deploy__predecessor_is_no_vault__reverts(project, deployer, usdc, treasury, manager):
    # The manager has code and no isPaid: every payout of such a vault would revert.
    with reverts_without_reason():
        deployer.deploy(project.PayoutVault, usdc, treasury, manager, 1, 1, manager)


def test_half_a_batch_in_each_of_two_days__each_day_counts_its_own(vault, payer, clock, approved_batch):
    vault.executeBatch(*approved_batch.execution([0]), sender=payer)
    clock.travel_to(clock.next_midnight)
    assert vault.remainingToday() == 500 * USDC

    vault.executeBatch(*approved_batch.execution([1]), sender=payer)

    assert vault.remainingToday() == 480 * USDC
