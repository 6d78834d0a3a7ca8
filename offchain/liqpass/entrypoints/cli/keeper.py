"""`liqpass keeper`: programs that do on chain what anyone may do. They hold a key that only pays gas."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import tenacity

from liqpass.adapters.chain.claim_sender import ClaimSender, claim_many
from liqpass.adapters.chain.errors import ChainError as SendingError
from liqpass.adapters.chain.errors import RpcError, WrongChainError
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.keyfile import read_keyfile
from liqpass.adapters.chain.policy import TX_GAS_LIMIT, Policy
from liqpass.adapters.chain.policy_watch import PolicyWatch
from liqpass.adapters.chain.rpc import Call, Web3Rpc, chain_identity
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.bootstrap import Application
from liqpass.domain.identifiers import IdentifierError, checksum_address, format_bytes32, parse_address
from liqpass.domain.money import format_usdc, usdc
from liqpass.entrypoints.claim_keeper import ClaimKeeper, DuePolicies, Round
from liqpass.entrypoints.cli.session import Session, pass_session
from liqpass.entrypoints.logs import log_to_stderr
from liqpass.ports import ChainError as ReadingError
from liqpass.x402.claiming import claims_per_transaction, plan_claims

log = logging.getLogger("liqpass.keeper")
_GWEI = 10**9
_NOBODY = "0x" + "0" * 40
_ROUNDS_TRIED = 5  # by --once, where the node gives no answer
_LONGEST_WAIT_S = 60
# What every transaction goes through is not worth a line.
_QUIET = (EventKind.SIGNED, EventKind.SENDING, EventKind.ANSWERED, EventKind.SEEN, EventKind.FINAL)


class Provider(click.ParamType):
    """An address of any capitals, to lower case."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return parse_address(value)
        except IdentifierError as error:
            self.fail(str(error), param, ctx)


@click.group()
def keeper() -> None:
    """Do on chain what anyone may do, so that nobody has to wait for it."""


