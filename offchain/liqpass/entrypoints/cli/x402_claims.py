"""`liqpass x402 claims`: what a client has paid, what has become of it, its money back where it is due."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import click

from liqpass.adapters.chain.claim_sender import ClaimSender
from liqpass.adapters.chain.policy import TX_GAS_LIMIT
from liqpass.adapters.chain.rpc import BlockId
from liqpass.adapters.chain.stray_reader import StrayReader
from liqpass.adapters.x402.receipts import Receipts
from liqpass.adapters.x402.trusted_contract import TrustedContract
from liqpass.bootstrap import Application
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.money import format_usdc, usdc
from liqpass.domain.x402.claiming import claims_per_transaction
from liqpass.domain.x402.receipts import Receipt, ReceiptState, Standing, disagreements
from liqpass.entrypoints.answers import iso
from liqpass.entrypoints.claim_keeper import ClaimKeeper
from liqpass.entrypoints.cli.keeper import tell_end
from liqpass.entrypoints.cli.keeper_run import Run, ended_by_signals, gas_options, say
from liqpass.entrypoints.cli.session import Session, json_option, pass_session, show_json, show_table
from liqpass.entrypoints.logs import log_to_stderr
from liqpass.entrypoints.receipt_claims import DueReceipts, states

_COLUMNS = ("state", "until", "usdc", "provider", "signed", "for", "commitment")
_MOST = 100  # claims a transaction
_LAST_TIME_S = 2**37  # of what can be written as a date
_UNTIL = (ReceiptState.LOCKED, ReceiptState.DUE)


@click.command()
@click.option(
    "--receipts",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The receipts, anybody's.  [default: LIQPASS_RECEIPTS, else ~/.liqpass/receipts.db]",
)
@click.option("--claim", is_flag=True, help="Claim what is due, once; exit code 1 if some of it was not.")
@click.option("--watch", is_flag=True, help="Claim whatever comes due, until Ctrl-C or SIGTERM.")
@gas_options
@json_option
@pass_session
def claims(  # noqa: PLR0917 - click passes options by name
    session: Session, receipts: Path | None, claim: bool, watch: bool, as_json: bool, run: Run
) -> None:
    """List what was paid, with what the chain says has become of it; claim what is due.

    unsettled: signed, not taken; may be until the signature expires. expired: never taken. locked: the bond
    covers it until then. due: anyone may claim it. confirmed, refunded, claimed: its end. stray: USDC took
    the signature without a lock: `liqpass x402 strays`. cancelled: the client cancelled it at USDC.

    To claim, the keyfile's account pays gas; the money goes to the clients, whoever sends. Its passphrase
    comes from LIQPASS_KEEPER_PASSPHRASE or LIQPASS_KEEPER_PASSPHRASE_FILE.

    \b
    liqpass x402 claims
    liqpass x402 claims --claim --keyfile gas.json
    liqpass x402 claims --watch --keyfile gas.json
    """
    app = session.app
    if as_json and (claim or watch):
        raise click.UsageError("--json lists; it does not go with --claim or --watch")
    path = receipts or app.settings.receipts_path()
    if not path.exists():
        raise click.ClickException(
            f"no receipts at {path}: nothing was paid with it; --receipts or LIQPASS_RECEIPTS names another"
        )
    with ended_by_signals(), Receipts.open(path) as store:
        trusted = TrustedContract.open(app.rpc, app.bonds, app.insurance)
        if others := store.of_others(trusted.insurance):
            click.echo(
                f"Warning: {others} receipts are of another contract or chain than LIQPASS_DEPLOYMENT and "
                "LIQPASS_CHAIN_ID say: not looked at here",
                err=True,
            )
        if claim or watch:
            _claim(app, trusted, store, replace(run, once=not watch))
        else:
            strays = StrayReader(
                app.web3, trusted.insurance, trusted.usdc, first_block=trusted.deployed.first_block
            )
            _list(trusted, store, strays, as_json=as_json)


def _claim(app: Application, trusted: TrustedContract, store: Receipts, run: Run) -> None:
    log_to_stderr()
    policy, signer = run.policy(app.settings), run.signer(app.settings)
    settled: BlockId = "latest" if app.settings.is_local else "safe"
    with ClaimSender.open(
        trusted.rpc,
        signer,
        policy,
        reader=trusted.reader,
        insurance=trusted.insurance,
        journal_folder=run.journal_folder(app.settings),
        on_event=say,
    ) as sender:
        contract = checksum_address(trusted.insurance.contract)
        click.echo(f"claiming from {contract} on chain {app.settings.chain_id} as {signer.address}")
        most = claims_per_transaction(_MOST, TX_GAS_LIMIT * 10_000 // (10_000 + policy.gas_margin_bps))
        due = DueReceipts(store, trusted, margin_s=run.margin_s, settled=settled)
        run.rounds(ClaimKeeper(due, sender, most=most).round, tell_end)


def _list(trusted: TrustedContract, store: Receipts, strays: StrayReader, *, as_json: bool) -> None:
    at = trusted.reader.head()
    found = states(store, trusted, strays, at)
    if as_json:
        answers = [_answer(*each) for each in found]
        show_json({"block": at.number, "time": iso(at.time_s * 1000), "receipts": answers})
        return
    show_table([_row(*each) for each in found], _COLUMNS)
    for receipt, standing, _ in found:
        for difference in disagreements(receipt, standing):
            click.echo(f"Warning: {format_bytes32(receipt.commitment)}: {difference}", err=True)
    counted = Counter(state for _, _, state in found)
    if counted[ReceiptState.DUE]:
        due = usdc(sum(receipt.amount for receipt, _, state in found if state is ReceiptState.DUE))
        click.echo(
            f"{counted[ReceiptState.DUE]} due, {format_usdc(due)} USDC: "
            "`liqpass x402 claims --claim --keyfile FILE` pays them back; anyone may",
            err=True,
        )
    if counted[ReceiptState.STRAY]:
        click.echo(
            f"{counted[ReceiptState.STRAY]} stray: paid without a lock; "
            "`liqpass x402 strays` says how they come back",
            err=True,
        )


def _row(receipt: Receipt, standing: Standing, state: ReceiptState) -> dict[str, object]:
    return {
        "state": state.value,
        "until": _until(receipt, standing, state),
        "usdc": format_usdc(receipt.amount),
        "provider": checksum_address(receipt.provider),
        "signed": _time(receipt.signed_at_s),
        "for": _printable(receipt.url) or None,
        "commitment": format_bytes32(receipt.commitment),
    }


def _answer(receipt: Receipt, standing: Standing, state: ReceiptState) -> dict[str, object]:
    answer, policy = receipt.answer, standing.policy
    transaction = None if answer is None or answer.transaction is None else format_bytes32(answer.transaction)
    return {
        "commitment": format_bytes32(receipt.commitment),
        "state": state.value,
        "amountUsdc": format_usdc(receipt.amount),
        "provider": checksum_address(receipt.provider),
        "client": checksum_address(receipt.client),
        "contract": checksum_address(receipt.insurance.contract),
        "chainId": receipt.insurance.chain_id,
        "nonce": format_bytes32(receipt.nonce),
        "signedAt": _time(receipt.signed_at_s),
        "validBefore": _time(receipt.valid_before_s),
        "deadline": None if policy is None else _time(policy.deadline_s),
        "for": _printable(receipt.url),
        "answered": answer is not None,
        "saidSettled": answer is not None and answer.settled,
        "saidTransaction": transaction,
        "differences": list(disagreements(receipt, standing)),
    }


def _until(receipt: Receipt, standing: Standing, state: ReceiptState) -> str | None:
    """The deadline of a lock, or when a signature that was not used expires."""
    if standing.policy is not None and state in _UNTIL:
        return _time(standing.policy.deadline_s)
    return _time(receipt.valid_before_s) if state is ReceiptState.UNSETTLED else None


def _time(time_s: int) -> str | None:
    """A receipt may be anybody's and hold anything."""
    return iso(time_s * 1000) if 0 <= time_s < _LAST_TIME_S else str(time_s)


def _printable(text: str) -> str:
    return "".join(each for each in text if each.isprintable())
