"""Rows of OKX API v5, read strictly: every scalar is a string, and a number is a finding, not coerced."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from liqpass.domain.position import PositionKey
from liqpass.domain.reasons import Reason

OPENING_FILL_TOLERANCE_MS = 1_000  # the opening fill may lie 1 ms before the position's cTime
READ_ONLY = frozenset({"read_only"})
SETTLEMENTS = frozenset({"USDT", "USDC"})

_DECIMAL = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_TIME_MS = re.compile(r"[0-9]{1,15}", re.ASCII)


class OkxRecordError(ValueError):
    """A row that cannot be read: `reason` is NOT_A_STRING or UNREADABLE_RECORD."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Keep the finding for the verdict."""
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Instrument:
    """A perpetual swap's id taken apart, such as BTC-USDT-SWAP."""

    base: str
    quote: str
    kind: str

    @property
    def is_linear_swap(self) -> bool:
        """Settled in its quote currency; `BTC-USD-SWAP` settles in BTC and is not linear."""
        return self.kind == "SWAP" and self.quote != "USD"


def parse_instrument(inst_id: str) -> Instrument:
    """BASE-QUOTE-KIND; whatever has another form keeps an empty quote and is no linear swap."""
    parts = inst_id.split("-")
    if len(parts) == 3 and all(parts):
        return Instrument(*parts)
    return Instrument(parts[0], "", "")


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """A row of `/api/v5/account/positions`. `direction` is long or short; `size` is positive (contracts)."""

    key: PositionKey
    inst_type: str
    direction: str
    size: Decimal
    leverage: Decimal
    mark_px: Decimal
    liq_px: Decimal | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """What any row of `/api/v5/account/positions` says about direction, options and margin loans included."""

    inst_type: str
    base: str
    direction: str


@dataclass(frozen=True, slots=True)
class ClosedPosition:
    """A row of `/api/v5/account/positions-history`. `liq_penalty` is zero or negative."""

    key: PositionKey
    inst_type: str
    direction: str
    u_time_ms: int
    close_type: str
    leverage: Decimal
    open_max_size: Decimal
    close_total_size: Decimal
    realised_pnl: Decimal
    parts: tuple[Decimal, ...]  # pnl, fee, fundingFee, liqPenalty, settledPnl: they add up to realised_pnl
    liq_penalty: Decimal
    liq_penalty_text: str
    currency: str
    trigger_px: Decimal | None


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """A filled row of `orders-history` or its archive."""

    ord_id: str
    inst_type: str
    inst_id: str
    td_mode: str
    pos_side: str
    side: str
    category: str
    state: str
    filled_size: Decimal
    fill_time_ms: int
    pnl: Decimal
    fee: Decimal
    fee_currency: str


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """The row of `/api/v5/account/config`, the one place where OKX uses booleans. Never stored.

    The ids identify a person: neither is printed.
    """

    uid: str = field(repr=False)
    main_uid: str = field(repr=False)
    permissions: frozenset[str]

    @property
    def is_read_only(self) -> bool:
        """Whether the key may read and do nothing else."""
        return self.permissions == READ_ONLY


def read_open_position(row: Mapping[str, Any]) -> OpenPosition:
    """Raises `OkxRecordError`."""
    _refuse_numbers(row)
    size = _decimal(row, "pos")
    return OpenPosition(
        key=_key(row),
        inst_type=_text(row, "instType"),
        direction=_direction(_text(row, "posSide"), size),
        size=abs(size),
        leverage=_decimal(row, "lever"),
        mark_px=_positive(row, "markPx"),
        liq_px=_optional(row, "liqPx"),
    )


def read_exposure(row: Mapping[str, Any]) -> Exposure:
    """Raises `OkxRecordError`."""
    direction = _direction(_text(row, "posSide"), _decimal(row, "pos"))
    return Exposure(_text(row, "instType"), parse_instrument(_text(row, "instId")).base, direction)


def read_closed_position(row: Mapping[str, Any]) -> ClosedPosition:
    """Raises `OkxRecordError`."""
    _refuse_numbers(row)
    parts = tuple(_optional(row, name) or Decimal(0) for name in ("pnl", "fee", "fundingFee"))
    penalty = _optional(row, "liqPenalty") or Decimal(0)
    # settledPnl and triggerPx exist for some rows only: empty or absent elsewhere
    settled = (_optional(row, "settledPnl") if "settledPnl" in row else None) or Decimal(0)
    return ClosedPosition(
        key=_key(row),
        inst_type=_text(row, "instType"),
        direction=_text(row, "direction"),
        u_time_ms=_time_ms(row, "uTime"),
        close_type=_text(row, "type"),
        leverage=_decimal(row, "lever"),
        open_max_size=abs(_decimal(row, "openMaxPos")),
        close_total_size=abs(_decimal(row, "closeTotalPos")),
        realised_pnl=_decimal(row, "realizedPnl"),
        parts=(*parts, penalty, settled),
        liq_penalty=penalty,
        liq_penalty_text=_text(row, "liqPenalty"),
        currency=_text(row, "ccy"),
        trigger_px=_optional(row, "triggerPx") if "triggerPx" in row else None,
    )


