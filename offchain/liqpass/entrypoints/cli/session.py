"""What every command shares: the application, faults as one clear line, output for people or scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

from liqpass.adapters.chain.contracts import DeploymentError
from liqpass.adapters.chain.errors import ChainError as SendingError
from liqpass.adapters.chain.errors import RpcUnavailableError
from liqpass.adapters.database.engine import DatabaseError
from liqpass.adapters.database.key_vault import KeyVaultError
from liqpass.bootstrap import Application
from liqpass.domain.batch_file import BatchFileError
from liqpass.domain.batching import BatchingError
from liqpass.domain.evidence import EvidenceError
from liqpass.domain.machine import IllegalTransition
from liqpass.ports import ChainError, OkxCredentials, OkxFetchError
from liqpass.private_files import shared_with_others
from liqpass.records import RecordError, StaleStateError
from liqpass.refusals import UseCaseError
from liqpass.settings import SettingsError, read_settings

EXPECTED = (
    BatchingError,
    BatchFileError,
    ChainError,
    DatabaseError,
    DeploymentError,
    EvidenceError,
    IllegalTransition,
    KeyVaultError,
    OkxFetchError,
    RecordError,
    SendingError,
    SettingsError,
    StaleStateError,
    UseCaseError,
)
Command = TypeVar("Command", bound=Callable[..., Any])


class Session:
    """The click context's object; builds the application at the first command that needs it.

    `application`: tests hand in one over fakes.
    """

    def __init__(self, application: Application | None = None) -> None:
        self._application = application

    @property
    def app(self) -> Application:
        """The application over the settings. Raises SettingsError."""
        if self._application is None:
            self._application = Application(read_settings())
        return self._application


class FaultGroup(click.Group):
    """A group whose commands end with `Error: …` and exit code 1 for every expected fault, no traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; unexpected exceptions pass through: they are bugs and want their traceback."""
        try:
            return super().invoke(ctx)
        except RpcUnavailableError as error:
            raise click.ClickException(f"{error}: is LIQPASS_RPC_URL right, and its node running?") from None
        except EXPECTED as error:
            raise click.ClickException(str(error)) from None
        except SQLAlchemyError as error:
            # Its text quotes statements with their parameters.
            raise click.ClickException(f"the database refused: {type(error).__name__}") from None
        except BrokenPipeError:  # the reader, say `head`, has enough: click ends quietly with 1
            raise
        except OSError as error:
            raise click.ClickException(f"{error.filename or 'input/output'}: {error.strerror}") from None


pass_session = click.make_pass_decorator(Session)


def json_option(command: Command) -> Command:
    """`--json`: one JSON value on standard output instead of text."""
    option = click.option(
        "--json", "as_json", is_flag=True, help="Print JSON; money as decimal strings of USDC."
    )
    return option(command)


def actor_option(command: Command) -> Command:
    """`--by NAME`: who acts, for the audit log."""
    option = click.option("--by", "actor", default="operator", show_default=True, help="Who acts: audit log.")
    return option(command)


def show_json(value: object) -> None:
    """One JSON value on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_fields(fields: Mapping[str, object]) -> None:
    """`name  value` lines; empty values are left out, nested ones indented."""
    lines = _flat(fields)
    width = max((len(name) for name, _ in lines), default=0)
    for name, value in lines:
        click.echo(f"{name:<{width}}  {value}")


def show_table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Aligned columns with a header; says so when there is nothing."""
    if not rows:
        click.echo("(none)")
        return
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(columns[i]), *(len(line[i]) for line in cells)) for i in range(len(columns))]
    for line in ([*columns], *cells):
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def read_credentials(path: str) -> OkxCredentials:
    """OKX credentials, JSON {apiKey, secret, passphrase, demo?}, from a 0600 file or `-`: stdin."""
    if path == "-":
        text = click.get_text_stream("stdin").read()
    else:
        file = Path(path)
        if fault := shared_with_others(file):
            raise click.ClickException(fault)
        text = file.read_text("utf-8", errors="replace")
    try:
        value = json.loads(text)
        api_key, secret, passphrase = (value[name] for name in ("apiKey", "secret", "passphrase"))
        demo = value.get("demo", False)
    except (ValueError, TypeError, KeyError, AttributeError):
        api_key = secret = passphrase = demo = None
    texts = (api_key, secret, passphrase)
    if not all(isinstance(text, str) for text in texts) or not isinstance(demo, bool):
        raise click.ClickException(
            'credentials must be a JSON object: {"apiKey": "…", "secret": "…", "passphrase": "…"}'
        ) from None
    return OkxCredentials(api_key, secret, passphrase, demo)


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Raises OSError before the body runs if `path` cannot be written.

    The body enters in the audit log that a file was made, which must not be said of one that never was.
    What is there is left as it is; a new file goes away again if the body fails.
    """
    created = not path.exists()
    path.open("ab").close()
    try:
        yield
    except BaseException:
        if created:
            path.unlink(missing_ok=True)
        raise


def _flat(fields: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            lines += _flat(value, f"{prefix}{name}.")
        elif value not in (None, "", []):
            lines.append((prefix + name, _cell(value)))
    return lines


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    return json.dumps(value) if isinstance(value, dict) else str(value)
