"""The append-only audit log: each entry's hash covers the one before it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from liqpass.domain.canonical import canonical_json, sha256_hex

SCHEMA = "liqpass.audit/1"
GENESIS = "0" * 64
"""`prev_hash` of the first entry, and the head of an empty log."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`seq` counts from 1; `subject` names what was acted on; `details` holds strings only, no secret."""

    seq: int
    at_ms: int
    actor: str
    action: str
    subject: str
    details: Mapping[str, str]
    prev_hash: str
    entry_hash: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """Count and head of a log, as printed in a report: with it, truncation is found too."""

    count: int
    head: str


@dataclass(frozen=True, slots=True)
class AuditFault:
    """The first entry that is not as it should be (`seq` expected there), and why."""

    seq: int
    message: str


def entry_hash(
    *,
    prev_hash: str,
    seq: int,
    at_ms: int,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, str],
) -> str:
    """SHA-256 over the RFC 8785 form of the entry with its predecessor's hash, 64 hex digits."""
    return sha256_hex(
        canonical_json(
            {
                "schema": SCHEMA,
                "prev": prev_hash,
                "seq": str(seq),
                "atMs": str(at_ms),
                "actor": actor,
                "action": action,
                "subject": subject,
                "details": details,
            }
        )
    )


def append(
    anchor: Anchor, *, at_ms: int, actor: str, action: str, subject: str, details: Mapping[str, str]
) -> AuditEntry:
    """The next entry of a log that ends at `anchor` (`EMPTY` for a new log)."""
    seq = anchor.count + 1
    digest = entry_hash(
        prev_hash=anchor.head,
        seq=seq,
        at_ms=at_ms,
        actor=actor,
        action=action,
        subject=subject,
        details=details,
    )
    return AuditEntry(seq, at_ms, actor, action, subject, dict(details), anchor.head, digest)


EMPTY = Anchor(0, GENESIS)


def verify_chain(
    entries: Iterable[AuditEntry], anchor: Anchor | None = None, *, since: Anchor = EMPTY
) -> AuditFault | None:
    """The first fault of a log read in order of `seq`, whole or from behind a verified point on, or None.

    An edit, a deletion, an insertion and a change of order break the chain. Cutting off the end, or
    rewriting everything after a point, shows only against an `anchor` that was kept elsewhere.
    """
    count, head = since.count, since.head
    anchored = anchor is None or anchor.count == 0
    for entry in entries:
        expected = count + 1
        if entry.seq != expected:
            return AuditFault(expected, f"entry {expected} is missing or moved: found {entry.seq}")
        if entry.prev_hash != head:
            return AuditFault(expected, "does not follow the entry before it")
        digest = entry_hash(
            prev_hash=entry.prev_hash,
            seq=entry.seq,
            at_ms=entry.at_ms,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            details=entry.details,
        )
        if entry.entry_hash != digest:
            return AuditFault(expected, "was changed after it was written")
        count, head = expected, digest
        if anchor is not None and count == anchor.count:
            if head != anchor.head:
                return AuditFault(count, "differs from the anchored head: the log was rewritten")
            anchored = True
    if not anchored and anchor is not None:
        return AuditFault(count + 1, f"log ends after {count} entries, the anchor counts {anchor.count}")
    return None
