"""What in an overview needs a person, and from when on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from liqpass.domain.money import format_usdc, usdc
from liqpass.overseeing.overview import Overview

CAP_WARN_PERCENT = 80
OLDEST_CLAIM_MS = 24 * 3_600_000
STUCK_INTENT_MS = 30 * 60_000
SYNC_LAG_MS = 10 * 60_000


class AlertCode(StrEnum):
    """Stable: monitors and pages go by them."""

    HOT_WALLET_ABOVE_MAX = "HOT_WALLET_ABOVE_MAX"
    HOT_WALLET_BELOW_BATCH = "HOT_WALLET_BELOW_BATCH"
    CHAIN_UNREADABLE = "CHAIN_UNREADABLE"
    DAILY_CAP_NEARLY_USED = "DAILY_CAP_NEARLY_USED"
    CLAIM_WAITS_LONG = "CLAIM_WAITS_LONG"
    INTENTS_STUCK = "INTENTS_STUCK"
    JOURNALS_UNREADABLE = "JOURNALS_UNREADABLE"
    FETCHES_DEAD = "FETCHES_DEAD"
    AUDIT_FAULT = "AUDIT_FAULT"
    SYNC_LATE = "SYNC_LATE"
    PAYMENTS_UNMATCHED = "PAYMENTS_UNMATCHED"


@dataclass(frozen=True, slots=True)
class Alert:
    """A code for machines, a message for people."""

    code: AlertCode
    message: str


def alerts(seen: Overview) -> tuple[Alert, ...]:
    """Everything that needs a person, the vault first."""
    return (*_vault(seen), *_book(seen), *_machine(seen))


def _vault(seen: Overview) -> Iterator[Alert]:
    limit, needed, balance = seen.parameters.hot_wallet_max, seen.book.to_pay, seen.vault_balance
    if balance is None:
        yield Alert(AlertCode.CHAIN_UNREADABLE, "The chain cannot be read: the vault's balance is unknown.")
    elif balance > limit:
        yield Alert(
            AlertCode.HOT_WALLET_ABOVE_MAX,
            f"The vault holds {_usdc(balance)} USDC, allowed are {_usdc(limit)}: sweep it.",
        )
    elif balance < needed:
        yield Alert(
            AlertCode.HOT_WALLET_BELOW_BATCH,
            f"The vault holds {_usdc(balance)} USDC, open batches pay {_usdc(needed)}: fund it.",
        )


def _book(seen: Overview) -> Iterator[Alert]:
    book, cap = seen.book, seen.parameters.daily_cap
    if book.used_today * 100 >= cap * CAP_WARN_PERCENT:
        yield Alert(
            AlertCode.DAILY_CAP_NEARLY_USED,
            f"{_usdc(book.used_today)} of today's {_usdc(cap)} USDC are paid or promised.",
        )
    if book.oldest_pending_ms is not None and book.oldest_pending_ms > OLDEST_CLAIM_MS:
        hours = book.oldest_pending_ms // 3_600_000
        yield Alert(AlertCode.CLAIM_WAITS_LONG, f"The oldest claim has waited {hours} hours for a review.")
    if book.dead_fetches:
        yield Alert(
            AlertCode.FETCHES_DEAD,
            f"{book.dead_fetches} claims are being fetched for too long: their process died.",
        )
    if book.unmatched:
        yield Alert(
            AlertCode.PAYMENTS_UNMATCHED, f"{book.unmatched} payments cover nothing: refund or explain them."
        )


def _machine(seen: Overview) -> Iterator[Alert]:
    if seen.stuck:
        keys = ", ".join(intent.key for intent in seen.stuck[:5])
        yield Alert(
            AlertCode.INTENTS_STUCK,
            f"{len(seen.stuck)} transactions have no end for {STUCK_INTENT_MS // 60_000} minutes: {keys}. "
            "See `liqpass tx resume-hints`.",
        )
    if seen.journals_fault is not None:
        yield Alert(AlertCode.JOURNALS_UNREADABLE, seen.journals_fault)
    if seen.audit.fault is not None:
        fault = seen.audit.fault
        yield Alert(
            AlertCode.AUDIT_FAULT, f"Audit entry {fault.seq} {fault.message}. See `liqpass audit verify`."
        )
    lag_ms = seen.book.sync_lag_ms
    if lag_ms is None:
        yield Alert(AlertCode.SYNC_LATE, "No block was read yet: payments are not found.")
    elif lag_ms > SYNC_LAG_MS:
        yield Alert(AlertCode.SYNC_LATE, f"The chain was last read up to {lag_ms // 60_000} minutes ago.")


def _usdc(base_units: int) -> str:
    return format_usdc(usdc(base_units))
