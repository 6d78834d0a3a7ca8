"""`liqpass x402 pay`: one paid HTTP request that a bond covers, and its receipt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from eth_account.signers.local import LocalAccount

from liqpass.adapters.chain.errors import ChainError as SendingError
from liqpass.adapters.chain.keyfile import read_keyfile
from liqpass.adapters.x402.receipts import Receipts
from liqpass.adapters.x402.trusted_contract import TrustedContract
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.x402.bond import MAX_TIMEOUT_MINUTES
from liqpass.domain.x402.guarding import USUAL_MAX_TIMEOUT_MINUTES, Limits
from liqpass.domain.x402.insurance import X402Error
from liqpass.domain.x402.insured_settlement import PaymentRefusedError
from liqpass.domain.x402.receipts import Receipt, ReceiptState, receipt_state
from liqpass.entrypoints.answers import iso
from liqpass.entrypoints.cli.http_request import Url, check_transport, read_body, read_headers
from liqpass.entrypoints.cli.keeper_run import Account
from liqpass.entrypoints.cli.order import UsdcAmount
from liqpass.entrypoints.cli.session import Session, pass_session, show_table
from liqpass.entrypoints.logs import log_to_stderr
from liqpass.ports import ChainError as ReadingError
from liqpass.settings import Settings

if TYPE_CHECKING:
    from x402 import x402ClientSync
    from x402.schemas import PaymentRequired, PaymentRequirements

    from liqpass.adapters.x402.payer import Payer, Request, Verdict

SIGNED = 3  # exit code: a payment left, and what it was for did not come
_COLUMNS = ("baseUnits", "payTo", "network", "flow", "verdict")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_GOOD = 400  # answers below it


@click.command()
@click.argument("url", type=Url())
@click.option(
    "--method",
    "-X",
    type=click.Choice(_METHODS, case_sensitive=False),
    help="Of the request.  [default: GET, with --data POST]",
)
@click.option(
    "--header",
    "-H",
    "headers",
    multiple=True,
    help="`Name: value`, or @FILE with one a line: for secrets. May be repeated.",
)
@click.option("--data", "-d", help="Body of the request, or @FILE, @- for standard input.")
@click.option(
    "--keyfile",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Encrypted keyfile of the account whose USDC pays, mode 0600. It needs no ether.",
)
@click.option("--max", "most", type=UsdcAmount(), required=True, help="Most USDC to pay, such as 0.10.")
@click.option(
    "--provider",
    "providers",
    type=Account(),
    multiple=True,
    help="Pay only this provider; may be repeated.  [default: whoever the offer names]",
)
@click.option(
    "--max-timeout",
    "max_timeout_minutes",
    type=click.IntRange(1, MAX_TIMEOUT_MINUTES),
    default=USUAL_MAX_TIMEOUT_MINUTES,
    show_default=True,
    help="Most minutes until what is not served can be claimed.",
)
@click.option(
    "--receipts",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the receipt goes.  [default: LIQPASS_RECEIPTS, else ~/.liqpass/receipts.db]",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds without a byte of an answer after which it is given up.",
)
@click.option("--dry-run", is_flag=True, help="Show the offer and what the guard says; sign nothing; no key.")
@pass_session
def pay(  # noqa: PLR0917 - click passes options by name
    session: Session,
    url: str,
    method: str | None,
    headers: tuple[str, ...],
    data: str | None,
    keyfile: Path | None,
    most: Usdc,
    providers: tuple[str, ...],
    max_timeout_minutes: int,
    receipts: Path | None,
    timeout_s: float,
    dry_run: bool,
) -> None:
    """Ask URL, pay what it asks if a bond covers the payment, print the answer's body.

    The bond must be one of the contract in the deployment record, on the node of the settings, and the
    account must hold the USDC: nothing is signed otherwise. A receipt is kept before the payment leaves:
    without an answer too, `liqpass x402 claims` tells what became of it and brings the money back. What was
    paid is told on standard error. The keyfile's passphrase comes from LIQPASS_CLIENT_PASSPHRASE or
    LIQPASS_CLIENT_PASSPHRASE_FILE. No redirect is followed, and no proxy used but for https://. A terminal
    gets the body without control characters.

    Exit code 0: answered well, paid or free. 1: not paid. 2: usage. 3: a payment was signed and sent, and no
    good answer came; the receipt is kept.

    \b
    liqpass x402 pay https://api.example/work --max 0.10 --keyfile client.json
    liqpass x402 pay https://api.example/work --max 0.10 --dry-run
    """
    # A second that no other command needs to wait for.
    from liqpass.adapters.x402.guard import Guard  # noqa: PLC0415
    from liqpass.adapters.x402.payer import PAYMENT_REQUIRED, Request, verdicts  # noqa: PLC0415
    from liqpass.x402.client import trusted_contract  # noqa: PLC0415

    app = session.app
    log_to_stderr()
    check_transport(url, app.settings)
    body = None if data is None else read_body(data)
    request = Request(method or ("GET" if body is None else "POST"), url, read_headers(headers), body)
    account = None if dry_run else _account(app.settings, keyfile)
    with _payer(account, timeout_s) as (client, payer), _not_paid():
        first = payer.ask(request)
        if first.status_code != PAYMENT_REQUIRED:
            _show_body(payer.body(first))
            if first.status_code >= _GOOD:
                raise click.ClickException(f"it answers {first.status_code}; nothing was paid")
            click.echo("nothing was asked, nothing was paid", err=True)
            return
        required = payer.offer(first)
        trusted = trusted_contract(app)
        with Receipts.open(receipts or app.settings.receipts_path()) as store:
            guard = Guard(trusted, Limits(most, frozenset(providers), max_timeout_minutes), store)
            guard.install(client)
            found = verdicts(guard, required, None if account is None else account.address.lower())
            if dry_run:
                _show_offer(found)
                return
            _pay(payer, request, required, _chosen(found).option, trusted=trusted, store=store)


@contextmanager
def _payer(account: LocalAccount | None, timeout_s: float) -> Iterator[tuple[x402ClientSync, Payer]]:
    """Over HTTP; it cannot sign without an account."""
    import httpx  # noqa: PLC0415
    from x402 import x402ClientSync  # noqa: PLC0415
    from x402.mechanisms.evm.exact import register_exact_evm_client  # noqa: PLC0415
    from x402.mechanisms.evm.signers import EthAccountSigner  # noqa: PLC0415

    from liqpass.adapters.x402.payer import Payer  # noqa: PLC0415

    client = x402ClientSync()
    client.set_spend_controls(False)  # the guard's are narrower
    if account is not None:
        register_exact_evm_client(client, EthAccountSigner(account))
    # What is not encrypted goes to this machine, or on a local chain: past any proxy of the environment's.
    with httpx.Client(follow_redirects=False, timeout=timeout_s, mounts={"http://": None}) as http:
        yield client, Payer(http, client)


@contextmanager
def _not_paid() -> Iterator[None]:
    """Each refusal, with nothing sent, as exit code 1."""
    from x402.schemas.errors import PaymentError  # noqa: PLC0415

    try:
        yield
    except (X402Error, PaymentError) as error:
        raise click.ClickException(f"not paid: {error}") from None


def _pay(
    payer: Payer,
    request: Request,
    required: PaymentRequired,
    option: PaymentRequirements,
    *,
    trusted: TrustedContract,
    store: Receipts,
) -> None:
    """Ends the command with SIGNED where a payment left and no good answer came."""
    from liqpass.adapters.x402.payer import LostAnswerError  # noqa: PLC0415

    try:
        paid = payer.pay(request, required, option)
    except LostAnswerError as lost:
        click.echo(f"Error: a payment was signed and sent, and no answer came: {lost}", err=True)
        _tell(store.signed(lost.client, lost.nonce), trusted)
        _fail()
        return
    broken = None
    try:
        _show_body(paid.body())
    except (LostAnswerError, KeyboardInterrupt) as lost:
        broken = str(lost) or type(lost).__name__
    finally:  # whether or not anybody reads the body
        _tell(store.signed(paid.client, paid.nonce), trusted)
    if broken is not None:
        click.echo(f"Error: a payment was signed and sent, and the answer broke off: {broken}", err=True)
        _fail()
    if not paid.response.is_success:
        why = payer.refusal(paid.response)
        answer = f"{paid.response.status_code}: {why}" if why else str(paid.response.status_code)
        click.echo(f"Error: a payment was signed and sent, and the answer is {answer}", err=True)
        _fail()


def _fail() -> None:
    click.echo(
        "the receipt is kept: `liqpass x402 claims` tells what became of it, and what is locked and not "
        "confirmed by its deadline `liqpass x402 claims --claim --keyfile FILE` pays back",
        err=True,
    )
    click.get_current_context().exit(SIGNED)


def _tell(receipt: Receipt | None, trusted: TrustedContract) -> None:
    """What was paid, by the chain's word, on standard error."""
    if receipt is None:
        raise click.ClickException("the receipt of this payment is not in the store any more")
    commitment = format_bytes32(receipt.commitment)
    who = f"{format_usdc(receipt.amount)} USDC to provider {checksum_address(receipt.provider)}"
    try:
        standing = trusted.standing(receipt, trusted.reader.head())
    except (ReadingError, SendingError) as fault:
        click.echo(
            f"signed: {who}, receipt {commitment}; whether it was taken is not known: {fault}", err=True
        )
        return
    state = receipt_state(receipt, standing)
    policy = standing.policy
    if policy is None:
        expires = iso(receipt.valid_before_s * 1000)
        words = {
            ReceiptState.STRAY: "taken WITHOUT a lock: `liqpass x402 strays` says how it comes back",
            ReceiptState.UNSETTLED: f"not taken, and may be until {expires}",
        }.get(state, state.value)
    else:
        words = f"paid and {state.value}, to be confirmed until {iso(policy.deadline_s * 1000)}"
    click.echo(f"{who}: {words}; receipt {commitment}", err=True)


