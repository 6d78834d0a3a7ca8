"""The audit log's health, asked often: each entry is verified once, not once a scrape."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from liqpass.domain.audit import EMPTY, Anchor, AuditFault, verify_chain
from liqpass.ports import Store

STEP = 2_000  # entries verified a call at most: a scrape after a restart must not wait for the whole history


@dataclass(frozen=True, slots=True)
class AuditHealth:
    """`count` entries by the log's own head; `verified` of them so far; the first fault found, if any."""

    count: int
    verified: int
    fault: AuditFault | None


class AuditWatch:
    """Remembers how far it has verified.

    What was changed behind that point is found by `liqpass audit verify`, and by the next process, which
    begins anew.
    """

    def __init__(self, store: Store, *, step: int = STEP) -> None:
        self._store = store
        self._step = step
        self._verified = EMPTY
        self._lock = threading.Lock()

    def health(self) -> AuditHealth:
        """Verify what is new, at most `step` entries, and that the last verified one is still the same."""
        with self._lock:
            known = self._verified
            with self._store.read() as unit:
                recorded = unit.audit.anchor()
                last = min(recorded.count, known.count + self._step)
                # from the last verified one on: cut off or rewritten, it is missing or has another hash
                entries = list(unit.audit.entries_between(max(known.count, 1), last))
            if recorded.count < known.count:
                message = f"log ends after {recorded.count} entries, {known.count} were verified before"
                return AuditHealth(recorded.count, known.count, AuditFault(recorded.count + 1, message))
            if known.count > 0:
                seen = entries.pop(0) if entries else None
                if seen is None or (seen.seq, seen.entry_hash) != (known.count, known.head):
                    fault = AuditFault(known.count, "was changed after it was verified")
                    return AuditHealth(recorded.count, known.count, fault)
            # the recorded head is an anchor once everything up to it is read
            anchor = recorded if last == recorded.count else None
            if anchor == known:
                return AuditHealth(recorded.count, known.count, None)
            fault_found = verify_chain(entries, anchor, since=known)
            if fault_found is None and entries:
                self._verified = Anchor(entries[-1].seq, entries[-1].entry_hash)
            return AuditHealth(recorded.count, self._verified.count, fault_found)