@keeper.command()
@click.option(
    "--keyfile",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Encrypted keyfile of the account that pays gas, mode 0600; ape's are ~/.ape/accounts/ALIAS.json.",
)
@click.option(
    "--once", is_flag=True, help="End after one round; exit code 1 if something due was not claimed."
)
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=5,
    show_default=True,
    help="Seconds between two rounds.",
)
@click.option(
    "--provider",
    "providers",
    type=Provider(),
    multiple=True,
    help="Only claims against this provider's bond; may be repeated.  [default: everybody's]",
)
@click.option(
    "--max-batch",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Most policies a transaction; fewer where gas does not suffice.",
)
@click.option(
    "--margin",
    "margin_s",
    type=click.IntRange(0, 86_400),
    default=10,
    show_default=True,
    help="Seconds to wait after a deadline: a reorganisation must not bring it back.",
)
@click.option(
    "--journal",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the journals.  [default: LIQPASS_JOURNAL_FOLDER, else ~/.liqpass/journal]",
)
@click.option(
    "--max-fee-gwei",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Most to offer per gas on a live network.",
)
@click.option("--dry-run", is_flag=True, help="One round that shows and simulates and sends nothing; no key.")
@pass_session
def x402(  # noqa: PLR0917 - click passes options by name
    session: Session,
    keyfile: Path | None,
    once: bool,
    interval: float,
    providers: tuple[str, ...],
    max_batch: int,
    margin_s: int,
    journal: Path | None,
    max_fee_gwei: float,
    dry_run: bool,
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
    local = app.settings.is_local
    policy = Policy.local() if local else Policy(max_fee_wei=int(max_fee_gwei * _GWEI))
    rpc = Web3Rpc.connect(app.settings.rpc_url.get_secret_value())
    most = claims_per_transaction(max_batch, TX_GAS_LIMIT * 10_000 // (10_000 + policy.gas_margin_bps))
    with ended_by_signals():
        check_site(app, rpc)
        watch = PolicyWatch(
            rpc,
            app.bonds,
            first_block=app.insurance.first_block,
            providers=providers,
            settled="latest" if local else "safe",
            progress=lambda block, last: log.info("read block=%d of=%d", block, last),
        )
        due = DuePolicies(watch, app.bonds, margin_s=margin_s)
        if dry_run:
            _show(app, rpc, due, most)
            return
        if keyfile is None:
            raise click.UsageError("name the account that pays gas: --keyfile FILE, or give --dry-run")
        signer = LocalSigner(read_keyfile(keyfile, app.settings.keeper_secret()))
        folder = journal or app.settings.journal_folder or Path.home() / ".liqpass" / "journal"
        with ClaimSender.open(
            rpc,
            signer,
            policy,
            reader=app.bonds,
            insurance=app.insurance.insurance,
            journal_folder=folder,
            on_event=_say,
        ) as sender:
            click.echo(
                f"claiming from {checksum_address(app.insurance.insurance.contract)} on chain "
                f"{app.settings.chain_id} as {signer.address}"
            )
            claiming = ClaimKeeper(due, sender, most=most)
            if once:
                _end(
                    _tried(
                        claiming.round,
                        stop=tenacity.stop_after_attempt(_ROUNDS_TRIED),
                        faults=(RpcError, ReadingError),
                    )
                )
            else:
                _go_on(claiming, interval)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGINT end the body, wherever it is: what was signed is in the journal, the rest is due."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("ended")
    finally:
        signal.signal(signal.SIGTERM, before)


def check_site(app: Application, rpc: Web3Rpc) -> None:
    """Raises WrongChainError unless the node is of the record's chain and has the contract."""
    deployed = app.insurance
    identity = chain_identity(rpc, app.settings.chain_id)
    if deployed.genesis_hash is not None and identity.genesis_hash != deployed.genesis_hash:
        raise WrongChainError(f"the node is of another chain {identity.chain_id} than the deployment record")
    if not rpc.code(deployed.insurance.contract, "latest"):
        raise WrongChainError(
            f"no contract at {deployed.insurance.contract}, where the record has X402InsuranceV2"
        )


def _show(app: Application, rpc: Web3Rpc, due: DuePolicies, most: int) -> None:
    head, watched, policies = due.read()
    click.echo(f"block {head.number}: {watched} policies open, {len(policies)} due")
    for batch in plan_claims(policies, in_flight=frozenset(), reverts={}, most=most).batches:
        data = claim_many(policy.commitment for policy in batch)
        gas = rpc.estimate_gas(Call(_NOBODY, checksum_address(app.insurance.insurance.contract), data, 0))
        click.echo(f"would claim {len(batch)} in one transaction of {gas} gas:")
        for policy in batch:
            click.echo(
                f"  {format_bytes32(policy.commitment)}  {format_usdc(policy.amount)} USDC "
                f"to {checksum_address(policy.client)}, {head.timestamp_s - policy.deadline_s} s overdue"
            )
    click.echo("dry run: nothing was sent")


def _go_on(claiming: ClaimKeeper, interval: float) -> None:
    watched = None
    while True:
        # Whatever fails now may work in a minute: a node, gas, ether, another program on the same account.
        done = _tried(claiming.round, stop=tenacity.stop_never, faults=(SendingError, ReadingError))
        if done.due or done.transactions or done.by_others or done.watched != watched:
            log.info("round %s", done)
        watched = done.watched
        time.sleep(interval)


def _end(done: Round) -> None:
    log.info("round %s", done)
    click.echo(
        f"{done.watched} policies open, {done.due} due: {done.claimed} claimed in {len(done.transactions)} "
        f"transactions, {format_usdc(usdc(done.paid))} USDC, {done.credited} of them as credit; "
        f"{done.by_others} ended by others"
    )
    if done.failed:
        raise click.ClickException(f"{done.failed} policies could not be claimed; the log says why")


def _tried(
    run: Callable[[], Round], *, stop: tenacity.stop.stop_base, faults: tuple[type[Exception], ...]
) -> Round:
    """`run`, again where it raises one of `faults`, after longer and longer waits."""
    retrying = tenacity.Retrying(
        stop=stop,
        wait=tenacity.wait_exponential_jitter(multiplier=0.5, max=_LONGEST_WAIT_S, jitter=0.5),
        retry=tenacity.retry_if_exception_type(faults),
        before_sleep=_say_fault,
        reraise=True,
    )
    return retrying(run)


def _say_fault(state: tenacity.RetryCallState) -> None:
    fault = None if state.outcome is None else state.outcome.exception()
    wait = 0.0 if state.next_action is None else state.next_action.sleep
    log.warning("round failed attempt=%d wait_s=%.1f reason=%s", state.attempt_number, wait, fault)


def _say(event: Event) -> None:
    if event.kind not in _QUIET:
        log.info("%s key=%s tx=%s %s", event.kind.value, event.key, event.tx_hash or "-", event.text)
