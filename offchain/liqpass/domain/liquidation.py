"""The records of one position: what OKX stored about its end, and what cannot be trusted in it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from liqpass.domain.hedging import open_against, opens_against
from liqpass.domain.okx_pages import Records, Row
from liqpass.domain.okx_records import (
    OPENING_FILL_TOLERANCE_MS,
    ClosedPosition,
    OkxRecordError,
    OpenPosition,
    OrderRecord,
    is_open,
    opening_side,
    parse_instrument,
    read_closed_position,
    read_open_position,
    read_order,
)
from liqpass.domain.position import PositionKey
from liqpass.domain.reasons import Reason

CLOCK_TOLERANCE_MS = 5_000  # a liquidation order's fillTime against the position's uTime
SUM_TOLERANCE = Decimal("0.01")  # OKX rounds each part of realizedPnl on its own
CATEGORIES = frozenset(
    {
        "normal",
        "twap",
        "adl",
        "full_liquidation",
        "partial_liquidation",
        "delivery",
        "ddh",
        "auto_conversion",
    }
)
CLOSE_TYPES = frozenset({"1", "2", "3", "4", "5", "6"})


@dataclass(frozen=True, slots=True)
class Trace:
    """`closed` by uTime; `orders` those of this position's life; `faults` what forbids a plain verdict.

    `hedges`: POSITION_HEDGED, or why another position could not be read; `others` are the orders of the same
    instrument and time, but of another side or margin mode.
    """

    bound: OpenPosition | None
    closed: tuple[ClosedPosition, ...]
    orders: tuple[OrderRecord, ...]
    others: tuple[OrderRecord, ...]
    still_open: bool
    faults: frozenset[Reason]
    hedges: frozenset[Reason]

    def of_category(self, category: str) -> tuple[OrderRecord, ...]:
        """This position's orders of one OKX category."""
        return tuple(order for order in self.orders if order.category == category)


@dataclass
class _Faults:
    found: set[Reason] = field(default_factory=set)

    def add_if(self, condition: bool, reason: Reason) -> None:
        if condition:
            self.found.add(reason)


def trace(records: Records, key: PositionKey, bound_at_ms: int) -> Trace:
    """Pick out and read the rows of the position `key`, and what was opened against it after binding."""
    faults = _Faults()
    bound = _bound(records.bound, key, faults)
    closed = _closed(records.closed, key, bound, faults)
    still_open = any(is_open(row) and _same_position(row, key) for row in records.open)
    # The position's life ends with its last row; an open or vanished one is followed to the end.
    last_ms = closed[-1].u_time_ms + CLOCK_TOLERANCE_MS if closed and not still_open else None
    orders, others = _orders(records.orders, key, last_ms, faults)
    faults.add_if(still_open and any(row.close_type == "3" for row in closed), Reason.CONTRADICTORY_RECORDS)
    currency = parse_instrument(key.inst_id).quote
    faults.add_if(any(row.currency != currency for row in closed), Reason.CURRENCY_MISMATCH)
    liquidating = [order for order in orders if order.category.endswith("_liquidation")]
    faults.add_if(any(order.fee_currency != currency for order in liquidating), Reason.CURRENCY_MISMATCH)
    hedges: frozenset[Reason] = frozenset()
    if bound is not None:
        adding = opening_side(bound.direction)
        faults.add_if(any(order.side == adding for order in liquidating), Reason.LIQUIDATION_MISMATCH)
        besides = [row for row in records.open if not _same_position(row, key)]
        hedges = open_against(besides, key.inst_id, bound.direction, last_ms)
        if any(o.fill_time_ms > bound_at_ms and opens_against(o, bound.direction) for o in others):
            hedges |= {Reason.POSITION_HEDGED}
    return Trace(bound, closed, orders, others, still_open, frozenset(faults.found), hedges)


def _bound(rows: Iterable[Row], key: PositionKey, faults: _Faults) -> OpenPosition | None:
    for row in rows:
        if _same_position(row, key):
            try:
                position = read_open_position(row)
            except OkxRecordError as error:
                faults.found.add(error.reason)
                return None
            faults.add_if(position.key != key, Reason.IDENTITY_MISMATCH)
            return position
    faults.found.add(Reason.POSITION_NOT_FOUND)
    return None


def _closed(
    rows: Iterable[Row], key: PositionKey, bound: OpenPosition | None, faults: _Faults
) -> tuple[ClosedPosition, ...]:
    found = []
    for row in rows:
        if not _same_position(row, key):
            continue
        try:
            closed = read_closed_position(row)
        except OkxRecordError as error:
            faults.found.add(error.reason)
            continue
        if closed in found:
            continue
        faults.add_if(closed.key != key or closed.inst_type != "SWAP", Reason.IDENTITY_MISMATCH)
        faults.add_if(
            bound is not None and closed.direction != bound.direction,
            Reason.IDENTITY_MISMATCH,
        )
        faults.add_if(closed.close_type not in CLOSE_TYPES, Reason.UNKNOWN_CLOSE_TYPE)
        difference = closed.realised_pnl - sum(closed.parts, Decimal(0))
        faults.add_if(abs(difference) > SUM_TOLERANCE, Reason.FIGURES_DO_NOT_ADD_UP)
        found.append(closed)
    found.sort(key=lambda row: row.u_time_ms)
    times = [row.u_time_ms for row in found]
    faults.add_if(len(set(times)) != len(times), Reason.CONTRADICTORY_RECORDS)
    # A liquidation is the end: a later row of the same position contradicts it.
    faults.add_if(any(row.close_type == "3" for row in found[:-1]), Reason.CONTRADICTORY_RECORDS)
    return tuple(found)


def _orders(
    rows: Iterable[Row], key: PositionKey, last_ms: int | None, faults: _Faults
) -> tuple[tuple[OrderRecord, ...], tuple[OrderRecord, ...]]:
    mine: list[OrderRecord] = []
    others: list[OrderRecord] = []
    seen: set[OrderRecord] = set()
    for row in rows:
        if isinstance(row.get("instId"), str) and row["instId"] != key.inst_id:
            continue
        try:
            order = read_order(row)
        except OkxRecordError as error:
            faults.found.add(error.reason)
            continue
        if order is None or order.fill_time_ms < key.c_time_ms - OPENING_FILL_TOLERANCE_MS:
            continue
        if last_ms is not None and order.fill_time_ms > last_ms:
            continue
        if (order.pos_side, order.td_mode) != (key.pos_side, key.mgn_mode):
            others.append(order)
            continue
        if order in seen:  # history and archive overlap
            continue
        seen.add(order)
        faults.add_if(order.category not in CATEGORIES, Reason.UNKNOWN_CATEGORY)
        mine.append(order)
    ids = [order.ord_id for order in mine]
    faults.add_if(len(set(ids)) != len(ids), Reason.CONTRADICTORY_RECORDS)
    return tuple(mine), tuple(others)


def _same_position(row: Row, key: PositionKey) -> bool:
    # By text, so that a row whose ids came as numbers is looked at (and found faulty), not passed over;
    # a cTime within a second is looked at too, and then is an identity that does not match.
    if str(row.get("posId")) != key.pos_id:
        return False
    opened = str(row.get("cTime"))
    if not opened.isdecimal():
        return True
    return abs(int(opened) - key.c_time_ms) <= OPENING_FILL_TOLERANCE_MS
