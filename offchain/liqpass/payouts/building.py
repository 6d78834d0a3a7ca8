"""The day's batch: approved claims frozen under one payout root, at most the daily cap."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from liqpass.domain import claim_state
from liqpass.domain.batch_state import OPEN_STATES, BatchState
from liqpass.domain.batching import ApprovedClaim, BatchPlan, batch_id, cut_off_ms, plan_batch
from liqpass.domain.chain_facts import Refusal
from liqpass.domain.claim_state import ClaimAction, ClaimState
from liqpass.domain.identifiers import format_bytes32, parse_bytes32
from liqpass.domain.merkle import Payout, PayoutTree
from liqpass.domain.money import Usdc, format_usdc
from liqpass.domain.parameters import Parameters
from liqpass.domain.reasons import Reason
from liqpass.lookups import existing_batch
from liqpass.payouts.checking import Checking
from liqpass.payouts.file_items import item_of
from liqpass.ports import Clock, Signers, Store, UnitOfWork
from liqpass.records import Act, Batch, BatchItem, Claim, Site
from liqpass.refusals import ConflictError, PausedError


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An approved claim that the signers would refuse now, with every reason. It stays APPROVED: the next
    batch tries it again, unless it is rejected or reopened."""

    claim: ApprovedClaim
    refusals: tuple[Refusal, ...]

    @property
    def reasons(self) -> str:
        """The codes, each once."""
        return ", ".join(dict.fromkeys(str(refusal.reason) for refusal in self.refusals))


@dataclass(frozen=True, slots=True)
class Draft:
    """What a batch built now would pay and carry over, and what it would leave out."""

    plan: BatchPlan
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """The frozen batch, the plan behind it, which says what was carried over, and who was left out."""

    batch: Batch
    plan: BatchPlan
    left_out: tuple[LeftOut, ...]


def payouts_of(batch: Batch, items: list[BatchItem]) -> list[Payout]:
    """The leaves of a batch in the order of its items."""
    return [
        Payout(batch.id, item.policy_no, item.recipient, Usdc(item.amount), parse_bytes32(item.evidence_hash))
        for item in items
    ]


