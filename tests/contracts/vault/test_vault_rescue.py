"""`rescue` of the vault: strangers' tokens, never USDC."""

from amounts import HOT_WALLET_MAX
from logs import event, events_of
from reverts import reverts_with


def test_rescue__other_token__sent_to_its_owner(
    vault, manager, other_token, circle, config, stranger, delayed
):
    other_token.mint(vault, 70, sender=circle)

    tx = delayed(vault, "rescue", other_token, stranger, 60, sender=config)

    operation = manager.hashOperation(config, vault, vault.rescue.encode_input(other_token, stranger, 60))
    assert events_of(tx) == [
        event(manager, "OperationExecuted", operationId=operation, nonce=1),
        event(vault, "Rescued", token=other_token, to=stranger, amount=60),
        event(other_token, "Transfer", **{"from": vault, "to": stranger, "value": 60}),
    ]
    assert (other_token.balanceOf(vault), other_token.balanceOf(stranger)) == (10, 60)


def test_rescue__usdc__reverts(filled_vault, usdc, config, treasury, delayed):
    with reverts_with(filled_vault.NotStray, token=usdc):
        delayed(filled_vault, "rescue", usdc, treasury, 1, sender=config)

    assert usdc.balanceOf(filled_vault) == HOT_WALLET_MAX


def test_rescue__no_contract_there__reverts(vault, config, stranger, treasury, delayed):
    with reverts_with(vault.SafeERC20FailedOperation, token=stranger):
        delayed(vault, "rescue", stranger, treasury, 1, sender=config)
