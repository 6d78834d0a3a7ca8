"""`liqpass keeper`: programs that do on chain what anyone may do. They hold a key that only pays gas."""

from __future__ import annotations

import click

from liqpass.adapters.chain.claim_sender import ClaimSender, claim_many
from liqpass.adapters.chain.policy import TX_GAS_LIMIT
from liqpass.adapters.chain.policy_watch import PolicyWatch
from liqpass.adapters.chain.rpc import Call, Web3Rpc, check_site
from liqpass.bootstrap import Application
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.money import Usdc, format_usdc, usdc
from liqpass.domain.x402.claiming import claims_per_transaction, plan_claims
from liqpass.entrypoints.claim_keeper import ClaimKeeper, DuePolicies, Round
from liqpass.entrypoints.cli.keeper_parametric import parametric
from liqpass.entrypoints.cli.keeper_run import (
    NOBODY,
    Account,
    Run,
    ended_by_signals,
    run_options,
    say,
    settled_blocks,
)
from liqpass.entrypoints.cli.order import UsdcAmount
from liqpass.entrypoints.cli.session import Session, pass_session
from liqpass.entrypoints.logs import log_to_stderr


@click.group()
def keeper() -> None:
    """Do on chain what anyone may do, so that nobody has to wait for it."""


keeper.add_command(parametric)


@keeper.command()
@run_options
@click.option(
    "--provider",
    "providers",
    type=Account(),
    multiple=True,
    help="Only claims against this provider's bond; may be repeated.  [default: everybody's]",
)
@click.option(
    "--least",
    type=UsdcAmount(),
    default="0.00",
    show_default=True,
    help="USDC below which a payment is left to its client: the gas of its claim costs more.",
)
@click.option(
    "--max-batch",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Most policies a transaction; fewer where gas does not suffice.",
)
@pass_session
def x402(
    session: Session,
    run: Run,
    providers: tuple[str, ...],
    least: Usdc,
    max_batch: int,
) -> None:
    """Claim for x402 clients whose time-out has passed, until Ctrl-C or SIGTERM. Logs to standard error.

    Anyone may; the money goes to the clients, and the keyfile's account pays the gas. Its passphrase comes
    from LIQPASS_KEEPER_PASSPHRASE or LIQPASS_KEEPER_PASSPHRASE_FILE. Node, chain and deployment record are
    those of the settings. It may be killed at any moment: started again with the same journal it goes on.

    \b
    liqpass keeper x402 --keyfile keeper.json
    liqpass keeper x402 --keyfile keeper.json --once --provider 0x…
    liqpass keeper x402 --dry-run
    """
    app = session.app
    log_to_stderr()
    policy = run.policy(app.settings)
    rpc = app.rpc
    most = claims_per_transaction(max_batch, TX_GAS_LIMIT * 10_000 // (10_000 + policy.gas_margin_bps))
    deployed = app.insurance
    contract = deployed.insurance.contract
    with ended_by_signals():
        check_site(rpc, app.settings.chain_id, deployed.genesis_hash, contract, "X402InsuranceV2")
        blocks = settled_blocks(app.settings, rpc, deployed.first_block)
        watch = PolicyWatch(blocks, app.bonds, providers=providers)
        due = DuePolicies(watch, app.bonds, margin_s=run.margin_s, least=least)
        if run.dry_run:
            _show(app, rpc, due, most)
            return
        signer = run.signer(app.settings)
        with ClaimSender.open(
            rpc,
            signer,
            policy,
            reader=app.bonds,
            insurance=deployed.insurance,
            journal_folder=run.journal_folder(app.settings),
            on_event=say,
        ) as sender:
            click.echo(
                f"claiming from {checksum_address(contract)} on chain "
                f"{app.settings.chain_id} as {signer.address}"
            )
            run.rounds(ClaimKeeper(due, sender, most=most).round, tell_end)


def _show(app: Application, rpc: Web3Rpc, due: DuePolicies, most: int) -> None:
    head, watched, policies = due.read()
    click.echo(f"block {head.number}: {watched} policies open, {len(policies)} due")
    for batch in plan_claims(policies, in_flight=frozenset(), reverts={}, most=most).batches:
        data = claim_many(policy.commitment for policy in batch)
        gas = rpc.estimate_gas(Call(NOBODY, checksum_address(app.insurance.insurance.contract), data, 0))
        click.echo(f"would claim {len(batch)} in one transaction of {gas} gas:")
        for policy in batch:
            click.echo(
                f"  {format_bytes32(policy.commitment)}  {format_usdc(policy.amount)} USDC "
                f"to {checksum_address(policy.client)}, {head.timestamp_s - policy.deadline_s} s overdue"
            )
    click.echo("dry run: nothing was sent")


def tell_end(done: Round) -> None:
    """What one round did. Raises click.ClickException where something due was not claimed."""
    click.echo(
        f"{done.watched} policies open, {done.due} due: {done.claimed} claimed in {len(done.transactions)} "
        f"transactions, {format_usdc(usdc(done.paid))} USDC, {done.credited} of them as credit; "
        f"{done.by_others} ended by others"
    )
    if done.failed:
        raise click.ClickException(f"{done.failed} policies could not be claimed; the log says why")