def read_order(row: Mapping[str, Any]) -> OrderRecord | None:
    """None for an order that was never filled: it changed no position. Raises `OkxRecordError`."""
    _refuse_numbers(row)
    size = _optional(row, "accFillSz")
    if size is None or size == 0:
        return None
    return OrderRecord(
        ord_id=_text(row, "ordId"),
        inst_type=_text(row, "instType"),
        inst_id=_text(row, "instId"),
        td_mode=_text(row, "tdMode"),
        pos_side=_text(row, "posSide"),
        side=_text(row, "side"),
        category=_text(row, "category"),
        state=_text(row, "state"),
        filled_size=size,
        fill_time_ms=_time_ms(row, "fillTime"),
        pnl=_optional(row, "pnl") or Decimal(0),
        fee=_optional(row, "fee") or Decimal(0),
        fee_currency=_text(row, "feeCcy"),
    )


def read_account_config(row: Mapping[str, Any]) -> AccountConfig:
    """Raises `OkxRecordError`."""
    uid, main_uid = _text(row, "uid"), _text(row, "mainUid")
    if not uid or not main_uid:
        raise OkxRecordError(Reason.UNREADABLE_RECORD, "account without uid or mainUid")
    permissions = frozenset(part.strip() for part in _text(row, "perm").split(","))
    return AccountConfig(uid, main_uid, permissions)


def is_open(row: Mapping[str, Any]) -> bool:
    """Whether a row of `/api/v5/account/positions` holds something: size zero may be listed for a moment.

    A size that came as a number counts as open, to be refused as one where it is read.
    """
    return row.get("pos") not in ("0", "")


def order_opens(order: OrderRecord, position: OpenPosition) -> bool:
    """Whether `order` is the one that opened `position`, by identity, side and time (± 1 s)."""
    return (
        order.inst_id == position.key.inst_id
        and order.td_mode == position.key.mgn_mode
        and order.pos_side == position.key.pos_side
        and order.side == opening_side(position.direction)
        and abs(order.fill_time_ms - position.key.c_time_ms) <= OPENING_FILL_TOLERANCE_MS
    )


def opening_side(direction: str) -> str:
    """The order side that adds to a position; the other one closes it."""
    return "buy" if direction == "long" else "sell"


def _key(row: Mapping[str, Any]) -> PositionKey:
    return PositionKey(
        _text(row, "instId"),
        _text(row, "mgnMode"),
        _text(row, "posSide"),
        _text(row, "posId"),
        _time_ms(row, "cTime"),
    )


def _direction(pos_side: str, size: Decimal) -> str:
    if pos_side in {"long", "short"}:
        return pos_side
    return "long" if size > 0 else "short"


def _refuse_numbers(row: Mapping[str, Any]) -> None:
    for name, value in row.items():
        if isinstance(value, int | Decimal):  # bool is an int: no boolean belongs into these rows either
            raise OkxRecordError(Reason.NOT_A_STRING, f"{name} is {value!r}, not a string")


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, int | Decimal):
        raise OkxRecordError(Reason.NOT_A_STRING, f"{name} is {value!r}, not a string")
    if not isinstance(value, str):
        raise OkxRecordError(Reason.UNREADABLE_RECORD, f"{name} is missing")
    return value


def _optional(row: Mapping[str, Any], name: str) -> Decimal | None:
    text = _text(row, name)
    if not text:
        return None
    if _DECIMAL.fullmatch(text) is None:
        raise OkxRecordError(Reason.UNREADABLE_RECORD, f"{name} is not a decimal: {text[:40]!r}")
    return Decimal(text)


def _decimal(row: Mapping[str, Any], name: str) -> Decimal:
    value = _optional(row, name)
    if value is None:
        raise OkxRecordError(Reason.UNREADABLE_RECORD, f"{name} is empty")
    return value


def _positive(row: Mapping[str, Any], name: str) -> Decimal:
    value = _decimal(row, name)
    if value <= 0:
        raise OkxRecordError(Reason.UNREADABLE_RECORD, f"{name} is {value}, not positive")
    return value


def _time_ms(row: Mapping[str, Any], name: str) -> int:
    text = _text(row, name)
    if _TIME_MS.fullmatch(text) is None:
        raise OkxRecordError(Reason.UNREADABLE_RECORD, f"{name} is not a time: {text[:40]!r}")
    return int(text)
