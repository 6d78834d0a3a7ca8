"""Payment: found on chain by transaction or by log, or marked by hand; all else is listed as unmatched."""

from __future__ import annotations

import re
from dataclasses import replace

from liqpass.domain.money import format_usdc, usdc
from liqpass.domain.policy_state import PolicyAction, PolicyState, advance
from liqpass.domain.reasons import Reason
from liqpass.domain.window import cover_window
from liqpass.free_text import required_text
from liqpass.lookups import existing_order, parameters_of
from liqpass.ports import BlockRef, ChainReader, Clock, PremiumLog, Store, TransactionSeen, UnitOfWork
from liqpass.records import Act, Order, Site, UnmatchedPayment
from liqpass.refusals import ConflictError, InvalidInputError, NotFoundError, RefusedError

NO_LOG = -1
PAYABLE = (PolicyState.BOUND, PolicyState.AWAITING_PAYMENT)
_TX_HASH = re.compile(r"0x[0-9a-f]{64}", re.ASCII)


def judge(order: Order, log: PremiumLog, head: BlockRef, confirmations: int, site: Site) -> Reason | None:
    """Why this log does not pay for this order (yet), or None.

    What can never be right comes before what may become right, so that PAYMENT_TOO_SHALLOW means "wait".
    """
    checks = (
        (log.contract == order.checkout == site.checkout, Reason.PAYMENT_WRONG_CONTRACT),
        (order.chain_id == site.chain_id, Reason.PAYMENT_WRONG_CHAIN),
        (log.order_hash == order.order_hash, Reason.PAYMENT_WRONG_ORDER),
        (order.quote_hash is not None and log.quote_hash == order.quote_hash, Reason.PAYMENT_WRONG_QUOTE),
        (log.payer == order.buyer, Reason.PAYMENT_WRONG_PAYER),
        (log.amount == order.premium, Reason.PAYMENT_WRONG_AMOUNT),
        (log.block.time_s <= order.valid_until_s, Reason.PAYMENT_TOO_LATE),
        (order.state != PolicyState.CANCELLED, Reason.PAYMENT_OF_CANCELLED_ORDER),
        (order.state in PAYABLE, Reason.PAYMENT_DUPLICATE),
        (head.number - log.block.number >= confirmations, Reason.PAYMENT_TOO_SHALLOW),
    )
    return next((reason for passed, reason in checks if not passed), None)


def settle(unit: UnitOfWork, order: Order, log: PremiumLog, *, actor: str, now_ms: int) -> Order:
    """Turn a judged payment into cover, from its block's time."""
    covered = _cover(
        unit,
        order,
        Act(actor, "PREMIUM_PAID", now_ms, {"transaction": log.tx_hash, "block": str(log.block.number)}),
        paid_at_s=log.block.time_s,
        payment_kind="chain",
        payment_tx=log.tx_hash,
        payment_log_index=log.log_index,
        payment_block=log.block.number,
    )
    resolve_listed(unit, order, log, actor=actor, now_ms=now_ms)
    return covered


def resolve_listed(unit: UnitOfWork, order: Order, log: PremiumLog, *, actor: str, now_ms: int) -> None:
    """Close what was listed about a payment that has found its order."""
    for index in (log.log_index, NO_LOG):
        listed = unit.payments.unmatched_of(log.tx_hash, index)
        if listed is not None and listed.resolved_at_ms is None:
            act = Act(actor, "UNMATCHED_RESOLVED", now_ms, {"order": order.id})
            unit.payments.resolve_unmatched(listed, f"matched to order {order.id}", act)


def list_unmatched(
    unit: UnitOfWork, log: PremiumLog, reason: Reason, detail: str, *, actor: str, now_ms: int
) -> bool:
    """List a log that pays for nothing; False where it is listed so already."""
    payment = UnmatchedPayment(
        tx_hash=log.tx_hash,
        log_index=log.log_index,
        reason=reason,
        detail=detail,
        found_at_ms=now_ms,
        order_hash=log.order_hash,
        payer=log.payer,
        amount=log.amount,
        block=log.block.number,
    )
    return unit.payments.note_unmatched(
        payment, Act(actor, "PAYMENT_UNMATCHED", now_ms, {"reason": str(reason)})
    )


