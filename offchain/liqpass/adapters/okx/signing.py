"""Credentials and the signature of a GET (facts/okx.md, section Authentication)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from liqpass.adapters.okx.errors import InvalidCredentialsError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A key, its secret and its passphrase; `demo` says that it belongs to OKX's demo trading.

    Printing one shows nothing. Raises InvalidCredentialsError (which shows nothing either) for anything that
    cannot be sent as an HTTP header: empty, not ASCII, control characters, longer than 256.
    """

    api_key: str
    secret: str
    passphrase: str
    demo: bool = False

    def __post_init__(self) -> None:
        for name in ("api_key", "secret", "passphrase"):
            value = getattr(self, name)
            if not (value.isascii() and value.isprintable() and 0 < len(value) <= 256):
                raise InvalidCredentialsError(f"{name} must be 1 to 256 printable ASCII characters")
            if value != value.strip():
                raise InvalidCredentialsError(f"{name} must not begin or end with a blank")

    def __repr__(self) -> str:
        return "Credentials(hidden)"


def okx_timestamp(time_ms: int) -> str:
    """Milliseconds since 1970 as OKX writes them in a header: `2020-12-08T09:08:57.715Z`."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time_ms % 1000:03d}Z"


def signature(secret: bytes, timestamp: str, raw_path: bytes) -> str:
    """Base64 of HMAC-SHA256 over timestamp, "GET" and the path with its query, byte for byte as sent."""
    digest = hmac.digest(secret, timestamp.encode() + b"GET" + raw_path, hashlib.sha256)
    return base64.b64encode(digest).decode()


def signed_headers(credentials: Credentials, time_ms: int, raw_path: bytes) -> dict[str, str]:
    """The authentication headers for one GET of `raw_path` at OKX's time `time_ms`."""
    timestamp = okx_timestamp(time_ms)
    headers = {
        "OK-ACCESS-KEY": credentials.api_key,
        "OK-ACCESS-SIGN": signature(credentials.secret.encode(), timestamp, raw_path),
        "OK-ACCESS-TIMESTAMP": timestamp,
        "OK-ACCESS-PASSPHRASE": credentials.passphrase,
    }
    if credentials.demo:
        headers["x-simulated-trading"] = "1"
    return headers
