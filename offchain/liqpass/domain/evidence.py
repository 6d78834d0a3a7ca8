"""The evidence bundle of one claim, schema `liqpass.evidence/1` (design §3.3)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from liqpass.domain.canonical import canonical_json, sha256_hex
from liqpass.domain.identifiers import IdentifierError, parse_number, parse_sha256, parse_uuid
from liqpass.domain.position import PositionError, Subject
from liqpass.domain.strict_json import StrictJsonError, parse_strict
from liqpass.domain.window import Window

SCHEMA = "liqpass.evidence/1"
MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 8


class EvidenceError(ValueError):
    """A bundle that is malformed, or whose stored hashes do not fit its bodies."""


class Venue(StrEnum):
    """Where the position is held."""

    OKX = "okx"


class Env(StrEnum):
    """Which OKX answered. Only `PRODUCTION` may be paid with real money."""

    PRODUCTION = "production"
    DEMO = "demo"
    SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """One answer of OKX. `path` includes the query string; `body` is the exact response text."""

    method: str
    path: str
    http_status: int
    requested_at_ms: int
    received_at_ms: int
    body: str

    @property
    def body_sha256(self) -> str:
        """Hash of the response's bytes, 64 hex digits."""
        return sha256_hex(self.body.encode("utf-8"))

    def as_json(self) -> dict[str, str]:
        """Shape of an element of `requests`."""
        return {
            "method": self.method,
            "path": self.path,
            "httpStatus": str(self.http_status),
            "requestedAtMs": str(self.requested_at_ms),
            "receivedAtMs": str(self.received_at_ms),
            "bodySha256": self.body_sha256,
            "body": self.body,
        }

    @classmethod
    def from_json(cls, value: object) -> "StoredRequest":
        """The inverse of `as_json`. Raises `EvidenceError`, also when body and hash differ."""
        record = _record(
            value,
            "request",
            {"method", "path", "httpStatus", "requestedAtMs", "receivedAtMs", "bodySha256", "body"},
        )
        request = cls(
            method=_text(record, "method"),
            path=_text(record, "path"),
            http_status=parse_number(record["httpStatus"]),
            requested_at_ms=parse_number(record["requestedAtMs"]),
            received_at_ms=parse_number(record["receivedAtMs"]),
            body=_text(record, "body"),
        )
        if parse_sha256(record["bodySha256"]) != request.body_sha256:
            raise EvidenceError(f"body of {request.path} does not have the stated hash")
        return request


@dataclass(frozen=True, slots=True)
class Event:
    """What ended the position: `kind` is OKX's order category, `liq_penalty` OKX's string or empty."""

    kind: str
    time_ms: int
    liq_penalty: str

    def as_json(self) -> dict[str, str]:
        """Shape of `event`."""
        return {"kind": self.kind, "timeMs": str(self.time_ms), "liqPenalty": self.liq_penalty}

    @classmethod
    def from_json(cls, value: object) -> "Event":
        """The inverse of `as_json`. Raises `EvidenceError`."""
        record = _record(value, "event", {"kind", "timeMs", "liqPenalty"})
        return cls(_text(record, "kind"), parse_number(record["timeMs"]), _text(record, "liqPenalty"))


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything a claim's decision rests on.

    `subject` is the account that answered at claim time with the bound position; `requests[0]` is the
    positions response stored at binding, the others were fetched for the claim, pages in order; `event` is
    the one the rules found, None if none; `salt` is 32 random bytes in hex, so that the public hash hides
    what it commits to. The account's configuration is left out: `perm_ok` and `uid_hmac` stand for it.
    """

    claim_id: str
    policy_no: int
    venue: Venue
    env: Env
    subject: Subject
    window: Window
    event: Event | None
    perm_ok: bool
    requests: tuple[StoredRequest, ...]
    salt: str

    def __post_init__(self) -> None:
        parse_uuid(self.claim_id)
        parse_sha256(self.salt)
        if not self.requests:
            raise EvidenceError("a bundle needs the response stored at binding")
        if self.window.start_ms >= self.window.end_ms:
            raise EvidenceError("the window ends before it starts")

    def as_json(self) -> dict[str, Any]:
        """The bundle as it is written and hashed: strings, booleans, null, arrays and objects."""
        return {
            "schema": SCHEMA,
            "claimId": self.claim_id,
            "policyNo": str(self.policy_no),
            "venue": str(self.venue),
            "env": str(self.env),
            "subject": self.subject.as_json(),
            "window": {"startMs": str(self.window.start_ms), "endMs": str(self.window.end_ms)},
            "event": self.event.as_json() if self.event else None,
            "permOk": self.perm_ok,
            "requests": [request.as_json() for request in self.requests],
            "salt": self.salt,
        }

    @classmethod
    def from_json(cls, value: object) -> "Bundle":
        """The inverse of `as_json`; every key must be there and no other. Raises `EvidenceError`."""
        try:
            return cls._read(value)
        except (IdentifierError, PositionError) as error:
            raise EvidenceError(str(error)) from error

    @classmethod
    def _read(cls, value: object) -> "Bundle":
        record = _record(value, "bundle", _BUNDLE_KEYS)
        if record["schema"] != SCHEMA:
            raise EvidenceError(f"schema {record['schema']!r}, expected {SCHEMA}")
        window = _record(record["window"], "window", {"startMs", "endMs"})
        if not isinstance(record["permOk"], bool):
            raise EvidenceError("permOk is not a boolean")
        if not isinstance(record["requests"], list):
            raise EvidenceError("requests is not an array")
        if not isinstance(record["subject"], Mapping):
            raise EvidenceError("subject is not an object")
        try:
            venue, env = Venue(record["venue"]), Env(record["env"])
        except ValueError as error:
            raise EvidenceError(str(error)) from error
        return cls(
            claim_id=parse_uuid(record["claimId"]),
            policy_no=parse_number(record["policyNo"]),
            venue=venue,
            env=env,
            subject=Subject.from_json(record["subject"]),
            window=Window(parse_number(window["startMs"]), parse_number(window["endMs"])),
            event=None if record["event"] is None else Event.from_json(record["event"]),
            perm_ok=record["permOk"],
            requests=tuple(StoredRequest.from_json(request) for request in record["requests"]),
            salt=parse_sha256(record["salt"]),
        )

    def canonical(self) -> bytes:
        """The RFC 8785 bytes: what is stored, handed out and hashed."""
        return canonical_json(self.as_json())

    @property
    def evidence_hash(self) -> bytes:
        """SHA-256 of `canonical()`, 32 bytes: the `evidenceHash` of the payout."""
        return hashlib.sha256(self.canonical()).digest()


_BUNDLE_KEYS = {
    "schema",
    "claimId",
    "policyNo",
    "venue",
    "env",
    "subject",
    "window",
    "event",
    "permOk",
    "requests",
    "salt",
}


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle's file. Raises `EvidenceError` for anything but the schema; a JSON number included."""
    try:
        return Bundle.from_json(parse_strict(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, numbers=False))
    except StrictJsonError as error:
        raise EvidenceError(str(error)) from error


def _record(value: object, name: str, keys: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise EvidenceError(f"{name} is not an object")
    if set(value) != keys:
        raise EvidenceError(f"{name} differs in: {sorted(keys.symmetric_difference(value))}")
    return value


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record[key]
    if not isinstance(value, str):
        raise EvidenceError(f"{key} is not a string")
    return value
