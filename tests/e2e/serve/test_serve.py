"""`liqpass serve` as a process: parts, workers, ending, and one clear line for everything that is missing."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from served import SECRETS, refused, start, upgraded


@pytest.fixture
def book(tmp_path: Path) -> Path:
    upgraded(tmp_path)
    return tmp_path


def test_serve__chain_down__sells_and_says_what_it_cannot_read(book: Path) -> None:
    served = start(book)

    quote = served.client.post(f"{served.url}/api/quote")
    ready, metrics, home = served.get("/readyz"), served.get("/metrics"), served.get("/")
    code = served.stop()

    assert (quote.status_code, quote.json()["premiumUsdc"]) == (200, "1.00")
    assert (ready.status_code, home.status_code) == (200, 200)
    assert 'liqpass_alert{code="CHAIN_UNREADABLE"} 1.0' in metrics.text
    assert "liqpass_hot_wallet_usdc" not in metrics.text.replace("liqpass_hot_wallet_usdc_", "")
    assert code == -signal.SIGTERM
    log = served.log.read_text()
    assert "sync: the node does not answer" in log
    assert log.count("sync: the node does not answer") == 1  # said once, not every five seconds
    assert not any(secret in log for secret in SECRETS.values())
    assert "server" not in {name.lower() for name in quote.headers}


def test_serve__two_workers__both_answer_and_end_together(book: Path) -> None:
    served = start(book, "--workers", "2")

    statuses = {served.get("/healthz").status_code for _ in range(20)}
    served.stop()

    assert statuses == {200}
    with socket.socket() as probe:
        host, port = served.url.removeprefix("http://").split(":")
        assert probe.connect_ex((host, int(port))) != 0  # no worker is left behind


@pytest.mark.parametrize(
    ("part", "there", "not_there"),
    [
        (
            "public",
            ("/", "/api/session"),
            ("/admin/session", "/console/sign-in", "/internal/payment-authorizations"),
        ),
        ("admin", ("/admin/session", "/console/sign-in"), ("/", "/api/session", "/policies")),
    ],
)
def test_serve__one_part__the_other_is_not_there(
    book: Path, part: str, there: tuple[str, ...], not_there: tuple[str, ...]
) -> None:
    served = start(book, "--part", part, "--no-housekeeping")

    found = {path: served.get(path).status_code for path in (*there, *not_there)}
    served.stop()

    assert found == dict.fromkeys(there, 200) | dict.fromkeys(not_there, 404)


REFUSALS: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "short internal key": ((), {"LIQPASS_INTERNAL_KEY": "short"}, "at least 32 characters"),
    "reviewer that is no wallet": ((), {"LIQPASS_REVIEWERS": "rita"}, "reviewers: "),
    "origin that is none": ((), {"LIQPASS_PUBLIC_ORIGIN": "cover.example/path"}, "must be an origin"),
    "no deployment": ((), {"LIQPASS_DEPLOYMENT": "/nowhere.json"}, "no deployment record at /nowhere.json"),
    "http on a public chain": (
        (),
        {"LIQPASS_CHAIN_ID": "84532", "LIQPASS_DEPLOYMENT": ""},
        "LIQPASS_PUBLIC_ORIGIN must be https://",
    ),
    "host that is not here": (("--host", "203.0.113.1"), {}, "cannot listen on 203.0.113.1"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_serve__something_missing__one_line_and_no_service(book: Path, name: str) -> None:
    options, changes, words = REFUSALS[name]

    code, said = refused(book, *options, **{key: value for key, value in changes.items() if value})

    assert code == 1
    assert said.count("\n") == 1
    assert words in said
    assert not any(secret in said for secret in SECRETS.values())


def test_serve__book_never_migrated__says_what_to_run(tmp_path: Path) -> None:
    code, said = refused(tmp_path)

    assert (code, "run `liqpass db upgrade`" in said) == (1, True)
