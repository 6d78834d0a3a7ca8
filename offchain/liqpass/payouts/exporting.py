"""The exported batch file: everything the approver and the payer need beside the chain."""

from __future__ import annotations

from liqpass.domain.batch_file import BatchFile, ChainPayment, ManualPayment, Redirect, Review
from liqpass.domain.batch_file import BatchItem as FileItem
from liqpass.domain.batch_json import write_batch_file
from liqpass.domain.canonical import sha256_hex
from liqpass.domain.eligibility import decide
from liqpass.domain.evidence import parse_bundle
from liqpass.domain.identifiers import format_bytes32, parse_bytes32
from liqpass.domain.merkle import PayoutTree
from liqpass.domain.money import Usdc, format_usdc, usdc
from liqpass.domain.parameters import Parameters
from liqpass.lookups import existing_batch, existing_claim, existing_order, parameters_of
from liqpass.payouts.building import payouts_of
from liqpass.ports import Clock, Store, UnitOfWork
from liqpass.records import Act, BatchItem, Claim, Order, RecordError, Site
from liqpass.refusals import ConflictError

PROOF_SCHEMA = "liqpass.proof/1"


class Exporting:
    """Writes what leaves the service; each export is in the audit log with its hash."""

    def __init__(self, store: Store, clock: Clock, site: Site) -> None:
        self._store = store
        self._clock = clock
        self._site = site

    def batch_file(self, batch_id: int, *, actor: str) -> bytes:
        """`batch-YYYYMMDD.json` with its bundles. Raises NotFoundError."""
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            batch = existing_batch(unit, batch_id)
            parameters: dict[str, Parameters] = {}
            items = [_file_item(unit, item, parameters) for item in unit.batches.items(batch_id)]
            file = BatchFile.build(
                batch_id=batch.id,
                chain_id=batch.chain_id,
                vault=batch.vault,
                checkout=self._site.checkout,
                created_at_ms=batch.built_at_ms,
                parameters=list(parameters.values()),
                items=items,
            )
            if format_bytes32(file.payout_root) != batch.payout_root:
                raise ConflictError(f"the rows of batch {batch_id} no longer give its payout root")
            data = write_batch_file(file)
            details = {"sha256": sha256_hex(data), "root": batch.payout_root}
            unit.controls.note(f"batch/{batch.id}", Act(actor, "BATCH_EXPORTED", now_ms, details))
        return data

    def proof(self, claim_id: str) -> dict[str, object]:
        """Leaf and Merkle proof of a claim in its batch, schema `liqpass.proof/1`.

        Raises NotFoundError, ConflictError for a claim that is in no batch.
        """
        with self._store.read() as unit:
            claim = existing_claim(unit, claim_id)
            if claim.batch_id is None:
                raise ConflictError(f"claim {claim_id} is {claim.state} and in no batch")
            batch = existing_batch(unit, claim.batch_id)
            items = unit.batches.items(batch.id)
        index = next(index for index, item in enumerate(items) if item.claim_id == claim_id)
        tree = PayoutTree.of(payouts_of(batch, items))
        item = items[index]
        return {
            "schema": PROOF_SCHEMA,
            "chainId": str(batch.chain_id),
            "vault": batch.vault,
            "batchId": str(batch.id),
            "policyNo": str(item.policy_no),
            "recipient": item.recipient,
            "amount": str(item.amount),
            "amountUsdc": format_usdc(usdc(item.amount)),
            "evidenceHash": item.evidence_hash,
            "payoutRoot": batch.payout_root,
            "proof": [format_bytes32(node) for node in tree.proof(index)],
        }


def _file_item(unit: UnitOfWork, item: BatchItem, parameters: dict[str, Parameters]) -> FileItem:
    claim = existing_claim(unit, item.claim_id)
    order = existing_order(unit, claim.order_id)
    sold_under = parameters_of(unit, order)
    parameters[sold_under.params_version] = sold_under
    if claim.bundle is None or order.window is None:
        raise RecordError(f"claim {claim.id} is batched without evidence")
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
        decision=decide(bundle, order.window, order.bound().subject, sold_under),
        review=_review(unit, claim),
        payment=_payment(order),
        redirect=None
        if claim.redirect_signature is None
        else Redirect(item.recipient, claim.redirect_signature),
    )


def _review(unit: UnitOfWork, claim: Claim) -> Review:
    words = [
        word
        for word in unit.claims.reviews_of(claim.id)
        if (word.evidence_hash, word.decision) == (claim.evidence_hash, "APPROVE")
    ]
    if not words or claim.approved_at_ms is None:
        raise RecordError(f"claim {claim.id} is batched without a review")
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
