"""What stands against an insured position on its own account: the payout would then come on top of a gain.

Seen are: any position of the same coin that is open at binding or at the claim, and what opened the other
side of the same instrument in between. Not seen are a hedge in another instrument that was opened after
binding and closed before the claim, and anything on other exchanges or accounts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from liqpass.domain.okx_records import (
    Exposure,
    OkxRecordError,
    OrderRecord,
    is_open,
    opening_side,
    parse_instrument,
    read_exposure,
)
from liqpass.domain.reasons import Reason

_DIRECTED = frozenset({"SWAP", "FUTURES"})
_FORCED = frozenset({"full_liquidation", "partial_liquidation", "adl", "delivery"})


def opposes(other: Exposure, inst_id: str, direction: str) -> bool:
    """Whether a position hedges one of `direction` in `inst_id`: same coin, other direction.

    Options and margin positions have no plain direction: in the same coin they count as a hedge.
    """
    if other.base != parse_instrument(inst_id).base:
        return False
    return other.inst_type not in _DIRECTED or other.direction != direction


def opens_against(order: OrderRecord, direction: str) -> bool:
    """Whether an order of the same instrument, but of another position, opens against `direction`.

    In net mode that other position has the other margin mode, and an order of the trader's that reduces it
    looks like one that opens: a person looks.
    """
    opposite = "short" if direction == "long" else "long"
    if order.pos_side == "net":
        return order.side == opening_side(opposite) and order.category not in _FORCED
    return order.pos_side == opposite and order.side == opening_side(opposite)


def open_against(
    others: Iterable[Mapping[str, Any]], inst_id: str, direction: str, until_ms: int | None
) -> frozenset[Reason]:
    """Doubts of the other positions' rows: those opened until `until_ms` (None: whenever) may hedge."""
    doubts = set()
    for row in others:
        if not is_open(row) or (until_ms is not None and _opened_after(row, until_ms)):
            continue
        try:
            hedged = opposes(read_exposure(row), inst_id, direction)
        except OkxRecordError as error:
            doubts.add(error.reason)
            continue
        if hedged:
            doubts.add(Reason.POSITION_HEDGED)
    return frozenset(doubts)


def _opened_after(row: Mapping[str, Any], time_ms: int) -> bool:
    opened = row.get("cTime")
    return isinstance(opened, str) and opened.isdecimal() and int(opened) > time_ms