def _chosen(found: Sequence[Verdict]) -> Verdict:
    """The first that may be paid. Raises the refusal, or RequestError that quotes each of several."""
    from liqpass.adapters.x402.payer import RequestError  # noqa: PLC0415

    for verdict in found:
        if not isinstance(verdict.said, PaymentRefusedError):
            return verdict
    reasons = [_words(verdict) for verdict in found]
    raise RequestError("; ".join(reasons) or "the offer has no option")


def _words(verdict: Verdict) -> str:
    said = verdict.said
    if isinstance(said, PaymentRefusedError):
        return f"{said.code}: {said.reason}"
    return f"{format_usdc(said.amount)} USDC, insured by {checksum_address(said.provider)}"


def _show_offer(found: Sequence[Verdict]) -> None:
    from liqpass.adapters.x402.payer import shown  # noqa: PLC0415

    rows = [
        {
            "baseUnits": shown(each.option.amount),
            "payTo": shown(each.option.pay_to),
            "network": shown(str(each.option.network)),
            "flow": shown(str((each.option.extra or {}).get("paymentFlow", "authorization"))),
            "verdict": _words(each),
        }
        for each in found
    ]
    show_table(rows, _COLUMNS)
    click.echo("dry run: nothing was signed", err=True)
    _chosen(found)


def _show_body(pieces: Iterable[bytes]) -> None:
    from liqpass.adapters.x402.payer import for_a_terminal  # noqa: PLC0415

    out = click.get_binary_stream("stdout")
    last = b"\n"
    for piece in for_a_terminal(pieces) if out.isatty() else pieces:
        out.write(piece)
        out.flush()
        last = piece or last
    if out.isatty() and not last.endswith(b"\n"):
        out.write(b"\n")  # what was paid is told in a line of its own
        out.flush()


def _account(settings: Settings, keyfile: Path | None) -> LocalAccount:
    if keyfile is None:
        raise click.UsageError("name the account that pays: --keyfile FILE, or give --dry-run")
    return read_keyfile(keyfile, settings.client_secret())