def require_payable(order: Order) -> None:
    """Raise ConflictError unless a premium is awaited."""
    if order.state == PolicyState.DRAFT:
        raise ConflictError("bind an OKX position before paying", Reason.MISSING_OKX_META)
    if order.state == PolicyState.CANCELLED:
        raise ConflictError(
            f"order {order.id} is cancelled: `liqpass sync` lists what was paid for it, to be refunded",
            Reason.PAYMENT_OF_CANCELLED_ORDER,
        )
    if order.state not in PAYABLE:
        raise ConflictError(f"order {order.id} is {order.state}", Reason.PURCHASE_ORDER_ALREADY_PAID)


class Paying:
    """Pay by transaction hash or by hand; list and resolve what is unmatched."""

    def __init__(self, store: Store, clock: Clock, chain: ChainReader, site: Site) -> None:
        self._store = store
        self._clock = clock
        self._chain = chain
        self._site = site

    def pay_by_transaction(self, order_uuid: str, tx_hash: str, *, actor: str) -> Order:
        """Cover the order by this transaction; again with the same one: the same answer.

        Raises NotFoundError, InvalidInputError, ConflictError (not payable), RefusedError with the reason;
        a refused transaction is listed as unmatched, except one that the chain does not know (yet).
        """
        wanted = tx_hash.lower()
        if _TX_HASH.fullmatch(wanted) is None:
            raise InvalidInputError("a transaction hash is 0x and 64 hexadecimal digits")
        with self._store.read() as unit:
            order = existing_order(unit, order_uuid)
            confirmations = parameters_of(unit, order).confirmations
        if order.payment_tx == wanted:
            return order
        require_payable(order)
        chain_id = self._chain.chain_id()
        seen = self._chain.transaction(wanted) if chain_id == order.chain_id else None
        head = self._chain.head()
        now_ms = self._clock.now_ms()
        reason: Reason | None
        if chain_id != order.chain_id:
            reason, log = Reason.PAYMENT_WRONG_CHAIN, None
        elif seen is None:
            raise RefusedError(f"the chain knows no transaction {wanted} (yet)", Reason.PAYMENT_NOT_FOUND)
        else:
            reason, log = self._judge_transaction(order, seen, head, confirmations)
        with self._store.write() as unit:
            order = existing_order(unit, order_uuid)
            if order.payment_tx == wanted:  # `sync` has found it meanwhile
                return order
            if reason is None and log is not None:
                require_payable(order)
                return settle(unit, order, log, actor=actor, now_ms=now_ms)
            refusal = reason or Reason.PAYMENT_NOT_FOUND
            self._list(unit, order, log, tx_hash=wanted, reason=refusal, actor=actor, now_ms=now_ms)
            if reason is Reason.PAYMENT_TOO_SHALLOW and order.state == PolicyState.BOUND:
                to = advance(PolicyState.BOUND, PolicyAction.AWAIT_PAYMENT)
                unit.orders.advance(
                    order, to, Act(actor, "PAYMENT_SUBMITTED", now_ms, {"transaction": wanted})
                )
        if refusal is Reason.PAYMENT_TOO_SHALLOW and log is not None:
            depth = head.number - log.block.number
            raise RefusedError(
                f"the payment has {depth} of {confirmations} confirmations: submit it again", refusal
            )
        raise RefusedError(f"transaction {wanted} does not pay for order {order.id}", refusal)

    def mark_paid(self, order_uuid: str, *, actor: str, reason: str) -> Order:
        """Cover the order by hand from now on; flagged for ever. Raises InvalidInputError, ConflictError."""
        why = required_text(reason, "the reason for marking the order paid by hand")
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            order = existing_order(unit, order_uuid)
            require_payable(order)
            return _cover(
                unit,
                order,
                Act(actor, "MARKED_PAID_BY_HAND", now_ms, {"reason": why}),
                paid_at_s=now_ms // 1000,
                payment_kind="manual",
                manual_actor=actor,
                manual_reason=why,
            )

    def unmatched(self, *, open_only: bool) -> list[UnmatchedPayment]:
        """Payments that cover nothing, oldest first."""
        with self._store.read() as unit:
            return unit.payments.unmatched(open_only=open_only)

    def resolve_unmatched(self, tx_hash: str, log_index: int, *, actor: str, resolution: str) -> None:
        """Close an unmatched payment with what was done, for example the refund's transaction."""
        done = required_text(resolution, "what was done about the payment, such as the refund's transaction,")
        act = Act(actor, "UNMATCHED_RESOLVED", self._clock.now_ms(), {"resolution": done})
        with self._store.write() as unit:
            payment = unit.payments.unmatched_of(tx_hash.lower(), log_index)
            if payment is None:
                raise NotFoundError(f"no unmatched payment {tx_hash} log {log_index}")
            if payment.resolved_at_ms is not None:
                raise ConflictError(f"payment {tx_hash} is resolved: {payment.resolution}")
            unit.payments.resolve_unmatched(payment, done, act)

    def _judge_transaction(
        self, order: Order, seen: TransactionSeen, head: BlockRef, confirmations: int
    ) -> tuple[Reason | None, PremiumLog | None]:
        if not seen.succeeded:
            return Reason.PAYMENT_REVERTED, None
        ours = [log for log in seen.premiums if log.contract == self._site.checkout]
        if not ours:
            return Reason.PAYMENT_WRONG_CONTRACT, None
        for_order = [log for log in ours if log.order_hash == order.order_hash]
        if not for_order:
            return Reason.PAYMENT_WRONG_ORDER, None
        verdicts = [(judge(order, log, head, confirmations, self._site), log) for log in for_order]
        return next((verdict for verdict in verdicts if verdict[0] is None), verdicts[0])

    def _list(
        self,
        unit: UnitOfWork,
        order: Order,
        log: PremiumLog | None,
        *,
        tx_hash: str,
        reason: Reason,
        actor: str,
        now_ms: int,
    ) -> None:
        detail = f"submitted for order {order.id}"
        if log is not None:
            list_unmatched(unit, log, reason, detail, actor=actor, now_ms=now_ms)
            return
        # The transaction's own logs, where it has some, are judged by `sync` for the orders that they name.
        payment = UnmatchedPayment(tx_hash, NO_LOG, reason, detail, now_ms, order_hash=order.order_hash)
        act = Act(actor, "PAYMENT_UNMATCHED", now_ms, {"reason": str(reason), "order": order.id})
        unit.payments.note_unmatched(payment, act)


def _cover(unit: UnitOfWork, order: Order, act: Act, *, paid_at_s: int, **payment: str | int) -> Order:
    state = PolicyState(order.state)
    if state is PolicyState.BOUND:
        state = advance(state, PolicyAction.AWAIT_PAYMENT)
        order = unit.orders.advance(order, state, replace(act, action="PAYMENT_SEEN"))
    window = cover_window(paid_at_s, parameters_of(unit, order))
    policy_no = unit.orders.next_policy_no()
    details = {
        **act.details,
        "policyNo": str(policy_no),
        "premium": format_usdc(usdc(order.premium)),
        "startMs": str(window.start_ms),
        "endMs": str(window.end_ms),
    }
    return unit.orders.advance(
        order,
        advance(state, PolicyAction.COVER),
        replace(act, details=details),
        policy_no=policy_no,
        paid_at_ms=paid_at_s * 1000,
        start_ms=window.start_ms,
        end_ms=window.end_ms,
        **payment,
    )
