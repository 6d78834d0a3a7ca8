"""`liqpass db`, `params`, `pause`, `blocklist`, `keys`: running the service."""

from __future__ import annotations

from pathlib import Path

import click

from liqpass.adapters.database.backup import backup as copy_book
from liqpass.adapters.database.engine import open_engine
from liqpass.domain.parameters import AMOUNTS
from liqpass.entrypoints.answers import iso, money
from liqpass.entrypoints.cli.session import (
    Session,
    actor_option,
    json_option,
    pass_session,
    show_fields,
    show_json,
    show_table,
)

KIND = click.Choice(["wallet", "main_uid_hmac"])


@click.group()
def db() -> None:
    """The database of LIQPASS_DATABASE_URL."""


@db.command()
@pass_session
def upgrade(session: Session) -> None:
    """Create the tables, or bring them to this version."""
    # Here and below: a tenth of a second that no other command needs to wait for.
    from liqpass.adapters.database import migrate  # noqa: PLC0415

    engine = open_engine(session.app.settings.database_url.get_secret_value())
    migrate.upgrade(engine)
    click.echo(f"schema {migrate.current(engine)}")


@db.command()
@click.option("--to", "revision", required=True, help="Revision, or `base`: no tables and no data.")
@click.confirmation_option(prompt="Data in tables that are dropped is lost. Go on?")
@pass_session
def downgrade(session: Session, revision: str) -> None:
    """Take the schema back."""
    from liqpass.adapters.database import migrate  # noqa: PLC0415

    engine = open_engine(session.app.settings.database_url.get_secret_value())
    migrate.downgrade(engine, revision)
    click.echo(f"schema {migrate.current(engine) or 'none'}")


@db.command()
@pass_session
def current(session: Session) -> None:
    """Show the schema's revision and this version's; exit code 1 if they differ."""
    from liqpass.adapters.database import migrate  # noqa: PLC0415

    found = migrate.current(open_engine(session.app.settings.database_url.get_secret_value()))
    click.echo(f"schema {found or 'none'}, this version {migrate.head()}")
    if found != migrate.head():
        raise click.ClickException("run `liqpass db upgrade`")


@db.command()
@click.option(
    "--to", "path", type=click.Path(dir_okay=False, path_type=Path), required=True, help="New file."
)
@pass_session
def backup(session: Session, path: Path) -> None:
    """Copy a SQLite database to a new file of mode 0600 while others write; prints its audit anchor."""
    anchor = copy_book(session.app.settings.database_url.get_secret_value(), path)
    click.echo(f"{path} is sound; audit anchor {anchor.count}:{anchor.head}")


@click.command()
@json_option
@pass_session
def params(session: Session, as_json: bool) -> None:
    """Print every parameter (amounts in USDC; _s seconds, _bps 1/10000, _min minutes) and their version."""
    rules = session.app.parameters
    values = {
        name: f"{money(int(text))} USDC" if name in AMOUNTS and not as_json else text
        for name, text in rules.as_json().items()
    }
    if as_json:
        show_json({"paramsVersion": rules.params_version, "parameters": values})
        return
    show_fields({"version": rules.params_version, **values})


@click.group()
def pause() -> None:
    """Stop selling and batch building at once; claims stay open. Chain: `ape run pause`."""


@pause.command("on")
@click.option("--reason", required=True, help="Shown to buyers.")
@actor_option
@pass_session
def pause_on(session: Session, reason: str, actor: str) -> None:
    """Stop quotes, orders and batch building."""
    session.app.controlling.pause(actor=actor, reason=reason)
    click.echo("paused; on chain: ape run pause --all")


@pause.command("off")
@click.option("--reason", required=True, help="Why it may go on.")
@actor_option
@pass_session
def pause_off(session: Session, reason: str, actor: str) -> None:
    """Sell and build batches again."""
    session.app.controlling.resume(actor=actor, reason=reason)
    click.echo("selling")


@pause.command("show")
@pass_session
def pause_show(session: Session) -> None:
    """Show whether selling is paused, and why."""
    reason = session.app.controlling.paused()
    click.echo("selling" if reason is None else f"paused: {reason}")


@click.group()
def blocklist() -> None:
    """Wallets and OKX persons that may not buy."""


@blocklist.command("add")
@click.argument("kind", type=KIND)
@click.argument("value")
@click.option("--reason", required=True, help="Why.")
@actor_option
@pass_session
def blocklist_add(session: Session, kind: str, value: str, reason: str, actor: str) -> None:
    """Block a wallet (address) or a person (64 hex digits)."""
    session.app.controlling.block(kind, value, actor=actor, reason=reason)
    click.echo(f"{kind} {value} may not buy any more")


@blocklist.command("remove")
@click.argument("kind", type=KIND)
@click.argument("value")
@click.option("--reason", required=True, help="Why.")
@actor_option
@pass_session
def blocklist_remove(session: Session, kind: str, value: str, reason: str, actor: str) -> None:
    """Take an entry off."""
    session.app.controlling.unblock(kind, value, actor=actor, reason=reason)
    click.echo(f"{kind} {value} may buy again")


@blocklist.command("list")
@json_option
@pass_session
def blocklist_list(session: Session, as_json: bool) -> None:
    """List all entries."""
    rows = [
        {"kind": entry.kind, "value": entry.value, "reason": entry.reason, "addedAt": iso(entry.added_at_ms)}
        for entry in session.app.controlling.blocked()
    ]
    show_json(rows) if as_json else show_table(rows, ("kind", "value", "reason", "addedAt"))


@click.group()
def keys() -> None:
    """The keys that seal OKX credentials."""


@keys.command()
@actor_option
@pass_session
def rotate(session: Session, actor: str) -> None:
    """Seal everything under LIQPASS_MASTER_KEY; the old key must be in LIQPASS_PREVIOUS_MASTER_KEYS."""
    count = session.app.controlling.rotate_keys(actor=actor)
    click.echo(f"{count} secrets are sealed under the current key; the previous ones may go")
