"""What the engine tells while it works, for scripts that print progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What happened to an intent."""

    RESUMED = "resumed"
    ALREADY_DONE = "already done"
    PLANNED = "planned"
    SIGNED = "signed"
    SENDING = "sending"
    ANSWERED = "answered"
    SEEN = "seen"
    REORGED = "reorged"
    BUMPED = "bumped"
    FEE_CAP_REACHED = "fee cap reached"
    WAITING = "waiting"
    NO_ANSWER = "no answer"
    NONCE_LOST = "nonce lost"
    CONFIRMED = "confirmed"
    FINAL = "final"
    FAILED = "failed"


ROUTINE = frozenset(
    {
        EventKind.SIGNED,
        EventKind.SENDING,
        EventKind.ANSWERED,
        EventKind.SEEN,
        EventKind.CONFIRMED,
        EventKind.FINAL,
    }
)
"""What every transaction goes through is not worth a line; what is out of the ordinary is."""


@dataclass(frozen=True, slots=True)
class Event:
    """`text` is for people; `key` is the intent's."""

    kind: EventKind
    key: str
    text: str
    tx_hash: str | None = None


OnEvent = Callable[[Event], None]
