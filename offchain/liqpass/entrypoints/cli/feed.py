"""`liqpass feed`: readings for the flight feeds that we run, for tests, the demo and test networks."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click

from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import CallRevertedError, ChainError, RpcError, WrongChainError
from liqpass.adapters.chain.keyfile import read_keyfile
from liqpass.adapters.chain.own_feed import OwnFeed
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.revert_words import our_errors, reason_of
from liqpass.adapters.chain.rpc import BlockId, Rpc
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.clock import ChainClock, SystemClock
from liqpass.domain import chains
from liqpass.domain.parametric.flight_status import (
    MAX_BYTES,
    FlightStatus,
    FlightStatusError,
    parse_flight_status,
    reading_of_status,
)
from liqpass.domain.parametric.reading import Reading, ReadingError, reading_in_words
from liqpass.domain.parametric.times import format_time
from liqpass.entrypoints.cli.keeper_run import Account
from liqpass.entrypoints.cli.sending_options import journal_option, max_fee_option
from liqpass.entrypoints.cli.session import Session, pass_session
from liqpass.private_files import shared_with_others
from liqpass.settings import Settings

CHAINS = (
    chains.LOCAL,
    chains.BASE_SEPOLIA,
)  # elsewhere people insure against feeds, and none is ours to write


@click.group()
def feed() -> None:
    """Flight feeds that we run ourselves, on a local chain or Base Sepolia."""


@feed.command()
@click.argument("record", type=click.File("rb"))
@click.option("--feed", "address", required=True, type=Account(), help="The feed's address, 0x….")
@click.option(
    "--keyfile",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Encrypted keyfile of the feed's owner, such as ~/.ape/accounts/<alias>.json.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of mode 0600 with the keyfile's passphrase; without it the passphrase is asked for.",
)
@click.option(
    "--dry-run", is_flag=True, help="Check and simulate everything, send nothing; needs no keyfile."
)
@journal_option
@max_fee_option
@pass_session
def push(
    session: Session,
    *,
    record: IO[bytes],
    address: str,
    keyfile: Path | None,
    passphrase_file: Path | None,
    dry_run: bool,
    journal: Path | None,
    max_fee_gwei: float,
) -> None:
    """Turn a flight-status RECORD (JSON; - reads standard input) into a reading and report it.

    docs/flight-feed.md has the record's form. The feed must be described as the record's flight, date and
    airport. The same record is reported once, however often the command runs.
    """
    if keyfile is None and not dry_run:
        raise click.UsageError("say who signs: --keyfile FILE, or try it with --dry-run")
    settings = session.app.settings
    if settings.chain_id not in CHAINS:
        allowed = " and ".join(map(str, CHAINS))
        raise click.ClickException(
            f"chain {settings.chain_id}: feeds of ours are only for the chains {allowed}"
        )
    rpc = session.app.rpc
    try:
        status = parse_flight_status(record.read(MAX_BYTES + 1))
        reading = reading_of_status(status, _now_s(settings, rpc))
        click.echo(f"{status.description}: {reading_in_words(reading)}")
        own = _checked_feed(settings, rpc, address, status, reading)
        if keyfile is None or dry_run:
            owner = own.simulate_push(reading)
            click.echo(f"dry run: {owner} would push {reading} to {own.address}; nothing was sent")
            return
        policy = Policy.of(max_fee_gwei, live=not settings.is_local)
        signer = LocalSigner(read_keyfile(keyfile, _passphrase(passphrase_file)))
        with Engine.open(
            rpc,
            signer,
            policy,
            chain_id=settings.chain_id,
            journal_folder=journal or settings.journals,
            decode_revert=our_errors,
        ) as engine:
            _send(engine, own, status, reading)
    except CallRevertedError as error:
        raise click.ClickException(f"the feed refuses: {reason_of(error.data, error.message)}") from None
    except (ChainError, FlightStatusError, ReadingError) as error:
        raise click.ClickException(str(error)) from None


def _send(engine: Engine, own: OwnFeed, status: FlightStatus, reading: Reading) -> None:
    def done(block: BlockId) -> bool:
        return own.shows(reading, status.observed_at_s, block)

    outcome = engine.submit(
        f"feed/push/{own.address}/{status.observed_at_s}",
        own.address,
        own.push_data(reading),
        describe=f"report {reading_in_words(reading)} for {status.description}",
        done=done,
    )
    if outcome.tx_hash is None:
        click.echo(f"{own.address} reports {reading} already; nothing was sent")
    else:
        click.echo(f"{own.address} reports {reading}, transaction {outcome.tx_hash}")


def _checked_feed(
    settings: Settings, rpc: Rpc, address: str, status: FlightStatus, reading: Reading
) -> OwnFeed:
    """The feed, if it is this flight's and nothing newer would be overwritten."""
    chain_id = rpc.chain_id()
    if chain_id != settings.chain_id:
        raise WrongChainError(f"the node serves chain {chain_id}, settings say {settings.chain_id}")
    own = OwnFeed(rpc, address)
    description, decimals, report = own.description(), own.decimals(), own.latest()
    if description != status.description:
        raise click.ClickException(f"{own.address} is {description!r}, the record is {status.description!r}")
    if decimals != 0:
        raise click.ClickException(f"{own.address} has {decimals} decimals, a feed of minutes has 0")
    if report.updated_at_s > status.observed_at_s and report.answer != reading:
        raise click.ClickException(
            f"{own.address} reports {report.answer} as of {format_time(report.updated_at_s)}, after this "
            f"record's {format_time(status.observed_at_s)}: ask the source again"
        )
    return own


def _now_s(settings: Settings, rpc: Rpc) -> int:
    if settings.clock == "system":
        return SystemClock().now_ms() // 1000

    def latest_block_time_s() -> int:
        block = rpc.block("latest")
        if block is None:
            raise RpcError("the chain has no block")
        return block.timestamp_s

    return ChainClock(latest_block_time_s).now_ms() // 1000


def _passphrase(path: Path | None) -> str:
    if path is None:
        return str(click.prompt("Passphrase", hide_input=True, err=True))
    if fault := shared_with_others(path):
        raise click.ClickException(fault)
    return path.read_text("utf-8").rstrip("\n")
