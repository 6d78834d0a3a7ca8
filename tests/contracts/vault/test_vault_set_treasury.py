"""`setTreasury` of the vault: CONFIG, 48 hours ahead."""

import pytest
from amounts import HOT_WALLET_MAX
from logs import event, events_of
from reverts import reverts_with

NOBODY = "0x" + "00" * 20


def test_set_treasury__config_after_delay__sweeps_go_there(
    filled_vault, usdc, config, payer, stranger, delayed
):
    tx = delayed(filled_vault, "setTreasury", stranger, sender=config)

    assert events_of(tx)[1:] == [event(filled_vault, "TreasurySet", treasury=stranger)]
    filled_vault.sweep(sender=payer)
    assert usdc.balanceOf(stranger) == HOT_WALLET_MAX


@pytest.mark.parametrize("wrong", ["zero", "usdc", "itself"])
def test_set_treasury__where_money_would_stick__reverts(wrong, vault, usdc, config, treasury, delayed):
    where = {"zero": NOBODY, "usdc": usdc.address, "itself": vault.address}[wrong]

    with reverts_with(vault.InvalidTreasury, treasury=where):
        delayed(vault, "setTreasury", where, sender=config)

    assert vault.treasury() == treasury.address
