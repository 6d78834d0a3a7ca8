"""Addresses that no payout may go to, whoever asks: there the money would be stuck, or nobody's."""

from liqpass.domain.reasons import Reason

ZERO_ADDRESS = "0x" + "0" * 40


def refused_recipient(recipient: str, *, vault: str, checkout: str, usdc: str) -> Reason | None:
    """RECIPIENT_REFUSED for the system's own contracts and the zero address, None for anybody else.

    Addresses in any case. USDC refuses transfers to itself and to zero: such a payout could never settle.
    The vault would pay itself and mark the policy as paid; what Checkout receives, only CONFIG can rescue.
    """
    refused = {ZERO_ADDRESS, vault.lower(), checkout.lower(), usdc.lower()}
    return Reason.RECIPIENT_REFUSED if recipient.lower() in refused else None
