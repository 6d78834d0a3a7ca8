"""What Prometheus scrapes: parses, and says what was promised."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from scenes import set_up
from web_world import WebWorld


def scraped(web: WebWorld) -> dict[tuple[str, str], float]:
    """Value by name and label."""
    answer = web.browser().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics__middle_of_the_business__every_figure(roomy: WebWorld) -> None:
    set_up(roomy)
    seen = scraped(roomy)

    states = {label: value for (name, label), value in seen.items() if name == "liqpass_claims" and value}
    assert states == {"PAID": 1, "HELD": 1, "BATCHED": 1, "APPROVED": 1, "PENDING": 3}
    reasons = {label for (name, label) in seen if name == "liqpass_open_claims_by_reason"}
    assert reasons
    assert seen["liqpass_hot_wallet_usdc", ""] == 550
    assert seen["liqpass_hot_wallet_max_usdc", ""] == 550
    assert seen["liqpass_daily_cap_usdc", ""] == 500
    assert seen["liqpass_daily_cap_used_usdc", ""] == 50
    assert seen["liqpass_oldest_pending_claim_seconds", ""] > 0
    assert seen["liqpass_audit_fault", ""] == 0
    assert seen["liqpass_audit_entries", ""] > 0
    assert seen["liqpass_payments_unmatched", ""] == 1
    assert seen["liqpass_paused", ""] == 0


def test_metrics__paused__says_so(web: WebWorld) -> None:
    web.controlling.pause(actor="olga", reason="drill")

    assert scraped(web)["liqpass_paused", ""] == 1


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health__database_at_this_schema__ok(web: WebWorld, path: str) -> None:
    answer = web.browser().get(path)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
