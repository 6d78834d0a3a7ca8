"""The design's function table, written a second time: what each call must do, by state, caller and time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flight_policies import (
    ACTIVE_FROM,
    ACTIVE_TO,
    APPROVAL_WINDOW_S,
    CLAIM_DEADLINE,
    DELAYED_SINCE,
    DEPARTURE,
    FOREVER,
    LATE,
    MAX_AGE_S,
    PAYOUT,
    STATES,
    UNDERWRITING_DEADLINE,
)

CALLERS = ("leader", "insurer", "other_insurer", "policy_operator", "beneficiary", "stranger")
MOMENTS = {
    "underwriting": UNDERWRITING_DEADLINE - 3_600,
    "waiting": UNDERWRITING_DEADLINE + 3_600,
    "cover": ACTIVE_FROM + 3_600,
    "late": LATE + 3_600,
    "grace": ACTIVE_TO + 3_600,
    "over": CLAIM_DEADLINE + 3_600,
    "undecided": LATE + APPROVAL_WINDOW_S + 2 * 3_600,
}
"""Unix seconds. At the last one, the approval window of a claim made when the flight was late is over."""

REACHABLE = {
    "None": ("underwriting", "undecided"),
    "Draft": ("underwriting", "waiting", "undecided"),
    "Open": ("underwriting", "waiting", "undecided"),
    "Funded": ("underwriting", "waiting", "cover", "late", "grace"),
    "Active": ("cover", "late", "grace", "over"),
    "Claimable": ("late", "over", "undecided"),
    "Approved": ("late", "undecided"),
    "Settled": ("late", "undecided"),
    "Expired": ("over", "undecided"),
    "Failed": ("underwriting", "undecided"),
}
CELLS = [(state, moment) for state, moments in REACHABLE.items() for moment in moments]

INDEX = 1
"""The share that the calls are about: the `insurer`'s."""
BPS = (6_500, 3_500)
ESCROW = 350_000


@dataclass(frozen=True, slots=True)
class Situation:
    """A policy in a state at a time, and who calls. The insurer has accepted, but in Draft and Open."""

    policy: int
    state: str
    now: int
    caller: str
    address: str
    feed: str
    window_end: int

    @property
    def decides(self) -> bool:
        return self.caller in {"leader", "policy_operator"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A custom error with all its inputs."""

    error: str
    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """The policy's state afterwards, and by how much which balances moved, in USDC base units."""

    state: str
    moves: dict[str, int]


Outcome = Refusal | Effect


def _refusal(error: str, **inputs: Any) -> Refusal:
    return Refusal(error, inputs)


def does(state: str, **moves: int) -> Effect:
    return Effect(state, moves)


def _state(at: Situation, *allowed: str) -> Refusal | None:
    if at.state in allowed:
        return None
    return _refusal("InvalidState", id=at.policy, state=STATES.index(at.state))


def _may(at: Situation, allowed: bool) -> Refusal | None:
    return None if allowed else _refusal("Unauthorized", id=at.policy, caller=at.address)


def _within(at: Situation, earliest: int, latest: int) -> Refusal | None:
    if earliest <= at.now <= latest:
        return None
    return _refusal("InvalidTimeWindow", time=at.now, earliest=earliest, latest=latest)


def _open(at: Situation) -> Outcome:
    return _state(at, "Draft") or _may(at, at.caller == "leader") or does("Open")


def _accept(at: Situation) -> Outcome:
    return (
        _state(at, "Open")
        or _within(at, 0, UNDERWRITING_DEADLINE)
        or _may(at, at.caller == "insurer")
        or does("Open", insurer=-ESCROW, contract=ESCROW)
    )


def _reject_share(at: Situation) -> Outcome:
    return _state(at, "Open") or _may(at, at.caller == "insurer") or does("Open")


def _replace(at: Situation) -> Outcome:
    return _state(at, "Draft", "Open") or _may(at, at.caller == "leader") or does(at.state)


def _fail(at: Situation) -> Outcome:
    return (
        _state(at, "Draft", "Open")
        or _may(at, at.caller == "leader" or at.now > UNDERWRITING_DEADLINE)
        or does("Failed")
    )


def _register(at: Situation) -> Outcome:
    return (
        _state(at, "Draft", "Open", "Funded", "Active")
        or _may(at, at.caller == "leader")
        or _within(at, 0, DEPARTURE - 1)
        or does(at.state)
    )


def _activate(at: Situation) -> Outcome:
    return _state(at, "Funded") or _within(at, ACTIVE_FROM, ACTIVE_TO) or does("Active")


def _check(at: Situation) -> Outcome:
    """The feed says 130 minutes, as of now."""
    cover = (ACTIVE_FROM, ACTIVE_TO) if at.state == "Funded" else (0, CLAIM_DEADLINE)
    refused = _state(at, "Active", "Funded") or _within(at, *cover)
    if refused is None and at.now < DELAYED_SINCE:
        earliest = max(DELAYED_SINCE, at.now - MAX_AGE_S)
        refused = _refusal("OracleStale", feed=at.feed, updatedAt=at.now, earliest=earliest, latest=at.now)
    return refused or does("Claimable")


def _approve(at: Situation) -> Outcome:
    return _state(at, "Claimable") or _may(at, at.decides or at.now > at.window_end) or does("Approved")


def _reject_claim(at: Situation) -> Outcome:
    return _state(at, "Claimable") or _may(at, at.decides) or _within(at, 0, at.window_end) or does("Active")


def _settle(at: Situation) -> Outcome:
    return _state(at, "Approved") or does("Settled", contract=-PAYOUT, beneficiary=PAYOUT)


def _expire(at: Situation) -> Outcome:
    end = CLAIM_DEADLINE if at.state == "Active" else ACTIVE_TO
    return _state(at, "Active", "Funded") or _within(at, end + 1, FOREVER) or does("Expired")


def _refund(at: Situation) -> Outcome:
    return (
        _state(at, "Expired", "Failed")
        or _may(at, at.caller == "insurer")
        or does(at.state, contract=-ESCROW, elsewhere=ESCROW)
    )


def _withdraw(at: Situation) -> Outcome:
    """USDC refused the payout of a settled policy here, so that its beneficiary is owed it."""
    if at.state == "Settled" and at.caller == "beneficiary":
        return does(at.state, contract=-PAYOUT, elsewhere=PAYOUT)
    return _refusal("InvalidAmount", amount=0, max=0)


def _pay_credit(at: Situation) -> Outcome:
    """The beneficiary's, which USDC takes again."""
    if at.state == "Settled":
        return does(at.state, contract=-PAYOUT, beneficiary=PAYOUT)
    return _refusal("InvalidAmount", amount=0, max=0)


def _create(at: Situation) -> Outcome:
    """The caller becomes the leader of another policy; this one stays as it is."""
    deadline = replace(at, now=UNDERWRITING_DEADLINE)
    return _within(deadline, at.now + 1, ACTIVE_FROM) or does(at.state)


TABLE: dict[str, Callable[[Situation], Outcome]] = {
    "createPolicy": _create,
    "openUnderwriting": _open,
    "acceptShare": _accept,
    "acceptShareWithPermit": _accept,
    "rejectShare": _reject_share,
    "replaceShare": _replace,
    "failUnderwriting": _fail,
    "registerPolicyholder": _register,
    "activatePolicy": _activate,
    "checkOracle": _check,
    "approveClaim": _approve,
    "rejectClaim": _reject_claim,
    "settleClaim": _settle,
    "expirePolicy": _expire,
    "refund": _refund,
    "withdraw": _withdraw,
    "payCredit": _pay_credit,
}
