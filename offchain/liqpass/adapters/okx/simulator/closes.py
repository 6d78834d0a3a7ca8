"""How positions end, and how OKX names each way in its two records of it."""

from __future__ import annotations

from enum import StrEnum


class Close(StrEnum):
    """How a position may be closed, wholly or in part."""

    FULL_LIQUIDATION = "full_liquidation"
    PARTIAL_LIQUIDATION = "partial_liquidation"
    ADL = "adl"
    ADL_PARTIAL = "adl_partial"
    DELIVERY = "delivery"
    MANUAL = "manual"
    MANUAL_PARTIAL = "manual_partial"


# (type of the positions-history row, category of the order)
TYPE_AND_CATEGORY = {
    Close.FULL_LIQUIDATION: ("3", "full_liquidation"),
    Close.PARTIAL_LIQUIDATION: ("4", "partial_liquidation"),
    Close.ADL: ("6", "adl"),
    Close.ADL_PARTIAL: ("5", "adl"),
    Close.DELIVERY: ("2", "delivery"),
    Close.MANUAL: ("2", "normal"),
    Close.MANUAL_PARTIAL: ("1", "normal"),
}
PARTIAL = frozenset({Close.PARTIAL_LIQUIDATION, Close.ADL_PARTIAL, Close.MANUAL_PARTIAL})
LIQUIDATIONS = frozenset({Close.FULL_LIQUIDATION, Close.PARTIAL_LIQUIDATION})
TRIGGERED = LIQUIDATIONS | {Close.ADL_PARTIAL}
