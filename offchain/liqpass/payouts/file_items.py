"""One claim as an item of the batch file: everything that justifies its payout."""

from __future__ import annotations

from liqpass.domain.batch_file import BatchItem as FileItem
from liqpass.domain.batch_file import ChainPayment, ManualPayment, Redirect, Review
from liqpass.domain.eligibility import decide
from liqpass.domain.evidence import parse_bundle
from liqpass.domain.identifiers import parse_bytes32
from liqpass.domain.money import Usdc
from liqpass.lookups import existing_claim, existing_order, parameters_of
from liqpass.ports import UnitOfWork
from liqpass.records import BatchItem, Claim, Order, RecordError


def item_of(batch_id: int, claim: Claim) -> BatchItem:
    """The payout that an approved claim asks for. Raises RecordError where its row lacks a part."""
    if claim.recipient is None or claim.payout is None or claim.evidence_hash is None:
        raise RecordError(f"claim {claim.id} is approved without recipient, amount or evidence")
    return BatchItem(
        batch_id=batch_id,
        policy_no=claim.policy_no,
        claim_id=claim.id,
        recipient=claim.recipient,
        amount=claim.payout,
        evidence_hash=claim.evidence_hash,
    )


def file_item(unit: UnitOfWork, item: BatchItem) -> FileItem:
    """The item with its quote, evidence, decision, reviews and payment.

    Raises RecordError, EvidenceError, EvidenceIncompleteError or NotFoundError where the rows give none.
    """
    claim = existing_claim(unit, item.claim_id)
    order = existing_order(unit, claim.order_id)
    if claim.bundle is None or order.window is None:
        raise RecordError(f"claim {claim.id} is approved without evidence")
    bundle = parse_bundle(claim.bundle)
    return FileItem(
        policy_no=item.policy_no,
        order_uuid=order.id,
        claim_id=claim.id,
        recipient=item.recipient,
        amount=Usdc(item.amount),
        evidence_hash=parse_bytes32(item.evidence_hash),
        quote=order.terms(),
        binding=order.bound(),
        bundle=bundle,
        decision=decide(bundle, order.window, order.bound().subject, parameters_of(unit, order)),
        review=_review(unit, claim),
        payment=_payment(order),
        redirect=None
        if claim.redirect_signature is None
        else Redirect(item.recipient, claim.redirect_signature),
    )


def _review(unit: UnitOfWork, claim: Claim) -> Review:
    words = [word for word in claim.counting(unit.claims.reviews_of(claim.id)) if word.decision == "APPROVE"]
    if not words or claim.approved_at_ms is None:
        raise RecordError(f"claim {claim.id} is approved without a review")
    second = words[1] if len(words) > 1 else None
    reasons = [word.reason for word in words if word.reason]
    return Review(
        reviewer=words[0].reviewer,
        second_reviewer=None if second is None else second.reviewer,
        reason="; ".join(reasons) or None,
        approved_at_ms=claim.approved_at_ms,
    )


def _payment(order: Order) -> ChainPayment | ManualPayment:
    if order.payment_tx is not None:
        return ChainPayment(order.payment_tx)
    if order.paid_at_ms is None or order.manual_actor is None or order.manual_reason is None:
        raise RecordError(f"order {order.id} was never paid")
    return ManualPayment(order.paid_at_ms, order.manual_actor, order.manual_reason)
