"""`ape run bond status`: how a provider's bond stands."""

from __future__ import annotations

import json
from pathlib import Path

import click
from ape.api import AccountAPI, ProviderAPI
from ape.cli import account_option
from liqpass.ports import ChainError as ReadingError

from scripts._bond import Bonds
from scripts._bond_view import BondView, OpenPayments
from scripts._operator import Address, OperatorCommand, Site, deployments_option
from scripts._relay import wait
from scripts._tables import wide_console


@click.command(cls=OperatorCommand)
@click.argument("insurer", metavar="[PROVIDER]", type=Address(), required=False)
@account_option(prompt=None)
@click.option(
    "--watch", "watching", is_flag=True, help="Go on until Ctrl-C instead of ending after one look."
)
@click.option(
    "--every",
    type=click.FloatRange(1, 3600),
    default=5,
    show_default=True,
    help="With --watch: seconds between two looks.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with --watch one line a look.")
@deployments_option
def status(  # noqa: PLR0917 - click passes options by name
    provider: ProviderAPI,
    insurer: str | None,
    account: AccountAPI | None,
    watching: bool,
    every: float,
    as_json: bool,
    deployments: Path,
) -> None:
    """Show the bond of PROVIDER, or of --account: total, locked, available, minimum, health, announced ends,
    and open payments with their deadlines. Warns where 70 % or more is locked.

    \b
    ape run bond status 0x… --network base:mainnet --watch
    """
    if (insurer is None) is (account is None):
        raise click.UsageError("give either PROVIDER or --account")
    who = insurer or str(account.address if account is not None else "")
    site = Site.of(provider, deployments)
    payments = OpenPayments(who)
    console = wide_console()
    while True:
        try:
            view = BondView.read(Bonds.of(site), who, payments)
        except ReadingError as error:
            if not watching:
                raise
            click.echo(f"this look failed: {error}", err=True)
        else:
            if as_json:
                click.echo(json.dumps(view.as_json(), indent=None if watching else 1))
            else:
                console.print(view.rendered())
        if not watching or not wait(every):
            return
