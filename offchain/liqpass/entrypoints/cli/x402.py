"""`liqpass x402`: insured payments of HTTP APIs, for those who settle them and those who watch."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path

import click

from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.keyfile import read_keyfile
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import check_site
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.entrypoints.cli.keeper_run import ended_by_signals
from liqpass.entrypoints.cli.serve import bound
from liqpass.entrypoints.cli.session import Session, pass_session
from liqpass.entrypoints.cli.x402_claims import claims
from liqpass.entrypoints.cli.x402_pay import pay
from liqpass.entrypoints.cli.x402_strays import strays
from liqpass.entrypoints.logs import log_to_stderr

log = logging.getLogger("liqpass.x402")
_GWEI = 10**9
_KEEP_ALIVE_S = 15
_MOST_CONNECTIONS = 256
# The SDK's HTTP client waits for 30 s: so long in the queue, then BUSY; so long in a lane, then "pending".
_QUEUED_S, _SETTLING_S = 15.0, 12.0
_MOST_POLL_S = 0.5  # blocks come every 2 s, and a lane is not free before it has seen them
_ENDING_S = 25
_LOOK_S = 15.0  # between two looks at ether and bonds
# What every settlement goes through is not worth a line.
_TOLD = (
    EventKind.RESUMED,
    EventKind.REORGED,
    EventKind.BUMPED,
    EventKind.FEE_CAP_REACHED,
    EventKind.WAITING,
    EventKind.NO_ANSWER,
    EventKind.NONCE_LOST,
    EventKind.FAILED,
)


@click.group()
def x402() -> None:
    """Insured x402 payments: a provider's bond makes its clients whole."""


x402.add_command(claims)
x402.add_command(pay)
x402.add_command(strays)


@x402.command()
@click.option(
    "--keyfile",
    "keyfiles",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    multiple=True,
    help="Encrypted keyfile of a settler, mode 0600: it pays gas, and providers name it with setSettler. "
    "Given several times, so many settlements are in flight at a time; all have one passphrase.",
)
@click.option(
    "--providers",
    "providers_file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="YAML or JSON: whom it serves, and their bearer keys' SHA-256.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8402, show_default=True, help="Port; 0 takes any."
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
@pass_session
def facilitator(  # noqa: PLR0917 - click passes options by name
    session: Session,
    keyfiles: tuple[Path, ...],
    providers_file: Path,
    host: str,
    port: int,
    journal: Path | None,
    max_fee_gwei: float,
) -> None:
    """Verify, settle and insure x402 payments until Ctrl-C or SIGTERM. Prints `listening on URL`.

    Serves /supported, /verify, /settle, /healthz and /metrics; logs to standard error. The keyfiles'
    passphrase comes from LIQPASS_SETTLER_PASSPHRASE or LIQPASS_SETTLER_PASSPHRASE_FILE. Node, chain and
    deployment record are those of the settings. It may be killed at any moment: started again with the same
    journal it goes on. Put a proxy with TLS before it: bearer keys travel in its requests.

    \b
    providers:
      - provider: "0x…"
        key_sha256: "…"        # printf %s "$KEY" | sha256sum
        timeout_minutes: 5     # where its server asks for none; left out: the contract's default
    """
    # A second that no other command needs to wait for.
    import uvicorn  # noqa: PLC0415

    from liqpass.adapters.x402.account_watch import AccountWatch  # noqa: PLC0415
    from liqpass.adapters.x402.facilitator import InsuredFacilitator  # noqa: PLC0415
    from liqpass.adapters.x402.payment_checks import Site  # noqa: PLC0415
    from liqpass.adapters.x402.provider_file import ProviderFileError, read_provider_file  # noqa: PLC0415
    from liqpass.entrypoints.web.protocol import PromptProtocol  # noqa: PLC0415
    from liqpass.entrypoints.x402.app import facilitator_app  # noqa: PLC0415
    from liqpass.entrypoints.x402.metrics import Figures  # noqa: PLC0415

    app = session.app
    log_to_stderr()
    try:
        served = read_provider_file(providers_file)
    except ProviderFileError as error:
        raise click.ClickException(str(error)) from None
    local = app.settings.is_local
    policy = Policy.local() if local else Policy(max_fee_wei=int(max_fee_gwei * _GWEI))
    rpc = app.rpc
    deployed = app.insurance
    insurance = deployed.insurance
    check_site(rpc, app.settings.chain_id, deployed.genesis_hash, insurance.contract, "X402InsuranceV2")
    passphrase = app.settings.settler_secret()
    signers = [LocalSigner(read_keyfile(keyfile, passphrase)) for keyfile in keyfiles]
    if len({signer.address for signer in signers}) < len(signers):
        raise click.ClickException("two keyfiles are of one account: each lane needs its own")
    listening = bound(host, port)
    url = f"http://{'localhost' if host == '127.0.0.1' else host}:{listening.getsockname()[1]}"
    figures = Figures()
    site = Site(rpc, app.web3, app.bonds, insurance, app.bonds.usdc())
    watch = AccountWatch(
        site,
        [signer.address for signer in signers],
        served.providers,
        max_fee_wei=policy.max_fee_wei,
        on_look=figures.show,
    )
    # uvicorn ends its own work first and then sends itself the signal again.
    with (
        ended_by_signals(),
        InsuredFacilitator.open(
            site,
            signers,
            replace(policy, timeout_s=_SETTLING_S, poll_s=min(policy.poll_s, _MOST_POLL_S)),
            journal_folder=journal or app.settings.journal_folder or Path.home() / ".liqpass" / "journal",
            on_event=_say,
            factories=served.factories,
            on_answer=figures.count,
            begun_within_s=_QUEUED_S,
        ) as insured,
        watch.running(_LOOK_S),
    ):
        for each in served.providers:
            click.echo(
                f"provider {checksum_address(each.provider)} is paid at "
                f"{checksum_address(payment_address(insurance, each.provider))}"
            )
        for signer in signers:
            click.echo(f"settling as {signer.address}")
        click.echo(f"listening on {url}")
        sys.stdout.flush()
        config = uvicorn.Config(
            facilitator_app(insured, served, figures),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            http=PromptProtocol,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_ENDING_S,
            limit_concurrency=_MOST_CONNECTIONS,
            h11_max_incomplete_event_size=16_384,
        )
        uvicorn.Server(config).run(sockets=[listening])


def _say(event: Event) -> None:
    if event.kind in _TOLD:
        log.info("%s key=%s tx=%s %s", event.kind.value, event.key, event.tx_hash or "-", event.text)
