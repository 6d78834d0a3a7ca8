"""From the chain back into the book: PAID only by the vault's paid bit at a final block."""

from __future__ import annotations

from dataclasses import dataclass, field

from liqpass.domain import batch_state, claim_state, policy_state
from liqpass.domain.batch_state import BatchAction, BatchState
from liqpass.domain.batching import batch_id
from liqpass.domain.claim_state import ClaimAction, ClaimState
from liqpass.domain.policy_state import PolicyAction, PolicyState
from liqpass.lookups import existing_claim, existing_order
from liqpass.ports import BatchOnChain, BlockRef, ChainReader, Clock, PayoutLog, Store, UnitOfWork
from liqpass.records import Act, Batch, BatchItem, PaidOut, Site
from liqpass.refusals import ConflictError

ACTOR = "reconcile"
PAID, HELD, RETURNED = "paid", "held", "returned"
PAYABLE = (ClaimState.BATCHED, ClaimState.HELD, ClaimState.APPROVED)


@dataclass(slots=True)
class Reconciled:
    """What one run found, by policy number; `alarms` are contradictions that a person must look at."""

    block: BlockRef
    paid: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    batches: list[tuple[int, str]] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Facts:
    """The chain's word on one batch at the final block."""

    on_chain: BatchOnChain | None
    paid: frozenset[int]
    logs: list[PayoutLog]


