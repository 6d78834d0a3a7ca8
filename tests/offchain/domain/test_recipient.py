"""Who can never be the recipient of a payout."""

import pytest
from liqpass.domain.reasons import Reason
from liqpass.domain.recipient import refused_recipient

VAULT, CHECKOUT, USDC = "0x" + "f1" * 20, "0x" + "c1" * 20, "0x" + "c2" * 20


@pytest.mark.parametrize("recipient", [VAULT, CHECKOUT, USDC, "0x" + "0" * 40, "0x" + "F1" * 20])
def test_refused_recipient__own_contract_or_zero__refused(recipient):
    found = refused_recipient(recipient, vault=VAULT, checkout=CHECKOUT, usdc="0x" + "C2" * 20)

    assert found is Reason.RECIPIENT_REFUSED


def test_refused_recipient__somebody_else__none():
    assert refused_recipient("0x" + "b1" * 20, vault=VAULT, checkout=CHECKOUT, usdc=USDC) is None
