"""`liqpass serve`: the web service."""

from __future__ import annotations

import os
import socket
import sys

import click

from liqpass.bootstrap import Application
from liqpass.entrypoints.cli.session import Session, pass_session
from liqpass.entrypoints.housekeeping import Housekeeping
from liqpass.entrypoints.logs import log_to_stderr
from liqpass.settings import read_settings

_KEEP_ALIVE_S = 15
_MOST_CONNECTIONS = 512  # of a worker; more are refused with 503 instead of piling up
_ENDING_S = 30


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 takes any."
)
@click.option(
    "--part",
    type=click.Choice(["all", "public", "admin"]),
    default="all",
    show_default=True,
    help="The buyers' application, the admin application with /internal, or both.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer."
)
@click.option(
    "--every",
    type=click.FloatRange(1, 3600),
    default=5,
    show_default=True,
    help="Seconds between two rounds of sync, reconcile and cleaning.",
)
@click.option("--no-housekeeping", is_flag=True, help="Leave that to another process on the same book.")
@pass_session
def serve(  # noqa: PLR0917 - click passes options by name
    session: Session, host: str, port: int, part: str, workers: int, every: float, no_housekeeping: bool
) -> None:
    """Serve API and pages until Ctrl-C or SIGTERM. Prints `listening on URL`, then logs to standard error.

    It also reads payments and payouts from the chain all the time (`liqpass sync`, `liqpass reconcile`). It
    holds no signing key: batches are approved and executed by `ape run payout`, premiums signed without gas
    are sent by `ape run checkout relay`. Put a proxy with TLS before it and name the origin in
    LIQPASS_PUBLIC_ORIGIN.
    """
    # Half a second that no other command needs to wait for.
    import uvicorn  # noqa: PLC0415
    from uvicorn.supervisors import Multiprocess  # noqa: PLC0415

    from liqpass.entrypoints.web.protocol import PromptProtocol  # noqa: PLC0415
    from liqpass.entrypoints.web.service import Service  # noqa: PLC0415

    app = session.app
    log_to_stderr()
    listening = bound(host, port)
    url = f"http://{'localhost' if host == '127.0.0.1' else host}:{listening.getsockname()[1]}"
    if app.settings.is_local and "public_origin" not in app.settings.model_fields_set:
        # For trying out: the origin is where it listens. The workers read it as any setting.
        os.environ["LIQPASS_PUBLIC_ORIGIN"] = url
        app = Application(read_settings())
    Service.of(app)  # whatever is missing is said now, in one line
    app.engine.dispose()  # connections do not survive into workers
    config = uvicorn.Config(
        f"liqpass.entrypoints.web.worker:{part}_app",
        factory=True,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(app.settings.trusted_proxies),
        forwarded_allow_ips=app.settings.trusted_proxies or None,
        lifespan="off",
        ws="none",
        http=PromptProtocol,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_ENDING_S,
        limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=16_384,
    )
    housekeeping = None if no_housekeeping else Housekeeping(app, every_s=every)
    click.echo(f"listening on {url}")
    sys.stdout.flush()
    if housekeeping is not None:
        housekeeping.start()
    try:
        if workers > 1:
            Multiprocess(config, sockets=[listening]).run()
        else:
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        if housekeeping is not None:
            housekeeping.stop()


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any. Raises ClickException."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise click.ClickException(f"cannot listen on {host} port {port}: {error.strerror}") from None
    bound.set_inheritable(True)
    return bound
