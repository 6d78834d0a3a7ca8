"""`ape run status`: does the chain hold what the record and the parameters say?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from ape.api import ProviderAPI
from liqpass.adapters.chain.errors import ChainError
from web3.exceptions import Web3Exception

from scripts._checks import Check, Subject, all_checks
from scripts._connection import Connection, NetworkCommand, NetworkRefusedError, words_of
from scripts._parameters import ParametersError, load_parameters
from scripts._record import RecordError, require_record
from scripts._safety import refusals
from scripts._tables import checks_table, wide_console


@click.command(cls=NetworkCommand)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.option(
    "--deployments",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("deployments"),
    show_default=True,
    help="Folder of records and parameters.",
)
@click.pass_context
def cli(context: click.Context, provider: ProviderAPI, as_json: bool, deployments: Path) -> None:
    """Compare chain, record and parameters: code, constructor arguments, treasury, caps, pause, balances,
    roles, their holders and delays, which role may call which function, and that the deployer holds nothing.

    Ends with 1 on any difference. Sends nothing and needs no account.
    """
    try:
        connection = Connection.of(provider)
        parameters = load_parameters(connection.parameters_path(deployments))
        connection.require_chain_id(parameters.chain_id)
        path = connection.record_path(deployments)
        record = require_record(path)
        faults = "; ".join(refusals(parameters, record.deployer, live=connection.live))
        checks = [Check("parameters", "allowed by docs/roles.md", "yes", faults or "yes")]
        checks += all_checks(Subject.of(connection, parameters, record))
    except (ChainError, NetworkRefusedError, ParametersError, RecordError) as fault:
        raise click.ClickException(str(fault)) from fault
    except (OSError, Web3Exception) as fault:
        raise click.ClickException(words_of(fault)) from fault
    differences = sum(not check.ok for check in checks)
    if as_json:
        shown = {
            "chain": connection.chain,
            "ok": differences == 0,
            "checks": [asdict(check) | {"ok": check.ok} for check in checks],
        }
        click.echo(json.dumps(shown, indent=1))
    else:
        console = wide_console()
        console.print(checks_table(checks))
        console.print(f"{connection.chain}: {len(checks)} checks, {differences} differences")
    context.exit(1 if differences else 0)
