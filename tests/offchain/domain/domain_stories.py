"""One insured position and what OKX says of its end, with every row open to change."""

import json
from collections.abc import Sequence
from typing import Any

from liqpass.domain.decision import Decision
from liqpass.domain.eligibility import decide
from liqpass.domain.evidence import Bundle, Env, StoredRequest, Venue
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.position import BoundPosition, PositionKey, Subject
from liqpass.domain.window import Window, cover_window

OPENED_MS = 1_790_000_000_000
BOUND_MS = OPENED_MS + 7_200_000
PAID_S = BOUND_MS // 1000 + 60
WINDOW = cover_window(PAID_S, CONSERVATIVE)
EVENT_MS = WINDOW.start_ms + 3_600_000
CLAIMED_MS = WINDOW.end_ms + 60_000
POS_ID = "3785165892823834624"
KEY = PositionKey("SOL-USDT-SWAP", "isolated", "long", POS_ID, OPENED_MS)
SUBJECT = Subject(KEY, "ab" * 32)
CLAIM_ID = "11111111-1111-4111-8111-111111111111"
Row = dict[str, Any]


def position_row(**changes: Any) -> Row:
    """The open position at binding: 10×, 12 % from its liquidation."""
    return {
        "instType": "SWAP",
        "instId": KEY.inst_id,
        "mgnMode": "isolated",
        "posId": POS_ID,
        "posSide": "long",
        "pos": "40",
        "lever": "10",
        "markPx": "150",
        "liqPx": "132",
        "ccy": "USDT",
        "margin": "600",
        "cTime": str(OPENED_MS),
        "uTime": str(OPENED_MS),
    } | changes


def closed_row(**changes: Any) -> Row:
    """The liquidated position: realised -72.00 - 1.21 - 30.00 = -103.21."""
    return {
        "instType": "SWAP",
        "instId": KEY.inst_id,
        "mgnMode": "isolated",
        "posId": POS_ID,
        "posSide": "long",
        "direction": "long",
        "type": "3",
        "lever": "10",
        "openMaxPos": "40",
        "closeTotalPos": "40",
        "closeAvgPx": "131.8",
        "pnl": "-72",
        "fee": "-1.21",
        "fundingFee": "0",
        "liqPenalty": "-30",
        "settledPnl": "",
        "realizedPnl": "-103.21",
        "triggerPx": "131.9",
        "ccy": "USDT",
        "cTime": str(OPENED_MS),
        "uTime": str(EVENT_MS),
    } | changes


def order_row(**changes: Any) -> Row:
    """The liquidation order: its own result is -72.00 - 0.60, and the penalty comes on top."""
    return {
        "instType": "SWAP",
        "instId": KEY.inst_id,
        "tdMode": "isolated",
        "posSide": "long",
        "side": "sell",
        "category": "full_liquidation",
        "state": "filled",
        "ordId": "2497956918703120999",
        "accFillSz": "40",
        "avgPx": "131.8",
        "fillTime": str(EVENT_MS),
        "cTime": str(EVENT_MS - 1),
        "uTime": str(EVENT_MS),
        "pnl": "-72",
        "fee": "-0.6",
        "feeCcy": "USDT",
        "reduceOnly": "true",
    } | changes


def answer(path: str, rows: Sequence[Any], at_ms: int = CLAIMED_MS, **changes: Any) -> StoredRequest:
    """A successful answer of OKX with `rows`."""
    body = json.dumps({"code": "0", "msg": "", "data": list(rows)})
    fields = {
        "method": "GET",
        "path": path,
        "http_status": 200,
        "requested_at_ms": at_ms,
        "received_at_ms": at_ms + 80,
        "body": body,
    }
    return StoredRequest(**(fields | changes))


POSITIONS_PATH = "/api/v5/account/positions"
HISTORY_PATH = f"/api/v5/account/positions-history?instType=SWAP&instId={KEY.inst_id}&posId={POS_ID}"
ORDERS_PATH = f"/api/v5/trade/orders-history?instType=SWAP&instId={KEY.inst_id}"
ARCHIVE_PATH = f"/api/v5/trade/orders-history-archive?instType=SWAP&instId={KEY.inst_id}"


def requests(
    *,
    bound: Sequence[Any] | None = None,
    still_open: Sequence[Any] = (),
    closed: Sequence[Any] | None = None,
    orders: Sequence[Any] | None = None,
) -> tuple[StoredRequest, ...]:
    """The answers of a claim: by default the full liquidation inside the window."""
    return (
        answer(POSITIONS_PATH, [position_row()] if bound is None else bound, BOUND_MS - 90),
        answer(HISTORY_PATH, [closed_row()] if closed is None else closed),
        answer(ORDERS_PATH, [order_row()] if orders is None else orders),
        answer(POSITIONS_PATH, still_open),
    )


def bundle(stored: tuple[StoredRequest, ...] | None = None, **changes: Any) -> Bundle:
    """The evidence of policy 1."""
    fields: dict[str, Any] = {
        "claim_id": CLAIM_ID,
        "policy_no": 1,
        "venue": Venue.OKX,
        "env": Env.SIMULATOR,
        "subject": SUBJECT,
        "window": WINDOW,
        "event": None,
        "perm_ok": True,
        "requests": requests() if stored is None else stored,
        "salt": "5a" * 32,
    }
    return Bundle(**(fields | changes))


def verdict(stored: tuple[StoredRequest, ...] | None = None, **changes: Any) -> Decision:
    """The decision on `bundle(stored, **changes)` for the bound position."""
    window: Window = changes.pop("window", WINDOW)
    return decide(bundle(stored, window=window, **changes), window, SUBJECT, CONSERVATIVE)


def binding(stored: StoredRequest) -> BoundPosition:
    """The position as bound by the response `stored`."""
    return BoundPosition(KEY, SUBJECT.uid_hmac, BOUND_MS, stored.body_sha256)
