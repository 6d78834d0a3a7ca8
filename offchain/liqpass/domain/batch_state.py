"""The life of a batch (design §3.2)."""

from enum import StrEnum

from liqpass.domain.machine import follow


class BatchState(StrEnum):
    """Stored states of a batch."""

    PLANNED = "PLANNED"
    APPROVED = "APPROVED"
    EXECUTING = "EXECUTING"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class BatchAction(StrEnum):
    """What may happen to a batch."""

    APPROVE = "APPROVE"
    EXECUTE = "EXECUTE"
    CLOSE = "CLOSE"
    REVOKE = "REVOKE"
    EXPIRE = "EXPIRE"


S, A = BatchState, BatchAction
TRANSITIONS: dict[tuple[BatchState, BatchAction], BatchState] = {
    (S.PLANNED, A.APPROVE): S.APPROVED,
    (S.APPROVED, A.EXECUTE): S.EXECUTING,
    (S.EXECUTING, A.CLOSE): S.CLOSED,
    # A plan may be given up, and its day may pass before anybody approves it.
    (S.PLANNED, A.REVOKE): S.REVOKED,
    (S.PLANNED, A.EXPIRE): S.EXPIRED,
    (S.APPROVED, A.REVOKE): S.REVOKED,
    (S.APPROVED, A.EXPIRE): S.EXPIRED,
    (S.EXECUTING, A.REVOKE): S.REVOKED,
    (S.EXECUTING, A.EXPIRE): S.EXPIRED,
}

OPEN_STATES = frozenset({S.PLANNED, S.APPROVED, S.EXECUTING})
"""States in which the batch may still pay."""


def advance(state: BatchState, action: BatchAction) -> BatchState:
    """The next state. Raises `machine.IllegalTransition`."""
    return follow("batch", TRANSITIONS, state, action)
