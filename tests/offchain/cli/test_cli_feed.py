"""`liqpass feed push`: what it refuses before it asks any chain."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from liqpass.entrypoints.cli import main

Run = Callable[..., Result]
FEED = "0x" + "fe" * 20


def record(**changes: str | None) -> bytes:
    """Of a flight from Greenwich that left two hours and a half late a minute ago, by the machine's clock."""
    observed = datetime.now(UTC)
    scheduled = observed - timedelta(minutes=151)
    actual = observed - timedelta(minutes=1)
    fields = {
        "schema": "liqpass.flight-status/1",
        "flight": "KE081",
        "date": scheduled.date().isoformat(),
        "airport": "ICN",
        "status": "departed",
        "scheduledDeparture": scheduled.isoformat(timespec="seconds"),
        "actualDeparture": actual.isoformat(timespec="seconds"),
        "observedAt": observed.isoformat(timespec="seconds"),
    }
    return json.dumps({**fields, **changes}).encode()


@pytest.fixture
def push(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("LIQPASS_RPC_URL", "http://127.0.0.1:1/canary-token")

    def invoke(data: bytes, *arguments: str) -> Result:
        return CliRunner(mix_stderr=False).invoke(main, ["feed", "push", *arguments], input=data)

    return invoke


def test_push__nobody_signs__usage_error(push: Run) -> None:
    result = push(record(), "-", "--feed", FEED)

    assert result.exit_code == 2
    assert "say who signs: --keyfile FILE, or try it with --dry-run" in result.stderr


def test_push__feed_is_no_address__usage_error(push: Run) -> None:
    result = push(record(), "-", "--feed", "0xfeed", "--dry-run")

    assert (result.exit_code, "not an address: '0xfeed'" in result.stderr) == (2, True)


def test_push__real_network__refused(push: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQPASS_CHAIN_ID", "8453")

    result = push(record(), "-", "--feed", FEED, "--dry-run")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: chain 8453: feeds of ours are only for the chains 31337 and 84532\n"


def test_push__node_down__reading_told_and_one_line_without_the_url(push: Run) -> None:
    data = record()

    result = push(data, "-", "--feed", FEED, "--dry-run")

    date = json.loads(data)["date"]
    assert (result.exit_code, result.stdout) == (
        1,
        f"KE081 {date} ICN departure delay, minutes: 150 minutes\n",
    )
    assert "canary" not in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"status": "unknown", "actualDeparture": None},
            "the status of KE081 is unknown: there is no reading",
        ),
        ({"estimatedDeparture": "2026-03-15T12:00:00Z"}, "an estimate is a forecast, and feeds report none"),
        ({"observedAt": "2099-01-01T00:00:00Z"}, "observed at 2099-01-01T00:00:00Z, it is only"),
    ],
)
def test_push__record_without_a_reading__refused(
    push: Run, changes: dict[str, str | None], message: str
) -> None:
    result = push(record(**changes), "-", "--feed", FEED, "--dry-run")

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_push__record_too_large__refused(push: Run) -> None:
    result = push(b" " * 70_000, "-", "--feed", FEED, "--dry-run")

    assert result.stderr == "Error: 65537 bytes of JSON, allowed are 65536\n"
