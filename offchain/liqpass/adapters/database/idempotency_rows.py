"""Kept answers in the database: one row a caller and key, taken by whoever inserts it first."""

from __future__ import annotations

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from liqpass.adapters.database.tables import idempotency_keys
from liqpass.ports.idempotency import InFlightError, KeyReusedError
from liqpass.records import KeptAnswer

KEPT_MS = 86_400_000
# A request that has not ended by then died with its process: the key may be taken again. What it does is
# safe to do twice, as every use case compares and sets.
LEASE_MS = 150_000


class SqlIdempotency:
    """Transactions of its own, so that the audit log's lock is not taken for what is no part of the book."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, caller: str, key: str, request_sha256: str, now_ms: int) -> KeptAnswer | None:
        """The kept answer, or None: the caller holds the key now. Raises KeyReusedError, InFlightError."""
        table = idempotency_keys
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    insert(table).values(
                        caller=caller, key=key, request_sha256=request_sha256, started_at_ms=now_ms
                    )
                )
                return None
        except IntegrityError:
            pass  # somebody was first: look at what is there
        with self._engine.begin() as connection:
            row = connection.execute(
                select(table).where(table.c.caller == caller, table.c.key == key)
            ).one_or_none()
            if row is None:
                raise InFlightError("the first request with this key has just been given up: send it again")
            if row.request_sha256 != request_sha256:
                raise KeyReusedError("this Idempotency-Key came before with another request")
            if row.finished_at_ms is not None:
                return KeptAnswer(row.status, row.media_type, row.body)
            taken = connection.execute(
                update(table)
                .where(
                    table.c.caller == caller,
                    table.c.key == key,
                    table.c.started_at_ms == row.started_at_ms,
                    table.c.started_at_ms <= now_ms - LEASE_MS,
                    table.c.finished_at_ms.is_(None),
                )
                .values(started_at_ms=now_ms)
            )
            if taken.rowcount != 1:
                raise InFlightError("the first request with this Idempotency-Key has not ended")
            return None

    def finish(self, caller: str, key: str, started_at_ms: int, answer: KeptAnswer, now_ms: int) -> None:
        """Keep the answer, unless the key's lease ran out and another took it."""
        table = idempotency_keys
        with self._engine.begin() as connection:
            connection.execute(
                update(table)
                .where(
                    table.c.caller == caller,
                    table.c.key == key,
                    table.c.started_at_ms == started_at_ms,
                    table.c.finished_at_ms.is_(None),
                )
                .values(
                    finished_at_ms=now_ms,
                    status=answer.status,
                    media_type=answer.media_type,
                    body=answer.body,
                )
            )

    def release(self, caller: str, key: str, started_at_ms: int) -> None:
        """Forget the key that was taken at `started_at_ms`."""
        table = idempotency_keys
        with self._engine.begin() as connection:
            connection.execute(
                delete(table).where(
                    table.c.caller == caller,
                    table.c.key == key,
                    table.c.started_at_ms == started_at_ms,
                    table.c.finished_at_ms.is_(None),
                )
            )

    def purge(self, now_ms: int) -> int:
        """Forget answers that are a day old; how many."""
        table = idempotency_keys
        with self._engine.begin() as connection:
            return connection.execute(delete(table).where(table.c.started_at_ms <= now_ms - KEPT_MS)).rowcount
