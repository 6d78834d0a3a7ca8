"""`liqpass keeper parametric`: what anyone may do with parametric policies, as soon as it may be done."""

from __future__ import annotations

import click

from liqpass.adapters.chain.errors import CallRevertedError
from liqpass.adapters.chain.parametric_watch import ParametricWatch
from liqpass.adapters.chain.policy_sender import PolicySender, call_of
from liqpass.adapters.chain.revert_words import reason_of
from liqpass.adapters.chain.rpc import Call, Rpc, check_site
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import Usdc
from liqpass.domain.parametric.policy import format_policy_id
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
from liqpass.entrypoints.parametric_keeper import DueActions, ParametricKeeper, Round


@click.command()
@run_options
@click.option(
    "--leader",
    "leaders",
    type=Account(),
    multiple=True,
    help="Only policies of this leader; may be repeated.  [default: everybody's]",
)
@click.option(
    "--least",
    type=UsdcAmount(),
    default="0.00",
    show_default=True,
    help="USDC below which a policy's payout is not worth the gas: it is left to others.",
)
@pass_session
def parametric(
    session: Session,
    run: Run,
    leaders: tuple[str, ...],
    least: Usdc,
) -> None:
    """Activate, check, approve, settle and expire parametric policies, until Ctrl-C or SIGTERM.

    Each as soon as anyone may: activate at the start of the cover; check when the feed has a reading that
    makes a claim; approve after the approval window; settle; expire after the last claim was possible. The
    keyfile's account only pays the gas. Its passphrase comes from LIQPASS_KEEPER_PASSPHRASE or
    LIQPASS_KEEPER_PASSPHRASE_FILE. Node, chain and deployment record are those of the settings. It may be
    killed at any moment: started again with the same journal it goes on. Logs to standard error.

    \b
    liqpass keeper parametric --keyfile keeper.json
    liqpass keeper parametric --keyfile keeper.json --once --leader 0x…
    liqpass keeper parametric --dry-run
    """
    app = session.app
    log_to_stderr()
    rpc = app.rpc
    deployed = app.parametric
    with ended_by_signals():
        check_site(rpc, deployed.chain_id, deployed.genesis_hash, deployed.contract, "OpenParametric")
        reader = app.parametric_policies
        blocks = settled_blocks(app.settings, rpc, deployed.first_block)
        due = DueActions(
            ParametricWatch(blocks, reader, leaders=leaders), reader, margin_s=run.margin_s, least=least
        )
        if run.dry_run:
            _show(rpc, due, deployed.contract)
            return
        signer = run.signer(app.settings)
        with PolicySender.open(
            rpc,
            signer,
            run.policy(app.settings),
            reader=reader,
            deployment=deployed,
            journal_folder=run.journal_folder(app.settings),
            on_event=say,
        ) as sender:
            click.echo(
                f"keeping policies of {checksum_address(deployed.contract)} on chain "
                f"{deployed.chain_id} as {signer.address}"
            )
            run.rounds(ParametricKeeper(due, sender).round, _end)


def _show(rpc: Rpc, due: DueActions, contract: str) -> None:
    head, policies = due.live()
    found = [each for each in (due.of(policy, head) for policy in policies) if each is not None]
    click.echo(f"block {head.number}: {len(policies)} policies live, {len(found)} with something due")
    for each in found:
        number = each.policy.number
        call = Call(NOBODY, checksum_address(contract), call_of(each.action, number), 0)
        try:
            told = f"{rpc.estimate_gas(call)} gas"
        except CallRevertedError as error:
            told = f"would revert: {reason_of(error.data, error.message)}"
        click.echo(f"would {each.action} {format_policy_id(number)}: {told}")
    click.echo("dry run: nothing was sent")


def _end(done: Round) -> None:
    acted = ", ".join(f"{action} {count}" for action, count in sorted(done.acted.items()))
    click.echo(
        f"{done.watched} policies live: {acted or 'nothing done'}, in {len(done.transactions)} transactions; "
        f"{done.by_others} done by others"
    )
    if done.failed:
        raise click.ClickException(f"{done.failed} things that are due could not be done; the log says why")
