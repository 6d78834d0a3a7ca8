"""What the admin application shows of queue, claim and business; money as decimal strings of USDC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liqpass.domain.identifiers import checksum_address
from liqpass.entrypoints.answers import (
    batch_answer,
    claim_answer,
    iso,
    money,
    order_answer,
    parameters_answer,
)
from liqpass.overseeing import Alert, ClaimView, DayFigures, Overview, QueuePage, QueueRow, RawResponse


def queue_answer(page: QueuePage) -> dict[str, Any]:
    """A page of claims; `next` is the cursor of the page after it, empty at the end."""
    return {
        "claims": [_queued(row) for row in page.rows],
        "counts": dict(page.counts),
        "next": page.next,
        "newestFirst": page.newest_first,
    }


def _queued(row: QueueRow) -> dict[str, Any]:
    return {
        **claim_answer(row.claim, list(row.words)),
        "buyer": checksum_address(row.buyer),
        "instId": row.inst_id,
        "waitsSeconds": row.age_ms // 1000,
        "takesTwoReviewers": row.takes_two,
        "needsSecondReviewer": row.needs_second,
    }


def claim_detail_answer(view: ClaimView, now_ms: int) -> dict[str, Any]:
    """One claim with everything about it."""
    return {
        "claim": claim_answer(view.claim, list(view.reviews)),
        "order": order_answer(view.order, now_ms),
        "parameters": parameters_answer(view.parameters),
        "responses": [
            {"attempt": attempt, "answers": [_raw(each) for each in answers]}
            for attempt, answers in view.attempts
        ],
        "replay": None
        if view.replayed is None
        else {
            "agrees": view.replayed.agrees,
            "differences": list(view.replayed.differences),
            "fault": view.replayed.fault,
        },
        "history": [
            {
                "seq": entry.seq,
                "at": iso(entry.at_ms),
                "actor": entry.actor,
                "action": entry.action,
                "subject": entry.subject,
                "details": dict(entry.details),
            }
            for entry in view.history
        ],
        "batch": None if view.batch is None else batch_answer(view.batch),
        "payout": None
        if view.payout is None
        else {
            "transaction": view.payout.tx_hash,
            "block": view.payout.block,
            "amountUsdc": money(view.payout.amount),
            "recipient": checksum_address(view.payout.recipient),
            "confirmedAt": iso(view.payout.confirmed_at_ms),
        },
        "proofToken": view.claim.proof_token,
        "otherOrdersOfThisPerson": view.other_orders,
        "otherClaimsOfThisPerson": view.other_claims,
    }


def _raw(response: RawResponse) -> dict[str, Any]:
    return {
        "method": response.method,
        "path": response.path,
        "httpStatus": response.http_status,
        "requestedAt": iso(response.requested_at_ms),
        "receivedAt": iso(response.received_at_ms),
        "sha256": response.sha256,
        "body": response.body,
    }


def overview_answer(seen: Overview, warnings: Sequence[Alert]) -> dict[str, Any]:
    """Gauges and what needs a person. null: cannot be read now."""
    book, rules = seen.book, seen.parameters
    return {
        "at": iso(seen.at_ms),
        "claimsByState": dict(book.claims_by_state),
        "openClaimsByReason": dict(book.open_by_reason),
        "dailyCap": {
            "limitUsdc": money(rules.daily_cap),
            "usedUsdc": money(book.used_today),
            "paidTodayUsdc": money(book.paid_today),
            "promisedUsdc": money(book.to_pay),
        },
        "hotWallet": {"limitUsdc": money(rules.hot_wallet_max), "balanceUsdc": money(seen.vault_balance)},
        "exposure": {
            "limitUsdc": money(rules.max_open_exposure),
            "openUsdc": money(book.open_exposure),
        },
        "oldestPendingSeconds": None if book.oldest_pending_ms is None else book.oldest_pending_ms // 1000,
        "deadFetches": book.dead_fetches,
        "held": book.held,
        "unmatchedPayments": book.unmatched,
        "openBatches": [batch_answer(batch) for batch in book.open_batches],
        "syncLagSeconds": None if book.sync_lag_ms is None else book.sync_lag_ms // 1000,
        "stuckIntents": None if seen.stuck is None else len(seen.stuck),
        "audit": {
            "entries": seen.audit.count,
            "verified": seen.audit.verified,
            "fault": None if seen.audit.fault is None else seen.audit.fault.message,
        },
        "warnings": [{"code": str(each.code), "message": each.message} for each in warnings],
    }


def per_day_answer(days: Sequence[DayFigures]) -> list[dict[str, Any]]:
    """Claims and payouts a UTC day."""
    return [
        {"day": day.day, "claims": day.claims, "payouts": day.payouts, "paidUsdc": money(day.paid)}
        for day in days
    ]
