"""The life of a claim (design §3.2)."""

from enum import StrEnum

from liqpass.domain.machine import follow


class ClaimState(StrEnum):
    """Stored states of a claim."""

    VERIFYING = "VERIFYING"
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    BATCHED = "BATCHED"
    PAID = "PAID"
    HELD = "HELD"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


class ClaimAction(StrEnum):
    """What may happen to a claim."""

    VERIFY = "VERIFY"
    FAIL = "FAIL"
    REFETCH = "REFETCH"
    KEEP = "KEEP"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    REOPEN = "REOPEN"
    BATCH = "BATCH"
    UNBATCH = "UNBATCH"
    PAY = "PAY"
    HOLD = "HOLD"
    RELEASE = "RELEASE"


S, A = ClaimState, ClaimAction
TRANSITIONS: dict[tuple[ClaimState, ClaimAction], ClaimState] = {
    (S.VERIFYING, A.VERIFY): S.PENDING,
    (S.VERIFYING, A.FAIL): S.FAILED,
    (S.VERIFYING, A.KEEP): S.PENDING,  # a fetch anew failed: the evidence of the one before stands
    (S.FAILED, A.REFETCH): S.VERIFYING,
    (S.FAILED, A.REJECT): S.REJECTED,  # a key that is gone for ever must not leave a claim stuck
    (S.PENDING, A.APPROVE): S.APPROVED,
    (S.PENDING, A.REJECT): S.REJECTED,
    (S.PENDING, A.REFETCH): S.VERIFYING,  # asked too early: what happened since is not in the evidence
    (S.APPROVED, A.REJECT): S.REJECTED,  # a payout that the signers refuse must not stand for ever
    (S.APPROVED, A.REOPEN): S.PENDING,
    (S.APPROVED, A.BATCH): S.BATCHED,
    (S.BATCHED, A.UNBATCH): S.APPROVED,  # the batch's approval is dead on chain, this payout unpaid
    (S.BATCHED, A.PAY): S.PAID,
    (S.BATCHED, A.HOLD): S.HELD,  # denylisted recipient
    (S.HELD, A.RELEASE): S.APPROVED,
}

OPEN_STATES = frozenset(ClaimState) - {S.PAID, S.REJECTED}
"""States in which a policy's one claim is still open."""

LEGACY_NAMES = {
    S.PENDING: "VERIFIED_PENDING_REVIEW",
    S.APPROVED: "APPROVED_PENDING_MULTISIG",
}
"""Names that older clients know."""


def advance(state: ClaimState, action: ClaimAction) -> ClaimState:
    """The next state. Raises `machine.IllegalTransition`."""
    return follow("claim", TRANSITIONS, state, action)
