"""The life of a policy (design §3.2) and how the clock shows it."""

from enum import StrEnum

from liqpass.domain.machine import follow
from liqpass.domain.window import Window


class PolicyState(StrEnum):
    """Stored states. Whether a COVERED policy is scheduled, active or expired is derived on read."""

    DRAFT = "DRAFT"
    BOUND = "BOUND"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    COVERED = "COVERED"
    CLAIM_REQUESTED = "CLAIM_REQUESTED"
    APPROVED = "APPROVED"
    PAID = "PAID"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class PolicyAction(StrEnum):
    """What may happen to a policy."""

    BIND = "BIND"
    AWAIT_PAYMENT = "AWAIT_PAYMENT"
    COVER = "COVER"
    REQUEST_CLAIM = "REQUEST_CLAIM"
    RELEASE_CLAIM = "RELEASE_CLAIM"
    APPROVE = "APPROVE"
    REOPEN_CLAIM = "REOPEN_CLAIM"
    PAY = "PAY"
    REJECT = "REJECT"
    CANCEL = "CANCEL"


S, A = PolicyState, PolicyAction
TRANSITIONS: dict[tuple[PolicyState, PolicyAction], PolicyState] = {
    (S.DRAFT, A.BIND): S.BOUND,
    (S.BOUND, A.AWAIT_PAYMENT): S.AWAITING_PAYMENT,
    (S.AWAITING_PAYMENT, A.COVER): S.COVERED,
    (S.COVERED, A.REQUEST_CLAIM): S.CLAIM_REQUESTED,
    (S.CLAIM_REQUESTED, A.APPROVE): S.APPROVED,
    (S.APPROVED, A.PAY): S.PAID,
    # A rejected claim ends the policy only if the reviewer says so; else the cover goes on.
    (S.CLAIM_REQUESTED, A.RELEASE_CLAIM): S.COVERED,
    (S.CLAIM_REQUESTED, A.REJECT): S.REJECTED,
    # An approval is taken back while nothing is batched.
    (S.APPROVED, A.REOPEN_CLAIM): S.CLAIM_REQUESTED,
    (S.APPROVED, A.RELEASE_CLAIM): S.COVERED,
    (S.APPROVED, A.REJECT): S.REJECTED,
    # Nothing is cancelled once it is paid for.
    (S.DRAFT, A.CANCEL): S.CANCELLED,
    (S.BOUND, A.CANCEL): S.CANCELLED,
    (S.AWAITING_PAYMENT, A.CANCEL): S.CANCELLED,
}

OPEN_STATES = frozenset(
    {S.BOUND, S.AWAITING_PAYMENT, S.COVERED, S.CLAIM_REQUESTED, S.APPROVED},
)
"""States in which a policy occupies its position: at most one of them a position."""


class PolicyView(StrEnum):
    """COVERED as the clock shows it."""

    SCHEDULED = "SCHEDULED"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"


def advance(state: PolicyState, action: PolicyAction) -> PolicyState:
    """The next state. Raises `machine.IllegalTransition`."""
    return follow("policy", TRANSITIONS, state, action)


def view(state: PolicyState, window: Window | None, now_ms: int) -> PolicyState | PolicyView:
    """What a reader sees: COVERED becomes SCHEDULED, ACTIVE or EXPIRED; every other state shows itself."""
    if state is not PolicyState.COVERED or window is None:
        return state
    if now_ms < window.start_ms:
        return PolicyView.SCHEDULED
    return PolicyView.ACTIVE if window.covers(now_ms) else PolicyView.EXPIRED
