"""Answers kept for requests that carry an Idempotency-Key."""

from __future__ import annotations

from typing import Protocol

from liqpass.records import KeptAnswer


class IdempotencyError(Exception):
    """Root of the refusals of a key."""


class KeyReusedError(IdempotencyError):
    """The key came before with another request."""


class InFlightError(IdempotencyError):
    """The first request with this key has not ended."""


class Idempotency(Protocol):
    """One row a caller and key. Each method is a transaction of its own: no part of the book is touched."""

    def begin(self, caller: str, key: str, request_sha256: str, now_ms: int) -> KeptAnswer | None:
        """The kept answer, or None: the caller holds the key now and must `finish` or `release` it.

        Raises KeyReusedError, InFlightError.
        """

    def finish(self, caller: str, key: str, started_at_ms: int, answer: KeptAnswer, now_ms: int) -> None:
        """Keep the answer of the request that began at `started_at_ms`."""

    def release(self, caller: str, key: str, started_at_ms: int) -> None:
        """Forget the key: the request ended without an answer worth keeping."""

    def purge(self, now_ms: int) -> int:
        """Forget answers that are a day old; how many."""
