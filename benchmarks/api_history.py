"""A book with a long history: policies, claims in every state, payouts, an audit chain that verifies."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from liqpass.adapters.database.tables import (
    audit,
    audit_head,
    counters,
    metadata,
    parameter_sets,
)
from liqpass.domain.audit import EMPTY, Anchor, append
from liqpass.domain.canonical import canonical_json
from liqpass.domain.parameters import Parameters
from liqpass.records import Site
from sqlalchemy import Connection, Engine, insert, update

DAY_MS = 86_400_000
A_DAY = 100  # payouts of one batch
CLAIMED_EVERY = 2  # policies
BUNDLE = b"x" * 2048  # of the size of a small bundle; nothing measured reads one
# What waits does not grow with history; the rest of the claims are over: two thirds paid, one third rejected.
WAITING = {"PENDING": 50, "APPROVED": 8, "BATCHED": 8, "FAILED": 5, "VERIFYING": 2, "HELD": 2}
_CHUNK = 5_000


def fill(engine: Engine, site: Site, parameters: Parameters, policies: int, now_ms: int) -> None:
    """Insert so many paid policies into an empty book, the newest two days old."""
    with engine.begin() as book:
        values = {
            "version": parameters.params_version,
            "json": canonical_json(parameters.as_json()).decode(),
            "first_used_at_ms": 0,
        }
        book.execute(insert(parameter_sets).values(values))
        states = list(_states(policies))
        _insert(book, "orders", (_order(site, parameters, no, states[no - 1], now_ms) for no in _all(states)))
        claimed = [no for no in _all(states) if states[no - 1]]
        _insert(book, "claims", (_claim(no, states[no - 1], now_ms) for no in claimed))
        paid = [no for no in claimed if states[no - 1] == "PAID"]
        open_ = [no for no in claimed if states[no - 1] in ("BATCHED", "HELD")]
        _insert(book, "batches", _batches(site, len(paid), now_ms))
        _insert(book, "batch_items", (_item(at, no, "paid", now_ms) for at, no in enumerate(paid)))
        _insert(book, "batch_items", (_item(0, no, None, now_ms) for no in open_))
        _insert(book, "payouts", (_payout(at, no, now_ms) for at, no in enumerate(paid)))
        book.execute(update(counters).where(counters.c.name == "policy_no").values(value=policies))
        _write_audit(book, states, now_ms)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as book:
        book.exec_driver_sql("ANALYZE")


def _states(policies: int) -> Iterator[str]:
    """The claim's state of each policy, empty where none was made; what waits is the newest."""
    waiting = [state for state, count in WAITING.items() for _ in range(count)]
    first = policies // CLAIMED_EVERY - len(waiting)
    for place in range(policies):
        number, rest = divmod(place, CLAIMED_EVERY)
        if rest:
            yield ""
        elif number < first:
            yield "REJECTED" if number % 3 == 0 else "PAID"
        else:
            yield waiting[min(number - first, len(waiting) - 1)]


def _all(states: list[str]) -> range:
    return range(1, len(states) + 1)


