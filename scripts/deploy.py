"""`ape run deploy`: deploy LiqPass, or go on with a deployment that was interrupted."""

from __future__ import annotations

from pathlib import Path

import click
from ape.api import AccountAPI, ProviderAPI
from ape.cli import account_option
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import ChainError
from liqpass.adapters.chain.events import ROUTINE, Event
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.signer import ApeSigner
from rich.console import Console
from web3.exceptions import Web3Exception

from scripts._autosign import sign_without_asking
from scripts._build import Build, BuildError
from scripts._checks import Subject, all_checks
from scripts._connection import Connection, NetworkCommand, NetworkRefusedError, words_of
from scripts._creations import CONTRACTS, TARGETS
from scripts._deployment import Deployment, DeploymentError, begin
from scripts._late_targets import late_targets, write_admin_files
from scripts._locate import LocateError
from scripts._parameters import Parameters, ParametersError, load_parameters
from scripts._preconditions import chain_refusals
from scripts._record import Record, RecordError
from scripts._safety import refusals
from scripts._sending_options import journal_option, max_fee_option
from scripts._tables import checks_table, contracts_table, plan_tables, wide_console

_FAULTS = (
    BuildError,
    ChainError,
    DeploymentError,
    LocateError,
    NetworkRefusedError,
    ParametersError,
    RecordError,
)


@click.command(cls=NetworkCommand)
@account_option(prompt=None)
@click.option(
    "--target",
    "targets",
    type=click.Choice([*TARGETS]),
    multiple=True,
    help="Deploy this product only (repeatable), on top of LiqPass itself.  [default: all]",
)
@click.option("--dry-run", is_flag=True, help="Check everything, show what would be deployed, send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before the first transaction on a live network.")
@click.option("--autosign", is_flag=True, help="Let ape sign without asking for each transaction.")
@click.option("--allow-dirty", is_flag=True, help="Deploy sources that differ from their commit.")
@click.option(
    "--deployments",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("deployments"),
    show_default=True,
    help="Folder of records and parameters.",
)
@journal_option
@max_fee_option
def cli(  # noqa: PLR0917 - click passes options by name
    provider: ProviderAPI,
    account: AccountAPI | None,
    targets: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    autosign: bool,
    allow_dirty: bool,
    deployments: Path,
    journal: Path,
    max_fee_gwei: float,
) -> None:
    """Deploy AccessManager, Checkout, PayoutVault, X402InsuranceV2 and OpenParametric, set up the roles and
    give every one of them away; OpenParametric has none. What was left out by --target can be added later:
    where it has roles, ADMIN then has the last word, and deploy writes the two Safe files for it.

    Networks: ethereum:local (with a mock USDC and a mock flight feed), base:sepolia, base:mainnet; a node by
    its address as in --network base:sepolia:https://… and, always, ethereum:local:http://127.0.0.1:8545.
    --account deploys and ends holding nothing; on a local chain it may be left out (TEST::0). Parameters are
    read from <deployments>/parameters/<chain>.yaml, the record is written to <deployments>/<chain>.json after
    each step. Interrupted anywhere, run it again: it goes on and deploys nothing twice. Ends with the
    comparison that `ape run status` makes.
    """
    console = wide_console()
    try:
        connection = Connection.of(provider)
        parameters = load_parameters(connection.parameters_path(deployments))
        deployer = _deployer(connection, account)
        connection.require_chain_id(parameters.chain_id)
        _refuse(connection, parameters, deployer.address)
        build = Build()
        if connection.live and not allow_dirty and build.commit().endswith("-dirty"):
            raise DeploymentError(
                "the contracts differ from their commit: commit them, or pass --allow-dirty"
            )
        path = connection.record_path(deployments)
        record = begin(connection, parameters, deployer.address, path, console.print)
        added = [name for target in targets or TARGETS for name in TARGETS[target]]
        console.print(*plan_tables(connection, parameters, record, deployer.address, added), sep="\n")
        if dry_run:
            console.print("dry run: nothing was sent")
            return
        if connection.live and record.handover is None and not yes:
            click.confirm(f"Deploy to {connection.chain} (chain {connection.chain_id})?", abort=True)
        if autosign:
            sign_without_asking(deployer)
        policy = Policy.of(max_fee_gwei, live=connection.live)
        with Engine.open(
            connection.rpc,
            ApeSigner(deployer),
            policy,
            chain_id=connection.chain_id,
            journal_folder=journal,
            on_event=lambda event: _tell(console, event),
        ) as engine:
            Deployment(
                connection, engine, build, parameters, deployer.address, record, path, added, console.print
            ).run()
        if connection.live:
            _write_explorer_input(build, record, path)
        console.print(contracts_table(record))
        _assert_right(connection, parameters, record, path, console)
    except _FAULTS as fault:
        raise click.ClickException(str(fault)) from fault
    except (OSError, Web3Exception) as fault:
        raise click.ClickException(words_of(fault)) from fault


def _deployer(connection: Connection, account: AccountAPI | None) -> AccountAPI:
    if account is not None:
        return account
    if connection.live:
        raise DeploymentError("name the deploying account with --account")
    from ape import accounts  # noqa: PLC0415 - not needed, and slow, on live networks

    return accounts.test_accounts[0]


def _refuse(connection: Connection, parameters: Parameters, deployer: str) -> None:
    found = refusals(parameters, deployer, live=connection.live) or chain_refusals(connection, parameters)
    if found:
        raise DeploymentError("refused, nothing was sent:\n" + "\n".join(f"  {reason}" for reason in found))


def _tell(console: Console, event: Event) -> None:
    if event.kind not in ROUTINE:
        console.print(f"  {event.key}: {event.kind.value} {event.text}", style="dim", highlight=False)


def _write_explorer_input(build: Build, record: Record, path: Path) -> None:
    for name, deployed in record.contracts.items():
        target = path.with_name(f"{path.stem}.{name}.input.json")
        if not target.exists():
            target.write_text(build.explorer_input(deployed.contract or CONTRACTS[name]))


def _assert_right(
    connection: Connection, parameters: Parameters, record: Record, path: Path, console: Console
) -> None:
    checks = all_checks(Subject.of(connection, parameters, record))
    wrong = [check for check in checks if not check.ok]
    late = late_targets(record, wrong) if wrong else []
    for name in late:
        announce, finish = write_admin_files(connection, parameters, record, path, name)
        console.print(
            f"{name} is deployed, but the roles were given away before it: ADMIN imports {announce} into its "
            f"Safe, and 48 hours later {finish}. Until then only ADMIN may call its restricted functions. "
            "`ape run status` shows when it is done"
        )
    if wrong and not late:
        console.print(checks_table(wrong))
        raise DeploymentError(
            f"deployed, but {len(wrong)} of {len(checks)} checks fail: see `ape run status`"
        )
    console.print(f"{len(checks) - len(wrong)} checks pass; the deployer holds nothing")
