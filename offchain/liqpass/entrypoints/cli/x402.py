"""`liqpass x402`: insured payments of HTTP APIs, for those who settle them and those who watch."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from liqpass.adapters.chain.policy import Policy
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.x402.payment_addresses import payment_address
from liqpass.entrypoints.cli.keeper_run import ended_by_signals
from liqpass.entrypoints.cli.sending_options import journal_option, max_fee_option
from liqpass.entrypoints.cli.serve import bound
from liqpass.entrypoints.cli.session import Session, pass_session
from liqpass.entrypoints.cli.x402_claims import claims
from liqpass.entrypoints.cli.x402_pay import pay
from liqpass.entrypoints.cli.x402_strays import strays
from liqpass.entrypoints.logs import log_to_stderr

_KEEP_ALIVE_S = 15
_MOST_CONNECTIONS = 256
_ENDING_S = 25
_LOOK_S = 15.0  # between two looks at ether and bonds


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
@journal_option
@max_fee_option
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
    from liqpass.adapters.x402.provider_file import ProviderFileError, read_provider_file  # noqa: PLC0415
    from liqpass.entrypoints.web.protocol import PromptProtocol  # noqa: PLC0415
    from liqpass.entrypoints.x402.app import facilitator_app  # noqa: PLC0415
    from liqpass.entrypoints.x402.metrics import Figures  # noqa: PLC0415
    from liqpass.x402.facilitator import insured_facilitator  # noqa: PLC0415

    log_to_stderr()
    try:
        served = read_provider_file(providers_file)
    except ProviderFileError as error:
        raise click.ClickException(str(error)) from None
    listening = bound(host, port)
    url = f"http://{'localhost' if host == '127.0.0.1' else host}:{listening.getsockname()[1]}"
    figures = Figures()
    # uvicorn ends its own work first and then sends itself the signal again.
    with (
        ended_by_signals(),
        insured_facilitator(
            *keyfiles,
            settings=session.app.settings,
            journal=journal,
            max_fee_gwei=max_fee_gwei,
            factories=served.factories,
            on_answer=figures.count,
        ) as insured,
        AccountWatch(
            insured.site,
            insured.settlers,
            served.providers,
            max_fee_wei=Policy.of(max_fee_gwei, live=not session.app.settings.is_local).max_fee_wei,
            on_look=figures.show,
        ).running(_LOOK_S),
    ):
        for each in served.providers:
            click.echo(
                f"provider {checksum_address(each.provider)} is paid at "
                f"{checksum_address(payment_address(insured.insurance, each.provider))}"
            )
        for settler in insured.settlers:
            click.echo(f"settling as {settler}")
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
