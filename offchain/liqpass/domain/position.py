"""The insured position: its identity and what was stored of it at binding."""

from collections.abc import Mapping
from dataclasses import dataclass

from liqpass.domain.canonical import canonical_json, sha256_hex
from liqpass.domain.identifiers import parse_number, parse_sha256

SCHEMA = "liqpass.position/1"


class PositionError(ValueError):
    """A binding that is malformed."""


@dataclass(frozen=True, slots=True)
class PositionKey:
    """OKX reuses `pos_id`: only with `c_time_ms` (and the account) does it name one position."""

    inst_id: str
    mgn_mode: str
    pos_side: str
    pos_id: str
    c_time_ms: int


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose position: `uid_hmac` is the keyed hash of the OKX uid, 64 hex digits."""

    key: PositionKey
    uid_hmac: str

    def as_json(self) -> dict[str, str]:
        """Shape of `subject` in an evidence bundle."""
        return {
            "instId": self.key.inst_id,
            "mgnMode": self.key.mgn_mode,
            "posId": self.key.pos_id,
            "posSide": self.key.pos_side,
            "cTime": str(self.key.c_time_ms),
            "uidHmac": self.uid_hmac,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "Subject":
        """The inverse of `as_json`. Raises `PositionError` or `IdentifierError`."""
        names = {"instId", "mgnMode", "posId", "posSide", "cTime", "uidHmac"}
        if set(value) != names:
            raise PositionError(f"subject differs in: {sorted(names.symmetric_difference(value))}")
        texts = {name: _text(value[name], name) for name in ("instId", "mgnMode", "posSide", "posId")}
        key = PositionKey(
            texts["instId"], texts["mgnMode"], texts["posSide"], texts["posId"], parse_number(value["cTime"])
        )
        return cls(key, parse_sha256(value["uidHmac"]))


@dataclass(frozen=True, slots=True)
class BoundPosition:
    """The position as bound. `body_sha256` pins the stored positions response: the bundle's first request."""

    key: PositionKey
    uid_hmac: str
    bound_at_ms: int
    body_sha256: str

    @property
    def subject(self) -> Subject:
        """The position and its account."""
        return Subject(self.key, self.uid_hmac)

    def as_json(self) -> dict[str, str]:
        """The hashed form: strings only."""
        return {
            "schema": SCHEMA,
            **self.subject.as_json(),
            "boundAtMs": str(self.bound_at_ms),
            "bodySha256": self.body_sha256,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "BoundPosition":
        """The inverse of `as_json`. Raises `PositionError` or `IdentifierError`."""
        rest = dict(value)
        if rest.pop("schema", None) != SCHEMA:
            raise PositionError(f"schema is not {SCHEMA}")
        bound_at_ms = parse_number(rest.pop("boundAtMs", None))
        body_sha256 = parse_sha256(rest.pop("bodySha256", None))
        subject = Subject.from_json(rest)
        return cls(subject.key, subject.uid_hmac, bound_at_ms, body_sha256)


def position_hash(bound: BoundPosition) -> str:
    """SHA-256 of the RFC 8785 form, 64 hex digits: the quote's `positionHash`."""
    return sha256_hex(canonical_json(bound.as_json()))


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value or len(value) > 64:
        raise PositionError(f"{name} is not a short, non-empty string")
    return value
