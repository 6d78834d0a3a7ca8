"""What a PayoutVault is from its first block on."""

import pytest
from logs import event, events_of
from reverts import reverts_with

NOBODY = "0x" + "00" * 20


def test_deploy__arguments__stored_and_told(project, deployer, usdc, treasury, manager, vault):
    successor = deployer.deploy(project.PayoutVault, usdc, treasury, manager, 500, 550, vault)

    assert successor.usdc() == usdc.address
    assert successor.treasury() == treasury.address
    assert successor.authority() == manager.address
    assert successor.dailyCap() == 500
    assert successor.hotWalletMax() == 550
    assert successor.predecessor() == vault.address
    assert successor.remainingToday() == 500
    assert successor.APPROVAL_VALIDITY() == 48 * 3600
    assert not successor.paused()
    assert events_of(successor.creation_metadata.receipt) == [
        event(successor, "AuthorityUpdated", authority=manager),
        event(successor, "TreasurySet", treasury=treasury),
        event(successor, "DailyCapSet", dailyCap=500),
        event(successor, "HotWalletMaxSet", hotWalletMax=550),
    ]


def test_deploy__first_vault__has_no_predecessor(vault):
    assert vault.predecessor() == NOBODY


@pytest.mark.parametrize("place", ["usdc", "authority", "predecessor"])
def test_deploy__no_contract_there__reverts(
    place, project, deployer, usdc, treasury, manager, vault, stranger
):
    arguments = {
        "usdc": usdc,
        "treasury": treasury,
        "authority": manager,
        "cap": 1,
        "max": 1,
        "predecessor": vault,
    }
    arguments[place] = stranger

    with reverts_with(vault.NotAContract, account=stranger):
        deployer.deploy(project.PayoutVault, *arguments.values())


@pytest.mark.parametrize("wrong", ["zero", "usdc"])
def test_deploy__treasury_where_money_would_stick__reverts(wrong, project, deployer, usdc, manager, vault):
    where = {"zero": NOBODY, "usdc": usdc.address}[wrong]

    with reverts_with(vault.InvalidTreasury, treasury=where):
        deployer.deploy(project.PayoutVault, usdc, where, manager, 500, 550, NOBODY)


def test_batches__never_approved__is_empty(vault, clock):
    batch = vault.batches(clock.today)

    assert tuple(batch) == (b"\0" * 32, NOBODY, 0, 0, 0, False)
