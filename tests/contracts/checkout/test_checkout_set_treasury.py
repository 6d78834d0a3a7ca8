"""`setTreasury` of Checkout: CONFIG, 48 hours ahead."""

import pytest
from logs import event, events_of
from reverts import reverts_with

NOBODY = "0x" + "00" * 20


def test_set_treasury__config_after_delay__changes_it(checkout, config, stranger, delayed):
    tx = delayed(checkout, "setTreasury", stranger, sender=config)

    assert events_of(tx)[1:] == [event(checkout, "TreasurySet", treasury=stranger)]
    assert checkout.treasury() == stranger.address


@pytest.mark.parametrize("wrong", ["zero", "usdc", "itself"])
def test_set_treasury__where_money_would_stick__reverts(wrong, checkout, usdc, config, treasury, delayed):
    where = {"zero": NOBODY, "usdc": usdc.address, "itself": checkout.address}[wrong]

    with reverts_with(checkout.InvalidTreasury, treasury=where):
        delayed(checkout, "setTreasury", where, sender=config)

    assert checkout.treasury() == treasury.address
