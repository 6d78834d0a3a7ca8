"""The verdict on a claim, from the stored bytes of its evidence bundle alone (design §3.1, facts/okx.md).

| what OKX shows | verdict |
|---|---|
| row of type 3 and a full_liquidation order that agrees, filled inside the window | ELIGIBLE |
| only one of the two; a partial liquidation; a penalty on another close; unreadable, unknown, | |
| contradictory, another identity; after binding margin withdrawn, leverage or size raised, | |
| or the other side opened on the account | NEEDS_REVIEW |
| deleveraging, delivery, closed by the trader, outside the window, nothing on any page | NOT_ELIGIBLE |
| an answer that failed, a page that is missing | none: `EvidenceIncompleteError`, to be fetched again |

Data that cannot be trusted is never a ground for NOT_ELIGIBLE; what the trader did is never a way from
NOT_ELIGIBLE to NEEDS_REVIEW.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from liqpass.domain.decision import Decision, Verdict
from liqpass.domain.evidence import Bundle, Event
from liqpass.domain.liquidation import CLOCK_TOLERANCE_MS, Trace, trace
from liqpass.domain.money import MoneyError, Usdc, floor_usdc
from liqpass.domain.okx_pages import EvidenceIncompleteError, read_records
from liqpass.domain.okx_records import ClosedPosition, OrderRecord, opening_side
from liqpass.domain.parameters import Parameters
from liqpass.domain.position import Subject
from liqpass.domain.pricing import payout
from liqpass.domain.reasons import Reason
from liqpass.domain.window import Window

__all__ = ["RULES_VERSION", "Decision", "EvidenceIncompleteError", "Verdict", "decide"]

RULES_VERSION = "liqpass.rules/2"

# How far, relative to the price, a liquidation may come before the price that was announced at binding:
# funding and fees move it a little, withdrawn margin moves it a lot.
_EARLY_LIQUIDATION = Decimal("0.01")


def decide(bundle: Bundle, window: Window, subject: Subject, parameters: Parameters) -> Decision:
    """Judge `bundle` for the policy that covers `subject` during `window`.

    `bundle.event` and `bundle.window` are not read: the event is this function's answer, the window the
    policy's. `parameters` are those of the quote. Raises `EvidenceIncompleteError` if the fetch failed or a
    page may be missing: then the claim is not used up. "After binding" begins when the first answer came:
    the signers' check holds that time to the one that the quote commits to.
    """
    bound_at_ms = bundle.requests[0].received_at_ms
    found = trace(read_records(bundle.requests, subject.key, window.start_ms), subject.key, bound_at_ms)
    faults = set(found.faults)
    if bundle.subject != subject:
        faults.add(Reason.IDENTITY_MISMATCH)
    if not bundle.perm_ok:
        faults.add(Reason.KEY_NOT_READ_ONLY)
    case = _judge(found, window)
    loss = _loss(found, case.event, window)
    if case.verdict is Verdict.ELIGIBLE and loss == 0:
        case = case.become(Verdict.NOT_ELIGIBLE, Reason.NO_REALISED_LOSS)
    if case.verdict is not Verdict.NOT_ELIGIBLE:
        doubts = _moral_hazard(found, bound_at_ms) | found.hedges
        if doubts:
            case = case.become(Verdict.NEEDS_REVIEW, *doubts)
    if faults:
        case = case.become(Verdict.NEEDS_REVIEW, *faults)
    return Decision(
        verdict=case.verdict,
        reasons=tuple(sorted(case.reasons)),
        event=case.event,
        realised_loss=loss,
        payout=payout(loss, parameters.payout_cap),
        rules_version=RULES_VERSION,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """A verdict in the making."""

    verdict: Verdict
    reasons: set[Reason]
    event: Event | None

    def become(self, verdict: Verdict, *reasons: Reason) -> "_Case":
        return _Case(verdict, self.reasons.union(reasons), self.event)


def _judge(found: Trace, window: Window) -> _Case:
    last = found.closed[-1] if found.closed else None
    orders = found.of_category("full_liquidation")
    if last is not None and last.close_type == "3":
        return _judge_liquidated(last, found, window)
    covered = [order for order in orders if window.covers(order.fill_time_ms)]
    if covered:
        return _Case(Verdict.NEEDS_REVIEW, {Reason.LIQUIDATION_ROW_MISSING}, _event(covered, last))
    partial = _judge_partial(found, window)
    if partial is not None:
        return partial
    reasons = _harmless_end(found, last)
    if orders:
        reasons.add(Reason.OUT_OF_COVERAGE_WINDOW)
    return _Case(Verdict.NOT_ELIGIBLE, reasons, _event(orders, last) if orders else None)


def _judge_liquidated(last: ClosedPosition, found: Trace, window: Window) -> _Case:
    orders = found.of_category("full_liquidation")
    if not orders:
        return _judge_row_alone(last, found, window)
    event = _event(orders, last)
    size = sum((order.filled_size for order in orders), Decimal(0))
    agree = all(order.state == "filled" and _same_moment(order, last) for order in orders)
    if not agree or size > last.close_total_size:
        return _Case(Verdict.NEEDS_REVIEW, {Reason.LIQUIDATION_MISMATCH}, event)
    covered = [window.covers(order.fill_time_ms) for order in orders]
    if not any(covered):
        return _Case(Verdict.NOT_ELIGIBLE, {Reason.OUT_OF_COVERAGE_WINDOW}, event)
    if not all(covered):  # a liquidation in several fills across the edge of the window
        return _Case(Verdict.NEEDS_REVIEW, {Reason.OUT_OF_COVERAGE_WINDOW}, event)
    if found.of_category("partial_liquidation"):
        return _Case(Verdict.NEEDS_REVIEW, {Reason.PARTIAL_LIQUIDATION}, event)
    return _Case(Verdict.ELIGIBLE, {Reason.LIQUIDATED_IN_WINDOW}, event)


def _judge_row_alone(last: ClosedPosition, found: Trace, window: Window) -> _Case:
    event = Event("full_liquidation", last.u_time_ms, last.liq_penalty_text)
    if _surely_outside(last.u_time_ms, window):
        return _Case(Verdict.NOT_ELIGIBLE, {Reason.OUT_OF_COVERAGE_WINDOW}, event)
    near = any(order.category == "full_liquidation" and _same_moment(order, last) for order in found.others)
    reason = Reason.LIQUIDATION_MISMATCH if near else Reason.LIQUIDATION_ORDER_MISSING
    return _Case(Verdict.NEEDS_REVIEW, {reason}, event)


def _judge_partial(found: Trace, window: Window) -> _Case | None:
    """A partial liquidation, wherever it shows: as the row's type, as an order, or only as a penalty."""
    reasons = set()
    orders = found.of_category("partial_liquidation")
    if orders or any(row.close_type == "4" for row in found.closed):
        reasons.add(Reason.PARTIAL_LIQUIDATION)
    if any(row.liq_penalty < 0 and row.close_type != "4" for row in found.closed):
        reasons.add(Reason.LIQUIDATION_PENALTY_ON_CLOSE)
    if not reasons:
        return None
    last = found.closed[-1] if found.closed else None
    times = [order.fill_time_ms for order in orders] or [row.u_time_ms for row in found.closed]
    event = Event("partial_liquidation", max(times), last.liq_penalty_text if last else "")
    if orders and not any(window.covers(order.fill_time_ms) for order in orders):
        reasons.add(Reason.OUT_OF_COVERAGE_WINDOW)
    # A row tells only when the position was last touched: all before the cover is surely outside, but a
    # row after it may hide a partial liquidation during it.
    ended_before = last is not None and last.u_time_ms + CLOCK_TOLERANCE_MS < window.start_ms
    if ended_before and not found.still_open:
        return _Case(Verdict.NOT_ELIGIBLE, {*reasons, Reason.OUT_OF_COVERAGE_WINDOW}, event)
    return _Case(Verdict.NEEDS_REVIEW, reasons, event)


