"""The audit log's rows: appended inside the transaction of the change that they tell of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from liqpass.adapters.database.tables import audit, audit_head
from liqpass.domain.audit import Anchor, AuditEntry
from liqpass.domain.audit import append as next_entry
from liqpass.records import Act
from liqpass.request_id import current_request_id


class AuditRows:
    """Appends to and reads the hash chain; appending needs `lock` first, so that two never share a head."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self) -> None:
        """Take the head's row lock (PostgreSQL; on SQLite BEGIN IMMEDIATE has done it already)."""
        self._connection.execute(select(audit_head.c.count).with_for_update())

    def append(self, subject: str, act: Act) -> None:
        """Chain one entry, with the id of the request that caused it, if any."""
        request_id = current_request_id()
        details = dict(act.details) if request_id is None else {**act.details, "requestId": request_id}
        entry = next_entry(
            self.anchor(),
            at_ms=act.at_ms,
            actor=act.actor,
            action=act.action,
            subject=subject,
            details=details,
        )
        self._connection.execute(
            insert(audit).values(
                seq=entry.seq,
                at_ms=entry.at_ms,
                actor=entry.actor,
                action=entry.action,
                subject=entry.subject,
                details=json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True),
                prev_hash=entry.prev_hash,
                entry_hash=entry.entry_hash,
            )
        )
        self._connection.execute(update(audit_head).values(count=entry.seq, head=entry.entry_hash))

    def anchor(self) -> Anchor:
        """Count of entries and hash of the last: what a report carries so that truncation is found."""
        count, head = self._connection.execute(select(audit_head.c.count, audit_head.c.head)).one()
        return Anchor(int(count), str(head))

    def entries(self, *, subject: str | None = None) -> Iterator[AuditEntry]:
        """All entries in order, or those of one subject such as `order/<id>`."""
        query = select(audit).order_by(audit.c.seq)
        if subject is not None:
            query = query.where(audit.c.subject == subject)
        yield from self._read(query)

    def entries_between(self, first: int, last: int) -> Iterator[AuditEntry]:
        """The entries numbered first..last, in order."""
        yield from self._read(select(audit).where(audit.c.seq.between(first, last)).order_by(audit.c.seq))

    def _read(self, query: Select[Any]) -> Iterator[AuditEntry]:
        for row in self._connection.execute(query):
            yield AuditEntry(
                row.seq,
                row.at_ms,
                row.actor,
                row.action,
                row.subject,
                json.loads(row.details),
                row.prev_hash,
                row.entry_hash,
            )