def _insert(book: Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    rest = iter(rows)
    while chunk := list(islice(rest, _CHUNK)):
        book.execute(insert(metadata.tables[table]), chunk)


def _uuid(kind: str, no: int) -> str:
    return str(uuid.UUID(bytes=_digest(kind, no)[:16]))


def _digest(kind: str, no: int) -> bytes:
    return hashlib.sha256(f"{kind} {no}".encode()).digest()


def _hash(kind: str, no: int) -> str:
    return "0x" + _digest(kind, no).hex()


def _buyer(no: int) -> str:
    return "0x" + _digest("buyer", no // 3)[:20].hex()  # three policies a person


def _paid_at_ms(no: int, now_ms: int) -> int:
    # The newest are two days old; five minutes lie between two.
    return now_ms - 2 * DAY_MS - (200_000 - no) * 300_000


def _order(site: Site, parameters: Parameters, no: int, claim: str, now_ms: int) -> dict[str, Any]:
    paid_at_ms = _paid_at_ms(no, now_ms)
    state = {"": "COVERED", "PAID": "PAID", "REJECTED": "REJECTED", "PENDING": "CLAIM_REQUESTED"}.get(
        claim, "CLAIM_REQUESTED" if claim in ("FAILED", "VERIFYING") else "APPROVED"
    )
    start_ms = paid_at_ms + parameters.waiting_s * 1000
    return {
        "id": _uuid("order", no),
        "order_hash": _hash("order", no),
        "state": state,
        "buyer": _buyer(no),
        "chain_id": site.chain_id,
        "checkout": site.checkout,
        "premium": parameters.premium,
        "payout": parameters.payout_cap,
        "params_version": parameters.params_version,
        "valid_until_s": paid_at_ms // 1000 + 600,
        "created_at_ms": paid_at_ms - 300_000,
        "okx_env": site.okx_env,
        "inst_id": "BTC-USDT-SWAP",
        "mgn_mode": "isolated",
        "pos_side": "long",
        "pos_id": str(10**18 + no),
        "c_time_ms": paid_at_ms - DAY_MS,
        "bound_at_ms": paid_at_ms - 200_000,
        "body_sha256": _digest("body", no).hex(),
        "position_hash": _digest("position", no).hex(),
        "uid_hmac": _digest("uid", no // 3).hex(),
        "main_uid_hmac": _digest("uid", no // 3).hex(),
        "quote_hash": _hash("quote", no),
        "policy_no": no,
        "paid_at_ms": paid_at_ms,
        "start_ms": start_ms,
        "end_ms": start_ms + parameters.cover_s * 1000,
        "payment_kind": "chain",
        "payment_tx": _hash("payment", no),
        "payment_log_index": 1,
        "payment_block": no,
    }


def _claim(no: int, state: str, now_ms: int) -> dict[str, Any]:
    asked_at_ms = _paid_at_ms(no, now_ms) + 3_600_000
    judged = state not in ("FAILED", "VERIFYING")
    approved = state in ("APPROVED", "BATCHED", "HELD", "PAID")
    return {
        "id": _uuid("claim", no),
        "order_id": _uuid("order", no),
        "policy_no": no,
        "state": state,
        "attempt": 1,
        "requested_at_ms": asked_at_ms,
        "attempted_at_ms": asked_at_ms,
        "proof_token": _digest("token", no).hex(),
        "failure_code": "FETCH_FAILED" if state == "FAILED" else None,
        "failure": "OKX did not answer" if state == "FAILED" else None,
        "fetched_at_ms": asked_at_ms + 900 if judged else None,
        "rules_version": "liqpass.rules/2" if judged else None,
        "verdict": ("NOT_ELIGIBLE" if state == "REJECTED" else "ELIGIBLE") if judged else None,
        "reasons": json.dumps(["LIQUIDATED_IN_WINDOW"]) if judged else None,
        "payout": 50_000_000 if judged else None,
        "bundle": BUNDLE if judged else None,
        "evidence_hash": _hash("evidence", no) if judged else None,
        "recipient": _buyer(no) if approved else None,
        "approved_at_ms": asked_at_ms + 3_600_000 if approved else None,
        "closed_at_ms": asked_at_ms + DAY_MS if state in ("PAID", "REJECTED") else None,
        "rejection_final": True if state == "REJECTED" else None,
    }


def _batch_id(day: int, now_ms: int) -> int:
    return int(datetime.fromtimestamp((now_ms - day * DAY_MS) / 1000, UTC).strftime("%Y%m%d"))


def _batches(site: Site, paid: int, now_ms: int) -> Iterator[dict[str, Any]]:
    for day in range(paid // A_DAY + 2):  # day 0 is today's, still open
        at_ms = now_ms - day * DAY_MS
        yield {
            "id": _batch_id(day, now_ms),
            "state": "CLOSED" if day else "PLANNED",
            "chain_id": site.chain_id,
            "vault": site.vault,
            "payout_root": _hash("root", day),
            "total": A_DAY * 50_000_000,
            "cut_off_ms": at_ms,
            "built_at_ms": at_ms,
            "closed_at_ms": at_ms + 3_600_000 if day else None,
        }


def _item(place: int, no: int, outcome: str | None, now_ms: int) -> dict[str, Any]:
    return {
        "batch_id": _batch_id(place // A_DAY + 1 if outcome else 0, now_ms),
        "policy_no": no,
        "claim_id": _uuid("claim", no),
        "recipient": _buyer(no),
        "amount": 50_000_000,
        "evidence_hash": _hash("evidence", no),
        "outcome": outcome,
    }


def _payout(place: int, no: int, now_ms: int) -> dict[str, Any]:
    row = _item(place, no, "paid", now_ms)
    del row["outcome"]
    confirmed_at_ms = now_ms - (place // A_DAY + 1) * DAY_MS
    return {**row, "tx_hash": _hash("payout", no), "block": no, "confirmed_at_ms": confirmed_at_ms}


def _write_audit(book: Connection, states: list[str], now_ms: int) -> None:
    anchor = EMPTY
    chunk: list[dict[str, Any]] = []
    for no in _all(states):
        acts = [("PREMIUM_PAID", f"order/{_uuid('order', no)}")]
        if states[no - 1]:
            acts.append(("CLAIM_REQUESTED", f"claim/{_uuid('claim', no)}"))
        for action, subject in acts:
            details = {"policyNo": str(no)}
            at_ms = _paid_at_ms(no, now_ms)
            entry = append(
                anchor, at_ms=at_ms, actor="history", action=action, subject=subject, details=details
            )
            anchor = Anchor(entry.seq, entry.entry_hash)
            chunk.append(
                {
                    "seq": entry.seq,
                    "at_ms": at_ms,
                    "actor": "history",
                    "action": action,
                    "subject": subject,
                    "details": json.dumps(details),
                    "prev_hash": entry.prev_hash,
                    "entry_hash": entry.entry_hash,
                }
            )
        if len(chunk) >= _CHUNK or no == len(states):
            book.execute(insert(audit), chunk)
            chunk = []
    book.execute(update(audit_head).values(count=anchor.count, head=anchor.head))
