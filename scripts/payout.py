"""`ape run payout`: export, approve, fund, execute, revoke and look at a day's batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI
from liqpass.adapters.chain.policy import TX_GAS_LIMIT
from liqpass.adapters.chain.rpc import BlockId
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.money import Usdc, format_usdc

from scripts._batch import Case, allowed_versions, history_of, paid_now
from scripts._batch_state import approval_refusals, execution_refusals, show_state
from scripts._execution import Execution
from scripts._export import export_batch
from scripts._operator import (
    Operator,
    OperatorCommand,
    Site,
    UsdcAmount,
    deployments_option,
    operator_options,
    refuse,
)
from scripts._sending import (
    Step,
    calldata,
    confirm,
    open_sender,
    perform,
    show_previews,
    tell_transaction,
    write_safe,
)

BATCH = click.option("--batch", "batch_id", type=int, required=True, help="The batch's UTC date, YYYYMMDD.")
FILE = click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    required=True,
    help="The exported batch-YYYYMMDD.json.",
)
MANUAL = click.option(
    "--allow-manual",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Allow exactly N orders that were marked paid by hand.",
)


@click.group()
def cli() -> None:
    """A day's payouts. approve and execute read the exported file and the chain, never the service's
    database.

    Amounts are USDC, batches are named by their UTC date YYYYMMDD.
    """


@cli.command()
@BATCH
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="[default: batch-YYYYMMDD.json]")
@click.option("--by", "actor", default="operator", show_default=True, help="Who acts: audit log.")
def export(batch_id: int, out: Path | None, actor: str) -> None:
    """Write the batch file, on the service's machine (settings LIQPASS_…), as `liqpass batch export` does.

    \b
    ape run payout export --batch 20260122 --out batch.json
    """
    export_batch(batch_id, out or Path(f"batch-{batch_id}.json"), actor)


@cli.command(cls=OperatorCommand)
@FILE
@MANUAL
@operator_options
def approve(provider: ProviderAPI, path: Path, allow_manual: int, deployments: Path, **options: Any) -> None:
    """Check a batch against the chain, replay every decision, and approve its payout root. APPROVER.

    Any difference is refused with every reason. The approval holds 48 hours.

    \b
    ape run payout approve --file batch-20260122.json --account approver --network base:mainnet
    """
    site = Site.of(provider, deployments)
    operator = Operator.of(site, **options)
    case = Case.read(site, path)
    history = history_of(operator)
    facts = case.facts(history)
    case.show(facts)
    found = case.refusals(facts, allowed_versions(site, deployments), allow_manual)
    refuse([*found, *approval_refusals(case, operator.address)])
    batch, before = case.batch, case.approval
    if case.is_approved and before is not None and before.expires_at_s > case.head.time_s:
        click.echo(f"approved already by {before.approver} until {before.expires_at_s}: nothing was sent")
        return
    approved_before_s = 0 if before is None else before.approved_at_s
    root = format_bytes32(batch.payout_root)

    def done(block: BlockId) -> bool:
        held = site.vault.functions.batches(batch.batch_id).call(block_identifier=block)
        return bool(bytes(held[0]) == batch.payout_root and not held[5] and held[4] != approved_before_s)

    data = calldata(site.vault, "approveBatch", batch.batch_id, batch.payout_root, batch.total)
    step = Step(
        f"payout/approve/{batch.batch_id}/{root}/{approved_before_s}",
        site.vault.address,
        data,
        f"approve batch {batch.batch_id}: {format_usdc(batch.total)} USDC to {len(batch.items)} recipients",
        done,
    )
    name = f"LiqPass approval of batch {batch.batch_id}"
    for outcome in perform(operator, name, [step], before_sending=lambda: history.remember(batch)):
        click.echo(f"approved batch {batch.batch_id}, payout root {root}, {format_usdc(batch.total)} USDC")
        tell_transaction(outcome)


@cli.command(cls=OperatorCommand)
@FILE
@MANUAL
@click.option(
    "--max-gas",
    type=click.IntRange(min=21_000, max=TX_GAS_LIMIT),
    default=TX_GAS_LIMIT,
    show_default=True,
    help="Most gas of one transaction; a batch is split accordingly.",
)
@operator_options
def execute(
    provider: ProviderAPI, path: Path, allow_manual: int, max_gas: int, deployments: Path, **options: Any
) -> None:
    """Check an approved batch as the approver did and pay it, each policy once for ever. PAYER.

    Skips what is paid and goes on with what an earlier run left in flight. A recipient that USDC refuses is
    sent once a batch: the vault skips it and logs that, so that `liqpass reconcile` holds the claim; it is
    reported as held.

    \b
    ape run payout execute --file batch-20260122.json --account payer --network base:mainnet
    """
    site = Site.of(provider, deployments)
    operator = Operator.of(site, max_gas=max_gas, **options)
    case = Case.read(site, path)
    history = history_of(operator)
    facts = case.facts(history)
    case.show(facts)
    found = case.refusals(facts, allowed_versions(site, deployments), allow_manual)
    refuse([*found, *execution_refusals(case, operator.address)])
    execution = Execution(operator, case)
    name = f"LiqPass payouts of batch {case.batch.batch_id}"
    failed: dict[int, str] = {}
    if operator.safe_file is not None:
        steps = [execution.step(chunk) for chunk in execution.plan()]
        write_safe(operator, name, steps, lambda: history.remember(case.batch))
    else:
        with open_sender(operator) as sender:
            if operator.dry_run:
                show_previews(sender, [execution.step(chunk) for chunk in execution.plan()])
            elif case.open_items:
                confirm(operator, f"pay {format_usdc(case.due)} USDC")
                history.remember(case.batch)
                failed = execution.run(sender)
    _report(case, paid_now(site, case.batch), failed)


def _report(case: Case, paid_policies: frozenset[int], failed: dict[int, str]) -> None:
    paid = Usdc(sum(item.amount for item in case.batch.items if item.policy_no in paid_policies))
    click.echo(
        f"batch {case.batch.batch_id}: {len(paid_policies)} of {len(case.batch.items)} policies paid, "
        f"{format_usdc(paid)} of {format_usdc(case.batch.total)} USDC"
    )
    for item in case.open_items:
        words = case.held.get(item.policy_no) or (
            f"refused in {failed[item.policy_no]}" if item.policy_no in failed else None
        )
        if words is not None:
            click.echo(f"held: policy {item.policy_no}, {checksum_address(item.recipient)}: {words}")


@cli.command(cls=OperatorCommand)
@BATCH
@operator_options
def revoke(provider: ProviderAPI, batch_id: int, deployments: Path, **options: Any) -> None:
    """End a batch's approval: nothing more of it is paid, what is paid stays paid. APPROVER or GUARDIAN.

    \b
    ape run payout revoke --batch 20260122 --account guardian --network base:mainnet
    """
    site = Site.of(provider, deployments)
    operator = Operator.of(site, **options)
    before = site.reader.batch(batch_id, site.reader.head())
    if before is None:
        refuse([f"batch {batch_id} was never approved"])
        return
    if before.revoked:
        click.echo(f"batch {batch_id} is revoked already: nothing was sent")
        return
    if not site.may_call(operator.address, site.vault, "revokeBatch", "approveBatch"):
        refuse([f"{operator.address} may not revoke: it holds neither APPROVER nor GUARDIAN"])

    def done(block: BlockId) -> bool:
        return bool(site.vault.functions.batches(batch_id).call(block_identifier=block)[5])

    step = Step(
        f"payout/revoke/{batch_id}/{before.approved_at_s}",
        site.vault.address,
        calldata(site.vault, "revokeBatch", batch_id),
        f"revoke batch {batch_id}, {format_usdc(Usdc(before.total - before.paid))} USDC unpaid",
        done,
    )
    for outcome in perform(operator, f"LiqPass revocation of batch {batch_id}", [step]):
        click.echo(f"revoked batch {batch_id}")
        tell_transaction(outcome)


@cli.command(cls=OperatorCommand)
@click.option("--amount", type=UsdcAmount(), required=True, help="USDC to bring, for example 500.00.")
@operator_options
def fund(provider: ProviderAPI, amount: Usdc, deployments: Path, **options: Any) -> None:
    """Bring USDC from --account (the treasury's) into the vault, never above its hot-wallet maximum.

    \b
    ape run payout fund --amount 500.00 --account treasury --network base:mainnet
    """
    site = Site.of(provider, deployments)
    operator = Operator.of(site, **options)
    usdc, vault = site.usdc.functions, site.vault
    held, mine = (Usdc(usdc.balanceOf(each).call()) for each in (vault.address, operator.address))
    maximum = Usdc(vault.functions.hotWalletMax().call())
    found = []
    if mine < amount:
        found.append(f"{operator.address} holds {format_usdc(mine)} USDC and needs {format_usdc(amount)}")
    if held + amount > maximum:
        found.append(f"the vault holds {format_usdc(held)} USDC and may hold {format_usdc(maximum)}")
    if vault.functions.paused().call():
        found.append("the vault is paused")
    refuse(found)

    def allowed(block: BlockId) -> bool:
        return int(usdc.allowance(operator.address, vault.address).call(block_identifier=block)) >= amount

    steps = [
        Step(
            f"vault/allow/{amount}",
            site.usdc.address,
            calldata(site.usdc, "approve", vault.address, amount),
            f"allow the vault {format_usdc(amount)} USDC",
            allowed,
            again=True,
        ),
        Step(
            f"vault/fund/{amount}",
            vault.address,
            calldata(vault, "fund", amount),
            f"fund the vault with {format_usdc(amount)} USDC",
            follows=True,
            again=True,
        ),
    ]
    outcomes = perform(operator, "LiqPass vault funding", steps)
    if outcomes:
        now = Usdc(usdc.balanceOf(vault.address).call())
        click.echo(f"the vault held {format_usdc(held)} USDC and holds {format_usdc(now)}")
        tell_transaction(outcomes[-1])


@cli.command(cls=OperatorCommand)
@click.option("--batch", "batch_id", type=int, help="The batch's UTC date, YYYYMMDD.")
@click.option("--file", "path", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@deployments_option
def status(provider: ProviderAPI, batch_id: int | None, path: Path | None, deployments: Path) -> None:
    """Show what the vault holds of a batch: root, total, paid, expiry; with --file each payout's paid bit.

    \b
    ape run payout status --batch 20260122 --network base:mainnet
    """
    if (batch_id is None) == (path is None):
        raise click.UsageError("give either --batch or --file")
    site = Site.of(provider, deployments)
    case = None if path is None else Case.read(site, path)
    if case is not None:
        case.show()
    show_state(site, case.batch.batch_id if case is not None else int(batch_id or 0))
