"""The book's figures at one moment, and claims and payouts a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from liqpass.claims.submit import LEASE_MS
from liqpass.domain.batch_state import OPEN_STATES as OPEN_BATCHES
from liqpass.domain.claim_state import OPEN_STATES as OPEN_CLAIMS
from liqpass.domain.claim_state import ClaimState
from liqpass.domain.parameters import Parameters
from liqpass.overseeing.audit_watch import AuditHealth
from liqpass.overseeing.queue import COUNT_LIMIT, count_by_state
from liqpass.policies.selling import open_exposure
from liqpass.ports import UnitOfWork
from liqpass.ports.oversight import StuckIntent
from liqpass.records import Batch, Site

DAY_MS = 86_400_000
MAX_DAYS = 366


@dataclass(frozen=True, slots=True)
class BookFigures:
    """What the database says. Amounts in base units, times and ages in milliseconds.

    `used_today`: paid today (by the time of its confirmation, UTC) and what open batches may still pay, which
    is `to_pay`. `sync_lag_ms` None: nothing was read yet. Each state is counted up to COUNT_LIMIT.
    """

    claims_by_state: Mapping[str, int]
    open_by_reason: Mapping[str, int]
    paid_today: int
    to_pay: int
    oldest_pending_ms: int | None
    dead_fetches: int
    open_exposure: int
    unmatched: int
    open_batches: tuple[Batch, ...]
    sync_lag_ms: int | None
    paused: str | None

    @property
    def used_today(self) -> int:
        """How much of the daily cap is used or promised."""
        return self.paid_today + self.to_pay

    @property
    def held(self) -> int:
        """Payouts that USDC refused."""
        return self.claims_by_state[ClaimState.HELD]


@dataclass(frozen=True, slots=True)
class Overview:
    """Book, vault and machine at `at_ms`. None: cannot be read now, or (`stuck`) no journals are here."""

    at_ms: int
    parameters: Parameters
    book: BookFigures
    vault_balance: int | None
    stuck: tuple[StuckIntent, ...] | None
    journals_fault: str | None
    audit: AuditHealth


@dataclass(frozen=True, slots=True)
class DayFigures:
    """`day` as `2026-01-22`, UTC; claims requested, payouts confirmed, their sum in base units."""

    day: str
    claims: int
    payouts: int
    paid: int


def read_book(unit: UnitOfWork, site: Site, parameters: Parameters, now_ms: int) -> BookFigures:
    """The figures now."""
    oldest_ms = unit.figures.oldest_request_ms(ClaimState.PENDING)
    read_until_s = unit.payments.read_until_s(site.chain_id, site.checkout)
    reasons = unit.figures.first_reasons(sorted(OPEN_CLAIMS), limit=COUNT_LIMIT)
    return BookFigures(
        claims_by_state=count_by_state(unit),
        open_by_reason=dict(sorted(Counter(reasons).items())),
        paid_today=unit.figures.paid_since(now_ms - now_ms % DAY_MS),
        to_pay=unit.figures.open_items_total(sorted(OPEN_BATCHES)),
        oldest_pending_ms=None if oldest_ms is None else now_ms - oldest_ms,
        dead_fetches=unit.figures.count_fetching_since(now_ms - LEASE_MS),
        open_exposure=open_exposure(unit, parameters, now_ms),
        unmatched=unit.figures.count_unmatched(),
        open_batches=tuple(
            batch for state in sorted(OPEN_BATCHES) for batch in unit.batches.listed(state=state)
        ),
        sync_lag_ms=None if read_until_s is None else now_ms - read_until_s * 1000,
        paused=unit.controls.paused(),
    )


def read_days(unit: UnitOfWork, days: int, now_ms: int) -> list[DayFigures]:
    """The last `days` UTC days, today the last of them."""
    today = now_ms // DAY_MS
    first = today - days + 1
    claims = unit.figures.claims_per_day(first * DAY_MS)
    payouts = unit.figures.payouts_per_day(first * DAY_MS)
    return [
        DayFigures(
            datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d"),
            claims.get(day, 0),
            *payouts.get(day, (0, 0)),
        )
        for day in range(first, today + 1)
    ]
