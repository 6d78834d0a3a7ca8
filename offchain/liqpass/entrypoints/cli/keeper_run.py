"""What every `liqpass keeper` shares: options, blocks, rounds that are tried again, an end by signals."""

from __future__ import annotations

import functools
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
import tenacity

from liqpass.adapters.chain.errors import ChainError as SendingError
from liqpass.adapters.chain.errors import RpcError
from liqpass.adapters.chain.events import ROUTINE, Event, EventKind
from liqpass.adapters.chain.keyfile import read_keyfile
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Rpc
from liqpass.adapters.chain.settled_blocks import SettledBlocks
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.domain.identifiers import IdentifierError, parse_address
from liqpass.entrypoints.cli.sending_options import journal_option, max_fee_option
from liqpass.ports import ChainError as ReadingError
from liqpass.settings import Settings

log = logging.getLogger("liqpass.keeper")
NOBODY = "0x" + "0" * 40  # for whom a dry run simulates
_ROUNDS_TRIED = 5  # by --once, where the node gives no answer
_LONGEST_WAIT_S = 60
_QUIET = ROUTINE - {EventKind.CONFIRMED}


class Round(Protocol):
    """What a round did, told as text."""

    watched: int

    @property
    def is_busy(self) -> bool:
        """Whether anything was due or done."""
        ...


Done = TypeVar("Done", bound=Round)


class Account(click.ParamType):
    """An address of any capitals, to lower case."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return parse_address(value)
        except IdentifierError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, slots=True)
class Run:
    """Who pays gas, how often, with which journal."""

    keyfile: Path | None
    once: bool
    interval_s: float
    margin_s: int
    journal: Path | None
    max_fee_gwei: float
    dry_run: bool

    def policy(self, settings: Settings) -> Policy:
        """How to send; without the limit of the fee on a local chain."""
        return Policy.of(self.max_fee_gwei, live=not settings.is_local)

    def signer(self, settings: Settings) -> LocalSigner:
        """The account that pays gas.

        Raises click.UsageError without a keyfile, SigningError, SettingsError.
        """
        if self.keyfile is None:
            raise click.UsageError(
                "name the account that pays gas: --keyfile FILE; without it this command only looks (--help)"
            )
        return LocalSigner(read_keyfile(self.keyfile, settings.keeper_secret()))

    def journal_folder(self, settings: Settings) -> Path:
        """Where the journals are."""
        return self.journal or settings.journals

    def rounds(self, run: Callable[[], Done], end: Callable[[Done], None]) -> None:
        """Round after round; or one, whose result goes to `end`."""
        if self.once:
            end(_one_round(run))
        else:
            _go_on(run, self.interval_s)


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every keeper has; they come to the command as one `run`."""
    once = click.option(
        "--once", is_flag=True, help="End after one round; exit code 1 if something due was not done."
    )
    dry_run = click.option(
        "--dry-run", is_flag=True, help="One round that shows and simulates and sends nothing; no key."
    )
    return once(dry_run(gas_options(command)))


def gas_options(command: Callable[..., None]) -> Callable[..., None]:
    """Those of them that say who pays gas, and how; `run.once` and `run.dry_run` are False."""
    options = [
        click.option(
            "--keyfile",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Encrypted keyfile of the account that pays gas, mode 0600; ape's are "
            "~/.ape/accounts/ALIAS.json.",
        ),
        click.option(
            "--interval",
            "interval_s",
            type=click.FloatRange(0.1, 3600),
            default=5,
            show_default=True,
            help="Seconds between two rounds.",
        ),
        click.option(
            "--margin",
            "margin_s",
            type=click.IntRange(0, 86_400),
            default=10,
            show_default=True,
            help="Seconds to wait after a deadline: a reorganisation must not bring it back.",
        ),
        journal_option,
        max_fee_option,
    ]

    @functools.wraps(command)
    def with_run(*arguments: Any, **named: Any) -> None:
        run = Run(**{name: named.pop(name, False) for name in Run.__slots__})
        command(*arguments, run=run, **named)

    for option in reversed(options):
        with_run = option(with_run)
    return with_run


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


def settled_blocks(settings: Settings, rpc: Rpc, first_block: int) -> SettledBlocks:
    """The chain's blocks for one watch; the log tells how far it has read."""
    return SettledBlocks(
        rpc,
        first_block=first_block,
        settled="latest" if settings.is_local else "safe",
        progress=lambda block, last: log.info("read block=%d of=%d", block, last),
    )


def say(event: Event) -> None:
    """A line in the log for what is out of the ordinary, and for what is confirmed."""
    if event.kind not in _QUIET:
        log.info("%s key=%s tx=%s %s", event.kind.value, event.key, event.tx_hash or "-", event.text)


def _one_round(run: Callable[[], Done]) -> Done:
    """One round; tried again a few times where the node gives no answer."""
    stop = tenacity.stop_after_attempt(_ROUNDS_TRIED)
    done = _tried(run, stop=stop, faults=(RpcError, ReadingError))
    log.info("round %s", done)
    return done


def _go_on(run: Callable[[], Round], interval_s: float) -> None:
    """Round after round, for ever; told where something was due or has changed."""
    watched = None
    while True:
        # Whatever fails now may work in a minute: a node, gas, ether, another program on the same account.
        done = _tried(run, stop=tenacity.stop_never, faults=(SendingError, ReadingError))
        if done.is_busy or done.watched != watched:
            log.info("round %s", done)
        watched = done.watched
        time.sleep(interval_s)


def _tried(
    run: Callable[[], Done], *, stop: tenacity.stop.stop_base, faults: tuple[type[Exception], ...]
) -> Done:
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
