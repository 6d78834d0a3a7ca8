"""What a Checkout is from its first block on."""

import pytest
from logs import event, events_of
from reverts import reverts_with

NOBODY = "0x" + "00" * 20


def test_deploy__arguments__stored_and_told(project, deployer, usdc, treasury, manager):
    checkout = deployer.deploy(project.Checkout, usdc, treasury, manager)

    assert checkout.usdc() == usdc.address
    assert checkout.treasury() == treasury.address
    assert checkout.authority() == manager.address
    assert not checkout.paused()
    assert events_of(checkout.creation_metadata.receipt) == [
        event(checkout, "AuthorityUpdated", authority=manager),
        event(checkout, "TreasurySet", treasury=treasury),
    ]


def test_deploy__usdc_without_code__reverts(project, deployer, checkout, stranger, treasury, manager):
    with reverts_with(checkout.NotAContract, account=stranger):
        deployer.deploy(project.Checkout, stranger, treasury, manager)


def test_deploy__authority_without_code__reverts(project, deployer, checkout, usdc, treasury, stranger):
    with reverts_with(checkout.NotAContract, account=stranger):
        deployer.deploy(project.Checkout, usdc, treasury, stranger)


@pytest.mark.parametrize("wrong", ["zero", "usdc"])
def test_deploy__treasury_where_money_would_stick__reverts(wrong, project, deployer, checkout, usdc, manager):
    where = {"zero": NOBODY, "usdc": usdc.address}[wrong]

    with reverts_with(checkout.InvalidTreasury, treasury=where):
        deployer.deploy(project.Checkout, usdc, where, manager)


def test_deploy__itself_as_treasury__reverts(project, deployer, checkout, usdc, manager):
    itself = deployer.get_deployment_address()
    creation = project.Checkout(usdc, itself, manager).data

    # ape finds a failed transaction's reason by replaying it, and a replayed creation has another address.
    with reverts_with(checkout.InvalidTreasury, treasury=itself):
        usdc.provider.web3.eth.call({"from": deployer.address, "data": creation})
