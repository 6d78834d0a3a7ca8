"""Prometheus metrics, made anew for each scrape from the overview: any worker gives the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from liqpass.domain.money import format_usdc, usdc
from liqpass.entrypoints.web.service import Service
from liqpass.overseeing import Overview

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(service: Service) -> bytes:
    """The text that Prometheus reads. Amounts in USDC, ages in seconds; what cannot be read is left out."""
    overseeing = service.use_cases.overseeing
    seen = overseeing.overview()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(seen, [str(alert.code) for alert in overseeing.alerts(seen)]))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, seen: Overview, alerts: list[str]) -> None:
        self._seen = seen
        self._alerts = alerts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every family, once."""
        book, rules = self._seen.book, self._seen.parameters
        yield _labelled("liqpass_claims", "Claims by state", "state", book.claims_by_state.items())
        yield _labelled(
            "liqpass_open_claims_by_reason",
            "Open claims by the first reason of their verdict, or of their failure",
            "reason",
            book.open_by_reason.items(),
        )
        yield _gauge("liqpass_daily_cap_usdc", "Daily cap", _usdc(rules.daily_cap))
        yield _gauge(
            "liqpass_daily_cap_used_usdc", "Paid today, and promised by open batches", _usdc(book.used_today)
        )
        yield _gauge(
            "liqpass_hot_wallet_max_usdc", "Most that the vault may hold", _usdc(rules.hot_wallet_max)
        )
        yield _gauge("liqpass_hot_wallet_needed_usdc", "What open batches may still pay", _usdc(book.to_pay))
        if self._seen.vault_balance is not None:
            yield _gauge("liqpass_hot_wallet_usdc", "USDC in the vault", _usdc(self._seen.vault_balance))
        yield _gauge("liqpass_exposure_usdc", "Payouts that may still fall due", _usdc(book.open_exposure))
        yield _gauge(
            "liqpass_exposure_max_usdc", "Exposure at which selling stops", _usdc(rules.max_open_exposure)
        )
        yield _gauge(
            "liqpass_oldest_pending_claim_seconds", "Age of it; 0: none", (book.oldest_pending_ms or 0) / 1000
        )
        yield _gauge("liqpass_dead_fetches", "Claims whose fetch died", book.dead_fetches)
        yield _gauge("liqpass_payments_unmatched", "Payments that cover nothing", book.unmatched)
        yield _gauge("liqpass_batches_open", "Batches that may still pay", len(book.open_batches))
        yield _gauge(
            "liqpass_paused", "1 while selling and batch building are stopped", book.paused is not None
        )
        if book.sync_lag_ms is not None:
            yield _gauge("liqpass_sync_lag_seconds", "Age of the newest block read", book.sync_lag_ms / 1000)
        if self._seen.stuck is not None:
            yield _gauge("liqpass_intents_stuck", "Signed or planned, without an end", len(self._seen.stuck))
        audit = self._seen.audit
        yield _gauge("liqpass_audit_entries", "Entries of the audit log", audit.count)
        yield _gauge("liqpass_audit_verified_entries", "Of those, verified by this process", audit.verified)
        yield _gauge("liqpass_audit_fault", "1 where the audit chain is broken", audit.fault is not None)
        yield _labelled("liqpass_alert", "What needs a person", "code", [(code, 1) for code in self._alerts])


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def _labelled(name: str, text: str, label: str, values: Iterable[tuple[str, int]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values:
        family.add_metric([str(key)], float(value))
    return family


def _usdc(base_units: int) -> float:
    # Prometheus knows floats only; nothing reads this back as money.
    return float(format_usdc(usdc(base_units)))
