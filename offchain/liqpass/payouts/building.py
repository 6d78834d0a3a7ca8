"""The day's batch: approved claims frozen under one payout root, at most the daily cap."""

from __future__ import annotations

from dataclasses import dataclass, replace

from liqpass.domain import claim_state
from liqpass.domain.batch_state import OPEN_STATES, BatchState
from liqpass.domain.batching import ApprovedClaim, BatchPlan, batch_id, plan_batch
from liqpass.domain.claim_state import ClaimAction, ClaimState
from liqpass.domain.identifiers import format_bytes32, parse_bytes32
from liqpass.domain.merkle import Payout, PayoutTree
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.parameters import Parameters
from liqpass.domain.reasons import Reason
from liqpass.lookups import existing_batch
from liqpass.ports import Clock, Store, UnitOfWork
from liqpass.records import Act, Batch, BatchItem, Claim, RecordError, Site
from liqpass.refusals import ConflictError, PausedError


@dataclass(frozen=True, slots=True)
class Built:
    """The frozen batch and the plan behind it, which says what was carried over and why."""

    batch: Batch
    plan: BatchPlan


def payouts_of(batch: Batch, items: list[BatchItem]) -> list[Payout]:
    """The leaves of a batch in the order of its items."""
    return [
        Payout(batch.id, item.policy_no, item.recipient, Usdc(item.amount), parse_bytes32(item.evidence_hash))
        for item in items
    ]


class Building:
    """Plan and freeze; list and show."""

    def __init__(self, store: Store, clock: Clock, site: Site, parameters: Parameters) -> None:
        self._store = store
        self._clock = clock
        self._site = site
        self._parameters = parameters

    def plan(self) -> BatchPlan:
        """What a batch built now would hold; changes nothing."""
        now_ms = self._clock.now_ms()
        with self._store.read() as unit:
            return self._plan(unit, now_ms)[0]

    def build(self, *, actor: str) -> Built:
        """Freeze today's batch. Raises PausedError, ConflictError (one a day; nothing to pay)."""
        now_ms = self._clock.now_ms()
        today = batch_id(now_ms)
        with self._store.write() as unit:
            paused = unit.controls.paused()
            if paused is not None:
                raise PausedError(f"batch building is paused: {paused}", Reason.SALES_PAUSED)
            if unit.batches.get(today) is not None:
                raise ConflictError(f"there is a batch {today} already: one batch a day")
            plan, claims = self._plan(unit, now_ms)
            if not plan.planned:
                waiting = len(plan.over_cap) + len(plan.after_cut_off)
                raise ConflictError(f"nothing to pay today; {waiting} approved claims wait for a later batch")
            items = [_item(today, claims[planned.claim_id]) for planned in plan.planned]
            batch = Batch(
                id=today,
                state=BatchState.PLANNED,
                chain_id=self._site.chain_id,
                vault=self._site.vault,
                payout_root="",
                total=plan.total,
                cut_off_ms=plan.cut_off_ms,
                built_at_ms=now_ms,
            )
            items.sort(key=lambda item: item.policy_no)
            root = format_bytes32(PayoutTree.of(payouts_of(batch, items)).root)
            batch = replace(batch, payout_root=root)
            details = {"root": root, "total": format_usdc(plan.total), "payouts": str(len(items))}
            unit.batches.add(batch, items, Act(actor, "BATCH_BUILT", now_ms, details))
            for item in items:
                claim = claims[item.claim_id]
                to = claim_state.advance(ClaimState(claim.state), ClaimAction.BATCH)
                unit.claims.advance(
                    claim, to, Act(actor, "CLAIM_BATCHED", now_ms, {"batch": str(today)}), batch_id=today
                )
        return Built(batch, plan)

    def listed(self) -> list[Batch]:
        """Batches, newest first."""
        with self._store.read() as unit:
            return unit.batches.listed()

    def show(self, batch: int) -> tuple[Batch, list[BatchItem]]:
        """A batch and its payouts. Raises NotFoundError."""
        with self._store.read() as unit:
            return existing_batch(unit, batch), unit.batches.items(batch)

    def _plan(self, unit: UnitOfWork, now_ms: int) -> tuple[BatchPlan, dict[str, Claim]]:
        claims = {claim.id: claim for claim in unit.claims.listed(state=ClaimState.APPROVED, limit=100_000)}
        # What an older approval may still pay today comes out of the same daily cap.
        open_total = sum(
            item.amount
            for batch in unit.batches.listed()
            if batch.state in OPEN_STATES
            for item in unit.batches.items(batch.id)
            if item.outcome is None
        )
        approved = [
            ApprovedClaim(claim.id, claim.policy_no, Usdc(claim.payout or 0), claim.approved_at_ms or 0)
            for claim in claims.values()
        ]
        plan = plan_batch(
            approved,
            batch=batch_id(now_ms),
            cap=Usdc(max(self._parameters.daily_cap - open_total, 0)),
            parameters=self._parameters,
        )
        return plan, claims


def _item(today: int, claim: Claim) -> BatchItem:
    if claim.recipient is None or claim.payout is None or claim.evidence_hash is None:
        raise RecordError(f"claim {claim.id} is approved without recipient, amount or evidence")
    return BatchItem(
        batch_id=today,
        policy_no=claim.policy_no,
        claim_id=claim.id,
        recipient=claim.recipient,
        amount=claim.payout,
        evidence_hash=claim.evidence_hash,
    )
