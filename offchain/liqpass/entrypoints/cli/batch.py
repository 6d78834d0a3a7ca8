"""`liqpass batch`: the day's payouts, from approved claims to the exported file."""

from __future__ import annotations

from pathlib import Path

import click

from liqpass.entrypoints.answers import batch_answer, claim_answer, plan_answer
from liqpass.entrypoints.cli.session import (
    Session,
    actor_option,
    json_option,
    pass_session,
    show_fields,
    show_json,
    show_table,
    writable,
)
from liqpass.payouts import Built, Draft


@click.group()
def batch() -> None:
    """One batch a day: build, export for the approver and the payer, release what was held.

    A batch's id is its UTC date YYYYMMDD. Amounts are USDC.
    """


@batch.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be in it.")
@actor_option
@json_option
@pass_session
def build(session: Session, dry_run: bool, actor: str, as_json: bool) -> None:
    """Freeze today's batch: claims approved before the cut-off, by approval time, up to the daily cap.

    What approver and payer would refuse is found out first and left out, with the reasons. Such a claim stays
    APPROVED and is tried again tomorrow, unless you `liqpass claims reject` or `reopen` it.
    """
    building = session.app.use_cases.building
    made: Draft | Built = building.plan() if dry_run else building.build(actor=actor)
    answer = plan_answer(made)
    if as_json:
        show_json(answer)
        return
    show_fields({name: answer[name] for name in ("batchId", "cutOff", "totalUsdc", "payoutRoot")})
    for title in ("payouts", "carriedOverAboveCap", "carriedOverAfterCutOff", "aboveDailyCap"):
        click.echo(f"\n{title}:")
        show_table(answer[title], ("policyNo", "amountUsdc", "claimId"))
    click.echo("\nleftOut (the signers would refuse them):")
    show_table(answer["leftOut"], ("policyNo", "amountUsdc", "claimId", "reasons", "messages"))


@batch.command("list")
@json_option
@pass_session
def list_batches(session: Session, as_json: bool) -> None:
    """List batches, newest first."""
    rows = [batch_answer(each) for each in session.app.use_cases.building.listed()]
    show_json(rows) if as_json else show_table(rows, ("batchId", "state", "totalUsdc", "payoutRoot"))


@batch.command()
@click.argument("batch_id", type=int)
@json_option
@pass_session
def show(session: Session, batch_id: int, as_json: bool) -> None:
    """Show a batch and its payouts."""
    answer = batch_answer(*session.app.use_cases.building.show(batch_id))
    if as_json:
        show_json(answer)
        return
    payouts = answer.pop("payouts")
    show_fields(answer)
    click.echo()
    show_table(payouts, ("policyNo", "recipient", "amountUsdc", "outcome", "claimId"))


@batch.command()
@click.argument("batch_id", type=int)
@click.option("--out", type=click.Path(path_type=Path), help="File; default batch-<id>.json in this folder.")
@actor_option
@pass_session
def export(session: Session, batch_id: int, out: Path | None, actor: str) -> None:
    """Write batch-YYYYMMDD.json with every bundle: what the approver and the payer check and sign."""
    target = out or Path(f"batch-{batch_id}.json")
    with writable(target):
        data = session.app.use_cases.exporting.batch_file(batch_id, actor=actor)
        target.write_bytes(data)
    click.echo(f"wrote {target} ({len(data)} bytes)")
    anchor, _ = session.app.controlling.verify_audit(None)
    click.echo(f"audit anchor {anchor.count}:{anchor.head}")


@batch.command("held-message")
@click.argument("claim_id")
@click.option("--recipient", required=True, help="The buyer's other address, 0x….")
@pass_session
def held_message(session: Session, claim_id: str, recipient: str) -> None:
    """Print the text that the buyer signs (EIP-191) to be paid at another address."""
    click.echo(session.app.use_cases.releasing.message(claim_id, recipient))


@batch.command("release-held")
@click.argument("claim_id")
@click.option("--reason", help="Try the same address again, and why.")
@click.option("--recipient", help="Or the buyer's other address, 0x….")
@click.option("--signature", help="The buyer's signature of `held-message`, 0x….")
@actor_option
@json_option
@pass_session
def release_held(
    session: Session,
    *,
    claim_id: str,
    reason: str | None,
    recipient: str | None,
    signature: str | None,
    actor: str,
    as_json: bool,
) -> None:
    """Let a payout that USDC refused into a later batch."""
    releasing = session.app.use_cases.releasing
    if reason is not None and recipient is None and signature is None:
        claim = releasing.release(claim_id, actor=actor, reason=reason)
    elif reason is None and recipient is not None and signature is not None:
        claim = releasing.redirect(claim_id, actor=actor, recipient=recipient, signature=signature)
    else:
        raise click.UsageError("give either --reason, or --recipient with --signature")
    answer = claim_answer(claim)
    show_json(answer) if as_json else show_fields(answer)
