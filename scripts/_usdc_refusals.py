"""Why USDC would not move money of an account, found before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

from liqpass.domain.money import Usdc, format_usdc

from scripts._operator import Site


def payer_refusals(site: Site, payer: str, amount: Usdc) -> Iterator[str]:
    """Why USDC would not take `amount` from an account, in words."""
    yield from receiver_refusals(site, payer)
    balance = Usdc(site.usdc.functions.balanceOf(payer).call())
    if balance < amount:
        yield f"{payer} holds {format_usdc(balance)} USDC and needs {format_usdc(amount)}"


def receiver_refusals(site: Site, receiver: str) -> Iterator[str]:
    """Why USDC would send an account nothing, in words."""
    usdc = site.usdc.functions
    if usdc.paused().call():
        yield "USDC is paused by its issuer"
    if usdc.isBlacklisted(receiver).call():
        yield f"USDC's issuer has denied {receiver}"
