"""What the facilitator counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from liqpass.adapters.x402.account_watch import Accounts
from liqpass.adapters.x402.answer_log import Answered

CONTENT_TYPE = CONTENT_TYPE_LATEST
USDC = 1_000_000  # base units; Prometheus knows no other numbers than floats
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0)


class Figures:
    """Counters of one facilitator. For any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        labels = ["what", "provider", "code"]
        self._answers = Counter(
            "liqpass_x402_answers", "Answers by provider and code", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "liqpass_x402_answer_seconds",
            "Time to an answer, waiting not included",
            ["what"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._strangers = Counter(
            "liqpass_x402_strangers", "Requests without a provider's key", registry=self._registry
        )
        self._settlements = Counter(
            "liqpass_x402_lane_settlements",
            "Answers to settlements by lane and code",
            ["settler", "code"],
            registry=self._registry,
        )
        self._wei = Gauge(
            "liqpass_x402_settler_wei", "A settler's ether in wei", ["settler"], registry=self._registry
        )
        self._bonds = Gauge(
            "liqpass_x402_bond_usdc",
            "A provider's bond in USDC: total, locked, available",
            ["provider", "kind"],
            registry=self._registry,
        )
        self._seen = Gauge(
            "liqpass_x402_accounts_seen_timestamp_seconds",
            "When ether and bonds were last seen, in unix seconds",
            registry=self._registry,
        )
        self._waiting = Gauge(
            "liqpass_x402_settlements_waiting", "Settlements without an end", registry=self._registry
        )

    def count(self, answered: Answered) -> None:
        """One answer."""
        self._answers.labels(answered.what, answered.provider, answered.code).inc()
        self._seconds.labels(answered.what).observe(answered.took_s)
        if answered.settler is not None:
            self._settlements.labels(answered.settler, answered.code).inc()

    def count_stranger(self) -> None:
        """One request that was refused for its key."""
        self._strangers.inc()

    def show(self, accounts: Accounts) -> None:
        """Ether and bonds as they were seen just now."""
        for settler, wei in accounts.wei.items():
            self._wei.labels(settler).set(wei)
        for provider, bond in accounts.bonds.items():
            kinds = {"total": bond.total, "locked": bond.locked, "available": bond.available}
            for kind, amount in kinds.items():
                self._bonds.labels(provider, kind).set(amount / USDC)
        self._seen.set_to_current_time()

    def watch_waiting(self, waiting: Callable[[], int]) -> None:
        """Ask `waiting` at each scrape."""
        self._waiting.set_function(lambda: float(waiting()))

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)
