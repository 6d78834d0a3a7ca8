"""What the vault says of a batch, and why it would not let it be approved or executed now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import click
from liqpass.domain.identifiers import checksum_address, format_bytes32
from liqpass.domain.money import Usdc, format_usdc

from scripts._batch import Case
from scripts._operator import Site


def approval_refusals(case: Case, approver: str) -> Iterator[str]:
    """What stops this account from approving, beside the file itself."""
    site, approval = case.site, case.approval
    if not site.may_call(approver, site.vault, "approveBatch"):
        yield f"{approver} may not approve: it does not hold APPROVER"
    if site.vault.functions.paused().call():
        yield "the vault is paused"
    if approval is not None and not case.is_approved and approval.paid:
        paid = format_usdc(Usdc(approval.paid))
        yield f"another root of batch {case.batch.batch_id} is partly paid ({paid} USDC)"


def execution_refusals(case: Case, payer: str) -> Iterator[str]:
    """What stops this account from paying, beside the file itself."""
    site = case.site
    if not site.may_call(payer, site.vault, "executeBatch"):
        yield f"{payer} may not pay: it does not hold PAYER"
    yield from _approval_faults(case, payer)
    if not case.open_items:
        return
    if site.vault.functions.paused().call():
        yield "the vault is paused"
    if site.usdc.functions.paused().call():
        yield "USDC is paused by its issuer"
    remaining, balance = _remaining(site), _balance(site)
    if case.due > remaining:
        yield f"{format_usdc(case.due)} USDC are due, today's cap leaves {format_usdc(remaining)}"
    if case.due > balance:
        yield f"{format_usdc(case.due)} USDC are due, the vault holds {format_usdc(balance)}"


def _approval_faults(case: Case, payer: str) -> Iterator[str]:
    batch, approval, site = case.batch, case.approval, case.site
    if approval is None:
        yield f"batch {batch.batch_id} is not approved"
        return
    root = format_bytes32(batch.payout_root)
    if approval.payout_root != root:
        yield f"the approved payout root is {approval.payout_root}, the file's is {root}"
    if approval.total != batch.total:
        approved, stated = (format_usdc(Usdc(total)) for total in (approval.total, batch.total))
        yield f"the approved total is {approved} USDC, the file's is {stated}"
    if approval.revoked:
        yield f"the approval of batch {batch.batch_id} is revoked"
    if approval.approver == payer.lower():
        yield f"{payer} approved this batch: another person must pay it"
    elif not site.may_call(checksum_address(approval.approver), site.vault, "approveBatch"):
        yield f"its approver {checksum_address(approval.approver)} holds APPROVER no longer"
    if case.head.time_s >= approval.expires_at_s:
        yield f"the approval expired at {_utc(approval.expires_at_s)}: it must be approved again"


def show_state(site: Site, batch_id: int) -> None:
    """Root, approver, total, paid, expiry; then the vault's balance, cap and pause."""
    head = site.reader.head()
    approval = site.reader.batch(batch_id, head)
    vault = site.vault.functions
    click.echo(f"batch {batch_id} in vault {site.vault.address}, block {head.number}")
    if approval is None:
        click.echo("  never approved")
    else:
        state = "revoked" if approval.revoked else "approved"
        if head.time_s >= approval.expires_at_s:
            state += ", expired"
        fields = {
            "state": state,
            "payout root": approval.payout_root,
            "approver": checksum_address(approval.approver),
            "total": f"{format_usdc(Usdc(approval.total))} USDC",
            "paid": f"{format_usdc(Usdc(approval.paid))} USDC",
            "expires": _utc(approval.expires_at_s),
        }
        for name, value in fields.items():
            click.echo(f"  {name:<12} {value}")
        for log in site.reader.payout_logs(batch_id, head.number):
            outcome = "refused" if log.failed else "paid"
            amount = format_usdc(Usdc(log.amount))
            recipient = checksum_address(log.recipient)
            click.echo(f"  policy {log.policy_no}: {outcome} {amount} USDC to {recipient} in {log.tx_hash}")
    click.echo(
        f"vault holds {format_usdc(_balance(site))} USDC, of at most {_money(vault.hotWalletMax().call())}"
    )
    click.echo(
        f"left today  {format_usdc(_remaining(site))} USDC, of a cap of {_money(vault.dailyCap().call())}"
    )
    click.echo(f"paused      {'yes' if vault.paused().call() else 'no'}")


def _remaining(site: Site) -> Usdc:
    return Usdc(int(site.vault.functions.remainingToday().call()))


def _balance(site: Site) -> Usdc:
    return Usdc(int(site.usdc.functions.balanceOf(site.vault.address).call()))


def _money(base_units: int) -> str:
    return format_usdc(Usdc(int(base_units)))


def _utc(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
