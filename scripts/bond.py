"""`ape run bond`: the bonds behind insured x402 payments, for providers, clients and the platform."""

from __future__ import annotations

import click

from scripts._bond_clients import claims, cover, pay_credit, withdraw_credit
from scripts._bond_config import (
    announce_liquidation,
    call_off_liquidation,
    liquidate,
    return_stray,
    set_min,
    set_penalty,
    set_timeout,
)
from scripts._bond_ends import claim, confirm, refund
from scripts._bond_money import deposit, withdraw
from scripts._bond_platform import collect, pause
from scripts._bond_status import status
from scripts._bond_trust import approve_coverage, leave, set_delivery_key, set_payout, set_settler

_PROVIDERS = (
    deposit,
    withdraw,
    status,
    confirm,
    refund,
    approve_coverage,
    set_settler,
    set_delivery_key,
    set_payout,
    leave,
)
_CLIENTS = (cover, claim, claims, withdraw_credit, pay_credit)
_PLATFORM = (
    set_min,
    announce_liquidation,
    call_off_liquidation,
    liquidate,
    set_penalty,
    set_timeout,
    collect,
    return_stray,
    pause,
)


@click.group()
def cli() -> None:
    """Bonds of X402InsuranceV2. Amounts are USDC; a commitment, 0x and 64 hex digits, names a payment.

    \b
    providers: deposit withdraw status confirm refund approve-coverage set-settler set-delivery-key
               set-payout exit
    clients:   cover claim claims withdraw-credit pay-credit
    platform:  set-min announce-liquidation call-off-liquidation liquidate set-penalty set-timeout
               collect return-stray pause

    What CONFIG does is announced first and executed by the same command 48 hours later.
    """


for command in (*_PROVIDERS, *_CLIENTS, *_PLATFORM):
    cli.add_command(command)
