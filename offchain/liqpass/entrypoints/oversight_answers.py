"""What operators and reviewers look at as JSON values: money as decimal strings of USDC, times in UTC.

No OKX credential, user id or hash of one is in any of them; OKX's raw answers are shown as they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from liqpass.domain.audit import AuditEntry
from liqpass.domain.identifiers import checksum_address
from liqpass.entrypoints.answers import (
    batch_answer,
    claim_answer,
    iso,
    money,
    order_answer,
    parameters_answer,
)
from liqpass.entrypoints.shapes import oversight
from liqpass.overseeing import ClaimView, DayFigures, Overview, QueuePage, QueueRow, RawResponse
from liqpass.overseeing.alerts import alerts
from liqpass.overseeing.queue import COUNT_LIMIT
from liqpass.records import PaidOut


def queue_answer(page: QueuePage) -> oversight.QueueAnswer:
    """A page of the queue; `next` null at the end. A count of `countLimit` means: so many or more."""
    return {
        "claims": [_row(row) for row in page.rows],
        "next": page.next or None,
        "newestFirst": page.newest_first,
        "counts": dict(page.counts),
        "countLimit": COUNT_LIMIT,
    }


def claim_detail_answer(view: ClaimView, now_ms: int) -> oversight.ClaimDetailAnswer:
    """A claim with its order, evidence as it came, reviews, history, and whether the decision still holds."""
    return {
        "claim": claim_answer(view.claim, list(view.reviews)),
        "order": order_answer(view.order, now_ms),
        "rules": parameters_answer(view.parameters),
        "attempts": [
            {"attempt": attempt, "responses": [_response(response) for response in responses]}
            for attempt, responses in view.attempts
        ],
        "replay": None
        if view.replayed is None
        else {
            "agrees": view.replayed.agrees,
            "differences": list(view.replayed.differences),
            "fault": view.replayed.fault,
        },
        "history": [_entry(entry) for entry in view.history],
        "batch": None
        if view.batch is None
        else batch_answer(view.batch, None if view.item is None else [view.item]),
        "payout": None if view.payout is None else _payout(view.payout),
        "samePerson": {"otherOrders": view.other_orders, "otherClaims": view.other_claims},
    }


def overview_answer(seen: Overview) -> oversight.Overview:
    """Gauges and warnings; null: it cannot be read now, or there is none."""
    book, rules, audit = seen.book, seen.parameters, seen.audit
    return {
        "at": iso(seen.at_ms),
        "claimsByState": dict(book.claims_by_state),
        "countLimit": COUNT_LIMIT,
        "openClaimsByReason": dict(book.open_by_reason),
        "oldestPendingS": _seconds(book.oldest_pending_ms),
        "deadFetches": book.dead_fetches,
        "held": book.held,
        "dailyCap": {
            "capUsdc": money(rules.daily_cap),
            "paidTodayUsdc": money(book.paid_today),
            "toPayUsdc": money(book.to_pay),
            "usedUsdc": money(book.used_today),
            "usedPercent": book.used_today * 100 // rules.daily_cap,
        },
        "hotWallet": {"balanceUsdc": money(seen.vault_balance), "maxUsdc": money(rules.hot_wallet_max)},
        "exposure": {"openUsdc": money(book.open_exposure), "maxUsdc": money(rules.max_open_exposure)},
        "unmatchedPayments": book.unmatched,
        "openBatches": [
            {**batch_answer(batch), "ageS": _seconds(seen.at_ms - batch.built_at_ms)}
            for batch in book.open_batches
        ],
        "stuckIntents": None
        if seen.stuck is None
        else [
            {"key": each.key, "signer": each.signer, "state": each.state, "since": iso(each.since_ms)}
            for each in seen.stuck
        ],
        "audit": {
            "count": audit.count,
            "verified": audit.verified,
            "fault": None
            if audit.fault is None
            else {"seq": audit.fault.seq, "message": audit.fault.message},
        },
        "syncLagS": _seconds(book.sync_lag_ms),
        "warnings": [{"code": str(alert.code), "message": alert.message} for alert in alerts(seen)],
    }


def per_day_answer(days: Sequence[DayFigures]) -> list[oversight.Day]:
    """Claims and payouts of each UTC day, oldest first."""
    return [
        {"day": day.day, "claims": day.claims, "payouts": day.payouts, "paidUsdc": money(day.paid)}
        for day in days
    ]


def _row(row: QueueRow) -> oversight.QueueRow:
    return {
        **claim_answer(row.claim, list(row.words)),
        "buyer": checksum_address(row.buyer),
        "instId": row.inst_id,
        "ageS": _seconds(row.age_ms),
        "approvals": row.approvals,
        "takesTwoReviewers": row.takes_two,
        "needsSecondReviewer": row.needs_second,
    }


def _response(response: RawResponse) -> oversight.RawResponse:
    return {
        "method": response.method,
        "path": response.path,
        "httpStatus": response.http_status,
        "requestedAtMs": str(response.requested_at_ms),
        "receivedAtMs": str(response.received_at_ms),
        "sha256": response.sha256,
        "body": response.body,
    }


def _entry(entry: AuditEntry) -> oversight.HistoryEntry:
    details = dict(entry.details)
    return {
        "seq": entry.seq,
        "at": iso(entry.at_ms),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "requestId": details.pop("requestId", None),
        "details": details,
    }


def _payout(payout: PaidOut) -> oversight.PaidOut:
    return {
        "batchId": payout.batch_id,
        "recipient": checksum_address(payout.recipient),
        "amountUsdc": money(payout.amount),
        "transaction": payout.tx_hash,
        "block": payout.block,
        "confirmedAt": iso(payout.confirmed_at_ms),
    }


@overload
def _seconds(milliseconds: int) -> int: ...
@overload
def _seconds(milliseconds: int | None) -> int | None: ...
def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds // 1000
