"""`rescue` of Checkout: whatever lies there is stray, USDC included."""

import pytest
from logs import event, events_of
from reverts import reverts_with_string


@pytest.mark.parametrize("which", ["usdc", "other"])
def test_rescue__stray_token__sent_to_its_owner(
    which, checkout, manager, usdc, other_token, circle, config, stranger, delayed
):
    token = {"usdc": usdc, "other": other_token}[which]
    token.mint(checkout, 70, sender=circle)

    tx = delayed(checkout, "rescue", token, stranger, 60, sender=config)

    data = checkout.rescue.encode_input(token, stranger, 60)
    assert events_of(tx) == [
        event(
            manager, "OperationExecuted", operationId=manager.hashOperation(config, checkout, data), nonce=1
        ),
        event(checkout, "Rescued", token=token, to=stranger, amount=60),
        event(token, "Transfer", **{"from": checkout, "to": stranger, "value": 60}),
    ]
    assert (token.balanceOf(checkout), token.balanceOf(stranger)) == (10, 60)


def test_rescue__more_than_there_is__reverts(checkout, usdc, circle, config, stranger, delayed):
    usdc.mint(checkout, 70, sender=circle)

    with reverts_with_string("ERC20: transfer amount exceeds balance"):
        delayed(checkout, "rescue", usdc, stranger, 71, sender=config)


def test_pay__stray_usdc_lies_here__is_not_swept_along(
    checkout, usdc, circle, rich_buyer, treasury, relayer, terms, authorize, balances
):
    usdc.mint(checkout, 70, sender=circle)

    checkout.payWithAuthorization(*authorize(terms, rich_buyer), sender=relayer)

    assert balances(rich_buyer, treasury) == (9_000_000, 1_000_000, 70)
