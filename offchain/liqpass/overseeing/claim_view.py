"""One claim with everything that a reviewer looks at before deciding."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from liqpass.claims import Replaying
from liqpass.domain.audit import AuditEntry
from liqpass.domain.evidence import EvidenceError
from liqpass.domain.okx_pages import EvidenceIncompleteError
from liqpass.domain.parameters import Parameters
from liqpass.lookups import existing_claim, existing_order, parameters_of
from liqpass.ports import UnitOfWork
from liqpass.records import Batch, BatchItem, Claim, OkxResponse, Order, PaidOut, Review

BINDING = 0  # the attempt under which the answer read at binding is kept, with the order


@dataclass(frozen=True, slots=True)
class RawResponse:
    """One answer of OKX: both clocks, the hash of its exact bytes, and the bytes as text for people."""

    method: str
    path: str
    http_status: int
    requested_at_ms: int
    received_at_ms: int
    sha256: str
    body: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """Whether deciding again from the stored bytes gives the stored decision; `fault`: it cannot be done."""

    differences: tuple[str, ...]
    fault: str | None

    @property
    def agrees(self) -> bool:
        """The same decision from the same bytes."""
        return not self.differences and self.fault is None


@dataclass(frozen=True, slots=True)
class ClaimView:
    """`attempts`: number and answers, 0 at binding. `history`: the audit log's of claim and order, in order.
    `replayed` None: no evidence yet. `other_orders`, `other_claims`: of the same wallet or OKX person."""

    claim: Claim
    order: Order
    parameters: Parameters
    reviews: tuple[Review, ...]
    attempts: tuple[tuple[int, tuple[RawResponse, ...]], ...]
    history: tuple[AuditEntry, ...]
    replayed: Replayed | None
    batch: Batch | None
    item: BatchItem | None
    payout: PaidOut | None
    other_orders: int
    other_claims: int


def read_claim(unit: UnitOfWork, claim_id: str, replayed: Replayed | None) -> ClaimView:
    """Everything about a claim but its replay, which is handed in. Raises NotFoundError."""
    claim = existing_claim(unit, claim_id)
    order = existing_order(unit, claim.order_id)
    person = unit.orders.of_person(buyer=order.buyer, main_uid_hmac=order.main_uid_hmac or "")
    others = [each.id for each in person if each.id != order.id]
    batch = None if claim.batch_id is None else unit.batches.get(claim.batch_id)
    items = [] if batch is None else unit.batches.items(batch.id)
    payout = unit.batches.payout_of(claim.policy_no)
    return ClaimView(
        claim=claim,
        order=order,
        parameters=parameters_of(unit, order),
        reviews=tuple(unit.claims.reviews_of(claim.id)),
        attempts=(
            (BINDING, _raw(unit.claims.responses(order.id, BINDING))),
            *(
                (attempt, _raw(unit.claims.responses(claim.id, attempt)))
                for attempt in range(1, claim.attempt + 1)
            ),
        ),
        history=_history(unit, f"order/{order.id}", f"claim/{claim.id}"),
        replayed=replayed,
        batch=batch,
        item=next((item for item in items if item.claim_id == claim.id), None),
        payout=payout if payout is not None and payout.claim_id == claim.id else None,
        other_orders=len(others),
        other_claims=len(unit.figures.claims_found(order_ids=others)),
    )


def replay(replaying: Replaying, claim: Claim) -> Replayed | None:
    """Decide the claim again; None where it has no evidence."""
    if claim.bundle is None:
        return None
    try:
        return Replayed(replaying.replay(claim.id).differences, None)
    except (EvidenceError, EvidenceIncompleteError) as error:
        return Replayed((), str(error))


def _history(unit: UnitOfWork, *subjects: str) -> tuple[AuditEntry, ...]:
    found = [entry for subject in subjects for entry in unit.audit.entries(subject=subject)]
    return tuple(sorted(found, key=lambda entry: entry.seq))


def _raw(responses: Sequence[OkxResponse]) -> tuple[RawResponse, ...]:
    return tuple(
        RawResponse(
            method=response.method,
            path=response.path,
            http_status=response.http_status,
            requested_at_ms=response.requested_at_ms,
            received_at_ms=response.received_at_ms,
            sha256=hashlib.sha256(response.body).hexdigest(),
            body=response.body.decode("utf-8", errors="replace"),
        )
        for response in responses
    )
