"""`liqpass okx`: the OKX-compatible simulator, what a key may do, and a record of what it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import click

from liqpass.adapters.chain.errors import RpcError
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.clock import ChainClock, SystemClock
from liqpass.adapters.okx.anonymous import Anonymiser
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.errors import OkxError
from liqpass.adapters.okx.responses import RawResponse, rows_of
from liqpass.adapters.okx.signing import Credentials
from liqpass.adapters.okx.simulator.accounts import SimulatorError
from liqpass.adapters.okx.transport import Clock
from liqpass.domain import chains

if TYPE_CHECKING:
    from liqpass.adapters.okx.simulator.server import SimulatorServer

ONLY_READING = "LiqPass accepts only a key whose permission is exactly read_only"
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d{1,5})?")

Command = Callable[..., Any]


@click.group()
def okx() -> None:
    """Look at an OKX key, or run a simulated OKX."""


@okx.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port; 0 takes any free one."
)
@click.option(
    "--scenario-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML or JSON list of actions to apply before the first request.",
)
@click.option("--clock-rpc", metavar="URL", help="Take the time from the latest block of this local chain.")
def simulate(host: str, port: int, scenario_file: Path | None, clock_rpc: str | None) -> None:
    """Serve OKX's API over made-up accounts until Ctrl-C.

    The first line printed is `ready URL`, then comes one JSON line for each made-up key (none is secret).
    Actions are posted to URL/sim/actions while it runs, from this machine only.
    """
    # A tenth of a second that no other command needs to wait for.
    from liqpass.adapters.okx.simulator.actions import read_scenario  # noqa: PLC0415
    from liqpass.adapters.okx.simulator.server import SimulatorServer  # noqa: PLC0415
    from liqpass.adapters.okx.simulator.simulation import Simulation  # noqa: PLC0415

    try:
        simulation = Simulation(SystemClock() if clock_rpc is None else _chain_clock(clock_rpc))
        for action in [] if scenario_file is None else read_scenario(scenario_file):
            action.apply(simulation)
        server = SimulatorServer(simulation, host, port)
    except (SimulatorError, RpcError) as error:
        raise click.ClickException(str(error)) from None
    with suppress(KeyboardInterrupt):
        server.serve(lambda: _announce(server))


def _asks_okx(command: Command) -> Command:
    """The options that say where to ask."""
    options = (
        click.option(
            "--host", default="www.okx.com", show_default=True, help="www.okx.com, eea.okx.com or us.okx.com."
        ),
        click.option("--simulator", metavar="URL", help="Ask a simulator on this machine instead of OKX."),
        click.option("--demo", is_flag=True, help="The key belongs to OKX's demo trading."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@okx.command()
@_asks_okx
def check(host: str, simulator: str | None, demo: bool) -> None:
    """Show what a key may do; end with 1 unless it is exactly read-only.

    Key, secret and passphrase are asked for and not shown, or read from standard input, one a line.
    """
    base_url, credentials = _ask_for_key(host, simulator, demo)
    try:
        with OkxClient(base_url, credentials, SystemClock(), allow_any_host=simulator is not None) as client:
            config = client.account_config()
    except OkxError as error:
        raise click.ClickException(str(error)) from None
    shown = {
        "perm": sorted(config.permissions),
        "readOnly": config.read_only,
        "acctLv": config.account_level,
        "posMode": config.position_mode,
        "clockOffsetMs": client.clock_offset_ms,
    }
    click.echo(json.dumps(shown))
    if not config.read_only:
        raise click.ClickException(ONLY_READING)


@okx.command()
@_asks_okx
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="File to write; it must not exist yet."
)
def probe(host: str, simulator: str | None, demo: bool, out: Path) -> None:
    """Record what OKX answers about an account, with nobody to be told in it, to try the rules on.

    Asks for the account's configuration, its open positions and the swaps closed and ordered in three months.
    Ids are replaced and times moved; prices, sizes and amounts stay. The key is asked for as in `check`; one
    that may do more than read is refused before anything else is asked.
    """
    if out.exists():
        raise click.ClickException(f"{out} exists already")
    base_url, credentials = _ask_for_key(host, simulator, demo)
    try:
        with OkxClient(base_url, credentials, SystemClock(), allow_any_host=simulator is not None) as client:
            config = client.account_config()
            if not config.read_only:
                raise click.ClickException(ONLY_READING)
            listings = (
                client.positions(),
                client.positions_history(),
                client.orders_history(),
                client.orders_history_archive(),
            )
    except OkxError as error:
        raise click.ClickException(str(error)) from None
    responses = [config.response, *(raw for listing in listings for raw in listing.responses)]
    anonymiser = Anonymiser(responses, SystemRandom())
    recorded = [anonymiser.anonymous(raw) for raw in responses]
    text = json.dumps([_recorded(raw) for raw in recorded], indent=1)
    hidden = {credentials.api_key, credentials.secret, credentials.passphrase, *anonymiser.replaced}
    if any(secret in text for secret in hidden):
        raise click.ClickException("a secret or an id would be left in the record: nothing was written")
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise click.ClickException(f"cannot write {out}: {error.strerror}") from None
    for raw in recorded:
        click.echo(f"{raw.path.partition('?')[0]}: {len(rows_of(raw))} rows")
    click.echo(
        f"{out}: {len(recorded)} answers; no key, user id, address, label or id of OKX's is in it, times are "
        "moved; prices, sizes and amounts are as they were"
    )


def _ask_for_key(host: str, simulator: str | None, demo: bool) -> tuple[str, Credentials]:
    if simulator is not None and not _LOOPBACK.fullmatch(simulator):
        raise click.ClickException("a simulator must run on this machine: http://127.0.0.1:PORT")
    key, secret, passphrase = (
        click.prompt(name, hide_input=True, err=True) for name in ("API key", "Secret", "Passphrase")
    )
    try:
        credentials = Credentials(key, secret, passphrase, demo)
    except OkxError as error:
        raise click.ClickException(str(error)) from None
    return f"https://{host}" if simulator is None else simulator, credentials


def _recorded(raw: RawResponse) -> dict[str, str | int]:
    return {
        "method": raw.method,
        "path": raw.path,
        "httpStatus": raw.http_status,
        "requestedAtMs": raw.requested_at_ms,
        "receivedAtMs": raw.received_at_ms,
        "body": raw.body.decode(),
    }


def _chain_clock(url: str) -> Clock:
    rpc = Web3Rpc.connect(url, tries=1)  # a node on this machine is there or it is not
    chain_id = rpc.chain_id()
    if chain_id != chains.LOCAL:
        raise SimulatorError(f"the clock follows a local chain only: chain id {chain_id}, not {chains.LOCAL}")

    def latest_block_time_s() -> int:
        block = rpc.block("latest")
        if block is None:
            raise SimulatorError("the chain has no block")
        return block.timestamp_s

    return ChainClock(latest_block_time_s)


def _announce(server: SimulatorServer) -> None:
    click.echo(f"ready {server.url}")
    for account in server.exchange.accounts.values():
        for key in account.keys.values():
            made_up = {
                "account": account.name,
                "label": key.label,
                "perm": key.permissions,
                "apiKey": key.credentials.api_key,
                "secret": key.credentials.secret,
                "passphrase": key.credentials.passphrase,
            }
            click.echo(json.dumps(made_up))
