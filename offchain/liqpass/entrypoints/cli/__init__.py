"""`liqpass`: everything that an operator does, one group a subject."""

from __future__ import annotations

import click

from liqpass.entrypoints.cli.audit import audit
from liqpass.entrypoints.cli.batch import batch
from liqpass.entrypoints.cli.claims import claims
from liqpass.entrypoints.cli.configuration import settings
from liqpass.entrypoints.cli.evidence import evidence
from liqpass.entrypoints.cli.feed import feed
from liqpass.entrypoints.cli.keeper import keeper
from liqpass.entrypoints.cli.ledger import reconcile, report, sync
from liqpass.entrypoints.cli.okx import okx
from liqpass.entrypoints.cli.operate import blocklist, db, keys, params, pause
from liqpass.entrypoints.cli.order import order
from liqpass.entrypoints.cli.serve import serve
from liqpass.entrypoints.cli.session import FaultGroup, Session
from liqpass.entrypoints.cli.tx import tx
from liqpass.entrypoints.cli.x402 import x402


@click.group(cls=FaultGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="liqpass")
@click.pass_context
def main(ctx: click.Context) -> None:
    """LiqPass 24h: liquidation cover that settles in USDC.

    Settings come from the environment: `liqpass settings` lists them (LIQPASS_…). Secrets come from the
    environment or from files, never from arguments. Amounts are USDC, times UTC. Every command ends with 0, 1
    (refused or failed) or 2 (usage); where its help says so, with 3.
    """
    ctx.ensure_object(Session)


for command in (
    audit,
    batch,
    blocklist,
    claims,
    db,
    evidence,
    feed,
    keeper,
    keys,
    okx,
    order,
    params,
    pause,
    reconcile,
    report,
    serve,
    settings,
    sync,
    tx,
    x402,
):
    main.add_command(command)
