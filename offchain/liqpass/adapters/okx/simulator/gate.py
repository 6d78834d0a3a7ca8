"""Who may ask: the checks of OKX on key, passphrase, timestamp, signature, permission and rate."""

from __future__ import annotations

import hmac
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from liqpass.adapters.okx.signing import signature
from liqpass.adapters.okx.simulator.accounts import Account, ApiKey
from liqpass.adapters.okx.simulator.exchange import Exchange

WINDOW_MS = 30_000
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)

# (requests, seconds) a user or, for the public time, an address
RATES = {
    "/api/v5/public/time": (10, 2.0),
    "/api/v5/account/config": (5, 2.0),
    "/api/v5/account/positions": (10, 2.0),
    "/api/v5/account/positions-history": (10, 2.0),
    "/api/v5/trade/order": (60, 2.0),
    "/api/v5/trade/orders-history": (40, 2.0),
    "/api/v5/trade/orders-history-archive": (20, 2.0),
}


class RefusalError(Exception):
    """OKX's refusal: its code, its message, its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def authenticate(
    exchange: Exchange, method: str, raw_path: bytes, headers: Mapping[str, str]
) -> tuple[Account, ApiKey]:
    """Account and key behind a request for `raw_path` (with its query, as received). Raises RefusalError."""
    sent = {}
    for name, code in (("KEY", "50103"), ("PASSPHRASE", "50104"), ("SIGN", "50106"), ("TIMESTAMP", "50107")):
        sent[name] = headers.get(f"ok-access-{name.lower()}", "")
        if not sent[name]:
            raise RefusalError(code, f"Request header OK-ACCESS-{name} can not be empty.", 401)
    _check_timestamp(exchange, sent["TIMESTAMP"])
    found = exchange.find_key(sent["KEY"])
    if found is None:
        raise RefusalError("50119", "API key doesn't exist", 401)
    account, key = found
    if key.credentials.demo != (headers.get("x-simulated-trading") == "1"):
        raise RefusalError("50101", "APIKey does not match current environment.", 401)
    if not _equal(sent["PASSPHRASE"], key.credentials.passphrase):
        raise RefusalError("50105", "Request header OK-ACCESS-PASSPHRASE incorrect.", 401)
    expected = signature(key.credentials.secret.encode(), sent["TIMESTAMP"], raw_path)
    if method != "GET" or not _equal(sent["SIGN"], expected):
        raise RefusalError("50113", "Invalid Sign", 401)
    if "read_only" not in key.permissions.split(","):
        raise RefusalError("50120", "This API key doesn't have permission to use this function", 401)
    return account, key


def _check_timestamp(exchange: Exchange, stamp: str) -> None:
    try:
        sent_ms = _milliseconds(stamp)
    except ValueError:
        raise RefusalError("50112", "Invalid OK-ACCESS-TIMESTAMP", 401) from None
    if abs(sent_ms - exchange.now_ms()) > WINDOW_MS:
        raise RefusalError("50102", "Timestamp request expired", 401)


def _milliseconds(stamp: str) -> int:
    if not _TIMESTAMP.fullmatch(stamp):
        raise ValueError("not the documented form")
    moment = datetime.fromisoformat(stamp)
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


def _equal(sent: str, expected: str) -> bool:
    return hmac.compare_digest(sent.encode(errors="surrogateescape"), expected.encode())


@dataclass(slots=True)
class RateLimits:
    """OKX's limits over a sliding window of real time: a clock that follows a chain may stand still."""

    monotonic_s: Callable[[], float]
    _seen: dict[tuple[str, str], deque[float]] = field(default_factory=dict)

    def spend(self, who: str, path: str) -> None:
        """Counts one request. Raises the RefusalError 50011 above the limit."""
        allowed, window_s = RATES[path]
        now_s = self.monotonic_s()
        times = self._seen.setdefault((who, path), deque())
        while times and now_s - times[0] >= window_s:
            times.popleft()
        if len(times) >= allowed:
            raise RefusalError("50011", "Too Many Requests", 429)
        times.append(now_s)

    def forget(self) -> None:
        self._seen.clear()
