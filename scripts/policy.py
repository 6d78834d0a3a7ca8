"""`ape run policy`: co-insured flight-delay policies, for leaders, insurers, policy operators and anyone."""

from __future__ import annotations

import click

from scripts._policy_claims import activate, approve, check, expire, reject_claim, settle
from scripts._policy_insurers import accept, pay_credit, refund, reject, withdraw
from scripts._policy_leader import create, fail, open_, replace
from scripts._policy_register import register
from scripts._policy_show import list_, show

_LEADERS = (create, open_, replace, fail, register)
_INSURERS = (accept, reject, refund)
_DECIDERS = (approve, reject_claim)
_ANYONE = (activate, check, settle, expire, withdraw, pay_credit)
_READERS = (show, list_)


@click.group()
def cli() -> None:
    """Policies of OpenParametric. Amounts are USDC; POLICY is 0xLeader…/N, the leader's N-th policy.

    \b
    leader:    create open replace fail register
    insurers:  accept reject refund
    deciders:  approve reject-claim      (leader or policy operator)
    anyone:    activate check settle expire withdraw pay-credit;
               fail and approve when their time has passed
    to read:   show list
    """


for command in (*_LEADERS, *_INSURERS, *_DECIDERS, *_ANYONE, *_READERS):
    cli.add_command(command)
