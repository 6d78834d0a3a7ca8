"""Canonical JSON (RFC 8785) and the hash over it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785


class CanonicalError(ValueError):
    """A value that has no RFC 8785 form: integers beyond 2^53, NaN, lone surrogates, keys not strings."""


def canonical_json(value: object) -> bytes:
    """The RFC 8785 bytes of a JSON value. Raises `CanonicalError`."""
    try:
        return rfc8785.dumps(_plain(value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise CanonicalError(f"no canonical form: {error}") from error


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits, without `0x`."""
    return hashlib.sha256(data).hexdigest()


def _plain(value: object) -> Any:
    # Frozen values carry tuples and read-only mappings; rfc8785 knows dict, list and tuple only.
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value
