"""`ape run policy show` and `list`: how policies stand. Nothing is sent, and no account is needed."""

from __future__ import annotations

import json
from pathlib import Path

import click
from ape.api import ProviderAPI
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import format_usdc
from liqpass.domain.parametric.life import STATES, possible
from liqpass.domain.parametric.policy import Policy
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from scripts._moments import moment
from scripts._operator import Address, OperatorCommand, Site, deployments_option
from scripts._policy import POLICY, Policies, who
from scripts._policy_view import actions_table, as_json, notes, shares_table, terms_table
from scripts._tables import wide_console


@click.command(cls=OperatorCommand)
@POLICY
@click.option("--json", "in_json", is_flag=True, help="Print it as JSON.")
@deployments_option
def show(provider: ProviderAPI, number: int, in_json: bool, deployments: Path) -> None:
    """Show POLICY: state, who owes what, deadlines, its feed now, and what can be done by whom.

    \b
    ape run policy show 0x…/1 --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    policy = policies.policy(number)
    if in_json:
        click.echo(json.dumps(as_json(policies, policy), indent=1))
        return
    console = wide_console()
    console.print(terms_table(policies, policy), shares_table(policy))
    for note in notes(policies, policy):
        console.print(Text(f"  {note}"))
    console.print(actions_table(policies, policy))


@click.command("list", cls=OperatorCommand)
@click.option("--leader", type=Address(), help="Only policies of this leader.")
@click.option("--insurer", type=Address(), help="Only policies in which this account has a share.")
@click.option(
    "--state",
    "states",
    type=click.Choice([str(state) for state in STATES[1:]], case_sensitive=False),
    multiple=True,
    help="Only policies in this state (repeatable).",
)
@click.option("--json", "in_json", is_flag=True, help="Print them as JSON.")
@deployments_option
def list_(  # noqa: PLR0917 - click passes options by name
    provider: ProviderAPI,
    leader: str | None,
    insurer: str | None,
    states: tuple[str, ...],
    in_json: bool,
    deployments: Path,
) -> None:
    """List policies, oldest first, with what can be done now and by whom.

    \b
    ape run policy list --leader 0x… --state Open --network base:mainnet
    """
    policies = Policies.of(Site.of(provider, deployments))
    reader, head = policies.reader, policies.head
    created = reader.created(reader.first_block, head.number, leader=leader)
    read = (reader.policy(log.number, head) for log in created)
    found = [
        policy
        for policy in read
        if policy is not None
        and (insurer is None or policy.share_of(insurer) is not None)
        and (not states or str(policy.life.state) in states)
    ]
    if in_json:
        click.echo(json.dumps([as_json(policies, policy) for policy in found], indent=1))
        return
    table = Table(box=SIMPLE, title=f"policies, {moment(head.time_s)}", title_justify="left")
    for heading in ("policy", "state", "flight", "departure", "payout, USDC", "now"):
        table.add_column(heading, overflow="fold")
    for policy in found:
        table.add_row(
            policy.name,
            str(policy.life.state),
            Text(f"{policy.flight} {policy.route}"),
            moment(policy.life.departure_s),
            format_usdc(policy.payout),
            _now(policy, head.time_s),
        )
    console = wide_console()
    console.print(table)
    leaders = "" if leader is None else f" of leader {checksum_address(leader.lower())}"
    console.print(f"{len(found)} policies{leaders}")


def _now(policy: Policy, now_s: int) -> str:
    done: dict[str, None] = {}
    for step in possible(policy.life, now_s):
        done[f"{step.action} by {who(policy, step).split()[0]}"] = None
    return ", ".join(done)
