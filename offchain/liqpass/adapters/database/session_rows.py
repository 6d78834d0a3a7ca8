"""Nonces given out for signing in, and sessions."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from liqpass.adapters.database.audit_log import AuditRows
from liqpass.adapters.database.tables import sessions, sign_in_nonces
from liqpass.records import Act, Session


class SessionRows:
    """Nonces and sessions; signing in and out have audit entries."""

    def __init__(self, connection: Connection, audit: AuditRows) -> None:
        self._connection = connection
        self._audit = audit

    def add_nonce(self, nonce: str, expires_at_ms: int) -> None:
        """Keep a nonce until it is used or over."""
        self._connection.execute(insert(sign_in_nonces).values(nonce=nonce, expires_at_ms=expires_at_ms))

    def use_nonce(self, nonce: str, now_ms: int) -> bool:
        """Take a nonce away, once; False where it was never given out, was used or is over."""
        result = self._connection.execute(
            delete(sign_in_nonces).where(
                sign_in_nonces.c.nonce == nonce, sign_in_nonces.c.expires_at_ms > now_ms
            )
        )
        return result.rowcount == 1

    def add(self, session: Session, act: Act) -> None:
        """Begin a session."""
        self._connection.execute(insert(sessions).values(**asdict(session)))
        self._audit.append(f"session/{session.address}", act)

    def get(self, token_sha256: str) -> Session | None:
        """The session of this token, ended or not."""
        row = (
            self._connection.execute(select(sessions).where(sessions.c.token_sha256 == token_sha256))
            .mappings()
            .one_or_none()
        )
        return None if row is None else Session(**row)

    def drop(self, session: Session, act: Act) -> None:
        """End a session."""
        self._connection.execute(delete(sessions).where(sessions.c.token_sha256 == session.token_sha256))
        self._audit.append(f"session/{session.address}", act)

    def purge(self, now_ms: int) -> int:
        """Forget what is over; how many rows went."""
        return sum(
            self._connection.execute(delete(table).where(table.c.expires_at_ms <= now_ms)).rowcount
            for table in (sign_in_nonces, sessions)
        )
