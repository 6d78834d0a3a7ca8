"""One account as approver and payer, by every way in."""

import pytest
from governance import APPROVER, PAYER
from reverts import reverts_with

ROOT = b"\x01" * 32


@pytest.fixture
def two_hats(relayer, manager, admin, delayed, clock):
    """An account that holds both roles: a mistake of the admin, seen by `ape run status`."""
    delayed(manager, "grantRole", APPROVER, relayer, 0, sender=admin)
    delayed(manager, "grantRole", PAYER, relayer, 0, sender=admin)
    return relayer


@pytest.fixture
def batch(filled_vault, two_hats, today_batch, recipients):
    return today_batch((1, recipients[0], 5))


def test_two_hats__approves_and_pays__reverts(filled_vault, two_hats, batch, usdc, recipients):
    filled_vault.approveBatch(*batch.terms, sender=two_hats)

    with reverts_with(filled_vault.ApproverIsPayer, account=two_hats):
        filled_vault.executeBatch(*batch.execution(), sender=two_hats)

    assert usdc.balanceOf(recipients[0]) == 0


def test_two_hats__approves_and_pays_through_manager__reverts(filled_vault, two_hats, batch, manager):
    filled_vault.approveBatch(*batch.terms, sender=two_hats)
    data = filled_vault.executeBatch.encode_input(*batch.execution())

    with reverts_with(filled_vault.CalledThroughManager):
        manager.execute(filled_vault, data, sender=two_hats)


def test_two_hats__approves_through_manager_and_would_pay__reverts(filled_vault, two_hats, batch, manager):
    data = filled_vault.approveBatch.encode_input(*batch.terms)

    with reverts_with(filled_vault.CalledThroughManager):
        manager.execute(filled_vault, data, sender=two_hats)
    with reverts_with(filled_vault.NotApproved, batchId=batch.batch_id):
        filled_vault.executeBatch(*batch.execution(), sender=two_hats)


def test_two_hats__both_in_one_multicall__reverts(filled_vault, two_hats, batch, manager):
    calls = [
        manager.execute.encode_input(filled_vault, filled_vault.approveBatch.encode_input(*batch.terms)),
        manager.execute.encode_input(
            filled_vault, filled_vault.executeBatch.encode_input(*batch.execution())
        ),
    ]

    with reverts_with(filled_vault.CalledThroughManager):
        manager.multicall(calls, sender=two_hats)


def test_two_hats__takes_the_approvers_hat_off_to_pay__reverts(filled_vault, two_hats, batch, manager):
    filled_vault.approveBatch(*batch.terms, sender=two_hats)
    manager.renounceRole(APPROVER, two_hats, sender=two_hats)

    with reverts_with(filled_vault.ApproverIsPayer, account=two_hats):
        filled_vault.executeBatch(*batch.execution(), sender=two_hats)


def test_two_hats__renews_somebody_elses_expired_approval__cannot_pay_it(
    filled_vault, two_hats, approver, batch, clock
):
    filled_vault.approveBatch(*batch.terms, sender=approver)
    clock.travel_to(clock.now + 48 * 3600)
    filled_vault.approveBatch(*batch.terms, sender=two_hats)

    with reverts_with(filled_vault.ApproverIsPayer, account=two_hats):
        filled_vault.executeBatch(*batch.execution(), sender=two_hats)


def test_two_hats__pays_what_another_approved__pays(
    filled_vault, two_hats, approver, batch, usdc, recipients
):
    filled_vault.approveBatch(*batch.terms, sender=approver)

    filled_vault.executeBatch(*batch.execution(), sender=two_hats)

    assert usdc.balanceOf(recipients[0]) == 5


def test_approver_alone__reverts_on_pay(filled_vault, approver, batch):
    filled_vault.approveBatch(*batch.terms, sender=approver)

    with reverts_with(filled_vault.AccessManagedUnauthorized, caller=approver):
        filled_vault.executeBatch(*batch.execution(), sender=approver)


def test_payer_alone__reverts_on_approve(filled_vault, payer, batch):
    with reverts_with(filled_vault.AccessManagedUnauthorized, caller=payer):
        filled_vault.approveBatch(*batch.terms, sender=payer)