class Building:
    """Plan and freeze; list and show."""

    def __init__(
        self, store: Store, clock: Clock, signers: Signers, site: Site, parameters: Parameters
    ) -> None:
        self._checking = Checking(store, signers, site)
        self._store = store
        self._clock = clock
        self._site = site
        self._parameters = parameters

    def plan(self) -> Draft:
        """What a batch built now would hold and leave out. Raises ConflictError, ChainError."""
        return self._draft(self._clock.now_ms())[0]

    def build(self, *, actor: str) -> Built:
        """Freeze today's batch without the claims that the signers would refuse; those stay APPROVED.

        Raises PausedError, ConflictError (one a day; nothing to pay; refused as a whole; a claim changed
        meanwhile), ChainError.
        """
        now_ms = self._clock.now_ms()
        today = batch_id(now_ms)
        with self._store.read() as unit:
            self._require_may_build(unit, today)
        draft, checked = self._draft(now_ms)
        built: Built | None = None
        with self._store.write() as unit:
            self._require_may_build(unit, today)
            plan, claims = self._plan(unit, now_ms, {left.claim.claim_id for left in draft.left_out})
            if plan != draft.plan or any(claims[key] != checked[key] for key in _planned(plan)):
                raise ConflictError("approved claims changed while the chain was read: build again")
            for left in draft.left_out:
                act = Act(actor, "CLAIM_LEFT_OUT", now_ms, {"batch": str(today), "reasons": left.reasons})
                unit.controls.note(f"claim/{left.claim.claim_id}", act)
            if plan.planned:
                items = [item_of(today, claims[key]) for key in _planned(plan)]
                built = Built(self._freeze(unit, plan, items, actor, now_ms), plan, draft.left_out)
                for item in items:
                    claim = claims[item.claim_id]
                    to = claim_state.advance(ClaimState(claim.state), ClaimAction.BATCH)
                    act = Act(actor, "CLAIM_BATCHED", now_ms, {"batch": str(today)})
                    unit.claims.advance(claim, to, act, batch_id=today)
        if built is None:  # after the transaction: that claims were left out stays in the audit log
            raise ConflictError(_nothing_to_pay(draft))
        return built

    def listed(self) -> list[Batch]:
        """Batches, newest first."""
        with self._store.read() as unit:
            return unit.batches.listed()

    def show(self, batch: int) -> tuple[Batch, list[BatchItem]]:
        """A batch and its payouts. Raises NotFoundError."""
        with self._store.read() as unit:
            return existing_batch(unit, batch), unit.batches.items(batch)

    @staticmethod
    def _require_may_build(unit: UnitOfWork, today: int) -> None:
        paused = unit.controls.paused()
        if paused is not None:
            raise PausedError(f"batch building is paused: {paused}", Reason.SALES_PAUSED)
        if unit.batches.get(today) is not None:
            raise ConflictError(f"there is a batch {today} already: one batch a day")

    def _freeze(
        self, unit: UnitOfWork, plan: BatchPlan, items: list[BatchItem], actor: str, now_ms: int
    ) -> Batch:
        items.sort(key=lambda item: item.policy_no)
        batch = Batch(
            id=plan.batch_id,
            state=BatchState.PLANNED,
            chain_id=self._site.chain_id,
            vault=self._site.vault,
            payout_root="",
            total=plan.total,
            cut_off_ms=plan.cut_off_ms,
            built_at_ms=now_ms,
        )
        root = format_bytes32(PayoutTree.of(payouts_of(batch, items)).root)
        batch = replace(batch, payout_root=root)
        details = {"root": root, "total": format_usdc(plan.total), "payouts": str(len(items))}
        unit.batches.add(batch, items, Act(actor, "BATCH_BUILT", now_ms, details))
        return batch

    def _draft(self, now_ms: int) -> tuple[Draft, dict[str, Claim]]:
        """The draft, and the claims as they were when the check was made."""
        today = batch_id(now_ms)
        with self._store.read() as unit:
            claims = _approved(unit)
        limit_ms = cut_off_ms(today, self._parameters)
        # All of them, not only those that fit the cap: one that is left out makes room for the next.
        in_time = [claim for claim in claims.values() if (claim.approved_at_ms or 0) < limit_ms]
        refused = self._checking.refused(today, in_time, now_ms=now_ms)
        left_out = tuple(LeftOut(_waiting(claims[key]), reasons) for key, reasons in refused.items())
        with self._store.read() as unit:
            return Draft(self._plan(unit, now_ms, refused)[0], left_out), claims

    def _plan(
        self, unit: UnitOfWork, now_ms: int, left_out: Collection[str]
    ) -> tuple[BatchPlan, dict[str, Claim]]:
        claims = _approved(unit)
        # What an older approval may still pay today comes out of the same daily cap.
        open_total = sum(
            item.amount
            for batch in unit.batches.listed()
            if batch.state in OPEN_STATES
            for item in unit.batches.items(batch.id)
            if item.outcome is None
        )
        plan = plan_batch(
            [_waiting(claim) for claim in claims.values() if claim.id not in left_out],
            batch=batch_id(now_ms),
            cap=Usdc(max(self._parameters.daily_cap - open_total, 0)),
            parameters=self._parameters,
        )
        return plan, claims


def _approved(unit: UnitOfWork) -> dict[str, Claim]:
    return {claim.id: claim for claim in unit.claims.listed(state=ClaimState.APPROVED, limit=100_000)}


def _waiting(claim: Claim) -> ApprovedClaim:
    return ApprovedClaim(claim.id, claim.policy_no, Usdc(claim.payout or 0), claim.approved_at_ms or 0)


def _planned(plan: BatchPlan) -> list[str]:
    return [claim.claim_id for claim in plan.planned]


def _nothing_to_pay(draft: Draft) -> str:
    plan = draft.plan
    waiting = len(plan.over_cap) + len(plan.after_cut_off) + len(plan.above_daily_cap)
    text = f"nothing to pay today; {waiting} approved claims wait for a later batch"
    if draft.left_out:
        refused = "; ".join(f"policy {left.claim.policy_no}: {left.reasons}" for left in draft.left_out)
        text += f"; the signers would refuse {refused}"
    return text
