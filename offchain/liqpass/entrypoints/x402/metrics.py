"""What the facilitator counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from liqpass.adapters.x402.answer_log import Answered

CONTENT_TYPE = CONTENT_TYPE_LATEST
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
        self._waiting = Gauge(
            "liqpass_x402_settlements_waiting", "Settlements without an end", registry=self._registry
        )

    def count(self, answered: Answered) -> None:
        """One answer."""
        self._answers.labels(answered.what, answered.provider, answered.code).inc()
        self._seconds.labels(answered.what).observe(answered.took_s)

    def count_stranger(self) -> None:
        """One request that was refused for its key."""
        self._strangers.inc()

    def watch_waiting(self, waiting: Callable[[], int]) -> None:
        """Ask `waiting` at each scrape."""
        self._waiting.set_function(lambda: float(waiting()))

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)