class Reconciling:
    """Reads every batch that may still have paid something, then writes all of it in one transaction a batch.

    Items of a dead batch stay under watch too: an approval that expired can be renewed on chain, and then a
    policy may be paid after its claim went back to APPROVED. Its paid bit ends that claim wherever it is.
    """

    def __init__(self, store: Store, clock: Clock, chain: ChainReader, site: Site) -> None:
        self._store = store
        self._clock = clock
        self._chain = chain
        self._site = site

    def reconcile(self, *, batch: int | None = None) -> Reconciled:
        """Bring the book, or one batch of it, to what the chain says.

        Raises ConflictError for another chain, ChainError.
        """
        chain_id = self._chain.chain_id()
        if chain_id != self._site.chain_id:
            raise ConflictError(f"the node is of chain {chain_id}, not {self._site.chain_id}")
        final = self._chain.final_block()
        result = Reconciled(final)
        with self._store.read() as unit:
            one = None if batch is None else unit.batches.get(batch)
            rows = reversed(unit.batches.listed()) if batch is None else [one] if one is not None else []
            work = [(row, self._unpaid(unit, row)) for row in rows]
        for row, items in work:
            if row.vault != self._site.vault:
                if items:
                    result.alarms.append(f"batch {row.id} is of vault {row.vault}, not of this one")
                continue
            if items or row.state in batch_state.OPEN_STATES:
                self._batch(row, self._facts(row, items, final), result)
        return result

    @staticmethod
    def _unpaid(unit: UnitOfWork, batch: Batch) -> list[BatchItem]:
        return [
            item for item in unit.batches.items(batch.id) if unit.batches.payout_of(item.policy_no) is None
        ]

    def _facts(self, batch: Batch, items: list[BatchItem], final: BlockRef) -> _Facts:
        on_chain = self._chain.batch(batch.id, final)
        if on_chain is None:
            return _Facts(None, frozenset(), [])
        paid = self._chain.paid_policies([item.policy_no for item in items], final)
        if not paid and batch.state not in batch_state.OPEN_STATES:
            return _Facts(on_chain, paid, [])  # a dead batch, still watched: nothing new
        return _Facts(on_chain, paid, self._chain.payout_logs(batch.id, final.number))

    def _batch(self, batch: Batch, facts: _Facts, result: Reconciled) -> None:
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            found = unit.batches.get(batch.id)
            if found is None:
                return
            batch = found
            items = self._unpaid(unit, batch)
            ours = facts.on_chain is not None and facts.on_chain.payout_root == batch.payout_root
            if facts.on_chain is not None and not ours:
                result.alarms.append(
                    f"batch {batch.id}: the vault holds root {facts.on_chain.payout_root}, the book "
                    f"{batch.payout_root}; nobody may have approved this one"
                )
            for item in items:
                self._item(unit, item, facts, result, now_ms=now_ms)
            self._advance_batch(unit, batch, facts.on_chain if ours else None, result, now_ms=now_ms)

    def _item(
        self, unit: UnitOfWork, item: BatchItem, facts: _Facts, result: Reconciled, *, now_ms: int
    ) -> None:
        logs = [log for log in facts.logs if log.policy_no == item.policy_no]
        claim = existing_claim(unit, item.claim_id)
        if item.policy_no in facts.paid:
            executed = next((log for log in logs if not log.failed and agrees(log, item)), None)
            if executed is None:
                if claim.batch_id == item.batch_id:
                    result.alarms.append(
                        f"policy {item.policy_no} is paid on chain, but not as batch {item.batch_id} says"
                    )
                return
            self._pay(unit, item, executed, result, now_ms=now_ms)
        elif any(log.failed for log in logs) and (claim.state, claim.batch_id) == (
            ClaimState.BATCHED,
            item.batch_id,
        ):
            to = claim_state.advance(ClaimState.BATCHED, ClaimAction.HOLD)
            reason = f"USDC refused the transfer to {item.recipient}"
            act = Act(ACTOR, "PAYOUT_HELD", now_ms, {"batch": str(item.batch_id), "reason": reason})
            unit.claims.advance(claim, to, act, hold_reason=reason)
            unit.batches.settle_item(item, HELD)
            result.held.append(item.policy_no)

    def _pay(
        self,
        unit: UnitOfWork,
        item: BatchItem,
        log: PayoutLog,
        result: Reconciled,
        *,
        now_ms: int,
    ) -> None:
        claim = existing_claim(unit, item.claim_id)
        act = Act(
            ACTOR,
            "PAYOUT_CONFIRMED",
            now_ms,
            {"batch": str(item.batch_id), "transaction": log.tx_hash, "block": str(log.block_number)},
        )
        state = ClaimState(claim.state)
        if state is ClaimState.BATCHED and claim.batch_id != item.batch_id:
            result.alarms.append(
                f"policy {item.policy_no} was paid by batch {item.batch_id} while batch {claim.batch_id} "
                "holds it too: that batch must be revoked and built anew"
            )
        if state not in PAYABLE:
            # A renewed approval paid what people had taken back meanwhile. The money is gone: it is recorded,
            # so that the policy is never paid again, and its claim is left to them.
            result.alarms.append(
                f"policy {item.policy_no} was paid by batch {item.batch_id} though its claim is {state}"
            )
            self._record(unit, item, log, result, now_ms=now_ms)
            unit.controls.note(f"claim/{claim.id}", act)
            return
        # Paid although its claim had left the batch (held, or returned from an expired approval).
        way_back = ((ClaimState.HELD, ClaimAction.RELEASE), (ClaimState.APPROVED, ClaimAction.BATCH))
        for before, action in way_back:
            if state is before:
                state = claim_state.advance(state, action)
                claim = unit.claims.advance(claim, state, act, batch_id=item.batch_id)
        to = claim_state.advance(state, ClaimAction.PAY)
        unit.claims.advance(claim, to, act, batch_id=item.batch_id, closed_at_ms=now_ms)
        order = existing_order(unit, claim.order_id)
        unit.orders.advance(order, policy_state.advance(PolicyState(order.state), PolicyAction.PAY), act)
        unit.controls.drop_credential(order.id)
        self._record(unit, item, log, result, now_ms=now_ms)

    @staticmethod
    def _record(
        unit: UnitOfWork, item: BatchItem, log: PayoutLog, result: Reconciled, *, now_ms: int
    ) -> None:
        unit.batches.set_item_outcome(item, PAID)
        unit.batches.add_payout(
            PaidOut(
                policy_no=item.policy_no,
                claim_id=item.claim_id,
                batch_id=item.batch_id,
                recipient=item.recipient,
                amount=item.amount,
                evidence_hash=item.evidence_hash,
                tx_hash=log.tx_hash,
                block=log.block_number,
                confirmed_at_ms=now_ms,
            )
        )
        result.paid.append(item.policy_no)

    def _advance_batch(
        self,
        unit: UnitOfWork,
        batch: Batch,
        approval: BatchOnChain | None,
        result: Reconciled,
        *,
        now_ms: int,
    ) -> None:
        state = BatchState(batch.state)
        if state not in batch_state.OPEN_STATES:
            return
        items = unit.batches.items(batch.id)
        for action in _actions(batch, items, approval, result.block):
            if (state, action) not in batch_state.TRANSITIONS:
                continue
            state = batch_state.advance(state, action)
            act = Act(ACTOR, f"BATCH_{state}", now_ms, {"block": str(result.block.number)})
            closing = {} if state in batch_state.OPEN_STATES else {"closed_at_ms": now_ms}
            batch = unit.batches.advance(batch, state, act, **closing)
        result.batches.append((batch.id, str(state)))
        if state in (BatchState.REVOKED, BatchState.EXPIRED):
            self._return_unpaid(unit, items, result, now_ms=now_ms)

    @staticmethod
    def _return_unpaid(unit: UnitOfWork, items: list[BatchItem], result: Reconciled, *, now_ms: int) -> None:
        for item in items:
            claim = existing_claim(unit, item.claim_id)
            if item.outcome is not None or claim.state != ClaimState.BATCHED:
                continue
            to = claim_state.advance(ClaimState.BATCHED, ClaimAction.UNBATCH)
            act = Act(ACTOR, "CLAIM_RETURNED", now_ms, {"batch": str(item.batch_id)})
            unit.claims.advance(claim, to, act, batch_id=None)
            unit.batches.settle_item(item, RETURNED)
            result.returned.append(item.policy_no)


def _actions(
    batch: Batch, items: list[BatchItem], approval: BatchOnChain | None, final: BlockRef
) -> list[BatchAction]:
    """What the final block says has happened to the batch, in order; already taken steps are skipped."""
    if approval is None:
        # Only the block's own day can approve a batch: once it is over, this root never can be.
        over = batch_id(final.time_s * 1000) > batch.id
        return [BatchAction.EXPIRE] if over else []
    actions = [BatchAction.APPROVE]
    settled = all(item.outcome is not None for item in items)
    if any(item.outcome in (PAID, HELD) for item in items):
        actions.append(BatchAction.EXECUTE)
    if settled:
        actions.append(BatchAction.CLOSE)
    elif approval.revoked:
        actions.append(BatchAction.REVOKE)
    elif final.time_s >= approval.expires_at_s:
        actions.append(BatchAction.EXPIRE)
    return actions


def agrees(log: PayoutLog, item: BatchItem) -> bool:
    """Whether a log of the vault is about this very payout."""
    return (log.batch_id, log.recipient, log.amount, log.evidence_hash) == (
        item.batch_id,
        item.recipient,
        item.amount,
        item.evidence_hash,
    )