def _harmless_end(found: Trace, last: ClosedPosition | None) -> set[Reason]:
    reasons = set()
    if found.of_category("adl") or (last is not None and last.close_type in {"5", "6"}):
        reasons.add(Reason.AUTO_DELEVERAGED)
    if found.of_category("delivery"):
        reasons.add(Reason.DELIVERED)
    if found.still_open:
        reasons.add(Reason.POSITION_STILL_OPEN)
    if not reasons and last is not None:
        reasons.add(Reason.CLOSED_BY_TRADER)
    return reasons or {Reason.NO_LIQUIDATION_FOUND}


def _moral_hazard(found: Trace, bound_at_ms: int) -> set[Reason]:
    """What the trader did after binding to make a liquidation likelier or larger."""
    bound = found.bound
    if bound is None or not found.closed:
        return set()  # nothing to compare: the verdict says so already
    last = found.closed[-1]
    doubts = set()
    if last.leverage > bound.leverage:
        doubts.add(Reason.LEVERAGE_RAISED)
    adding = opening_side(bound.direction)
    added = any(order.side == adding and order.fill_time_ms > bound_at_ms for order in found.orders)
    if added or last.open_max_size > bound.size:
        doubts.add(Reason.SIZE_RAISED)
    if bound.liq_px is None or last.trigger_px is None:
        if last.close_type == "3":  # OKX states the trigger of every liquidation
            doubts.add(Reason.UNREADABLE_RECORD)
    else:
        ahead = last.trigger_px - bound.liq_px
        early = ahead if bound.direction == "long" else -ahead
        if early > bound.liq_px * _EARLY_LIQUIDATION:
            doubts.add(Reason.MARGIN_WITHDRAWN)
    return doubts


def _loss(found: Trace, event: Event | None, window: Window) -> Usdc:
    """The loss of the liquidation itself, never above the position's: the smallest figure that OKX supports.

    What the trader lost by closing parts before is not insured, so the result of the orders in the window
    and the penalty bound it; what the position earned before counts against the trader, so its realised
    result bounds it too.
    """
    if event is None:
        return Usdc(0)
    orders = found.of_category(event.kind)
    covered = [order for order in orders if window.covers(order.fill_time_ms)]
    if orders and not covered:
        return Usdc(0)
    figures = []
    penalty = -found.closed[-1].liq_penalty if found.closed else Decimal(0)
    if found.closed:
        figures.append(-found.closed[-1].realised_pnl)
    if covered:
        figures.append(penalty - sum((order.pnl + order.fee for order in covered), Decimal(0)))
    elif found.closed and found.closed[-1].close_type not in {"3", "4"}:
        figures.append(penalty)
    try:
        return floor_usdc(min(figures))
    except MoneyError:
        return Usdc(0)  # beyond any amount of USDC: no figure to rely on


def _event(orders: Iterable[OrderRecord], last: ClosedPosition | None) -> Event:
    time_ms = max(order.fill_time_ms for order in orders)
    return Event("full_liquidation", time_ms, last.liq_penalty_text if last else "")


def _same_moment(order: OrderRecord, row: ClosedPosition) -> bool:
    return abs(order.fill_time_ms - row.u_time_ms) <= CLOCK_TOLERANCE_MS


def _surely_outside(time_ms: int, window: Window) -> bool:
    return time_ms + CLOCK_TOLERANCE_MS < window.start_ms or time_ms - CLOCK_TOLERANCE_MS >= window.end_ms
