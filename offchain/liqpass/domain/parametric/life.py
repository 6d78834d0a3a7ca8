"""A policy's life: what can be done in its state, by whom, from when until when."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from liqpass.domain.money import Usdc
from liqpass.domain.parametric.reading import delayed_since

MAX_POLICYHOLDERS = 128


class PolicyState(StrEnum):
    """The contract's states, in the order of its numbers."""

    NONE = "None"
    DRAFT = "Draft"
    OPEN = "Open"
    FUNDED = "Funded"
    ACTIVE = "Active"
    CLAIMABLE = "Claimable"
    APPROVED = "Approved"
    SETTLED = "Settled"
    EXPIRED = "Expired"
    FAILED = "Failed"


class ShareStatus(StrEnum):
    """What has become of a share, in the order of the contract's numbers."""

    PENDING = "Pending"
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    REFUNDED = "Refunded"


STATES = tuple(PolicyState)
SHARE_STATUSES = tuple(ShareStatus)


class Action(StrEnum):
    """Named as the commands of `ape run policy`."""

    OPEN = "open"
    ACCEPT = "accept"
    REJECT = "reject"
    REPLACE = "replace"
    FAIL = "fail"
    REGISTER = "register"
    ACTIVATE = "activate"
    CHECK = "check"
    APPROVE = "approve"
    REJECT_CLAIM = "reject-claim"
    SETTLE = "settle"
    EXPIRE = "expire"
    REFUND = "refund"


class Actor(StrEnum):
    """Who may act."""

    LEADER = "leader"
    INSURER = "insurer"
    DECIDER = "leader or policy operator"
    ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Life:
    """What decides on what can be done. Times (`_s`) in unix seconds, as the chain has them now.

    `verified_at_s` is the time of the claim made last, 0 without one. `uncovered` is the part of the payout
    that no registered policyholder has, in base units.
    """

    state: PolicyState
    shares: tuple[ShareStatus, ...]
    threshold_minutes: int
    departure_s: int
    underwriting_deadline_s: int
    active_from_s: int
    active_to_s: int
    claim_deadline_s: int
    approval_window_s: int
    verified_at_s: int
    rejection_spent: bool
    policyholders: int
    uncovered: Usdc

    @property
    def window_ends_s(self) -> int:
        """The last second of the approval window."""
        return self.verified_at_s + self.approval_window_s


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that can be done; both times are unix seconds and included, None is without bound.

    `share` is the share's index where `by` is an insurer, or where the leader replaces one.
    """

    action: Action
    by: Actor
    share: int | None = None
    from_s: int | None = None
    until_s: int | None = None

    def is_open(self, now_s: int) -> bool:
        """Whether a block of that time would take it."""
        return (self.from_s is None or self.from_s <= now_s) and (
            self.until_s is None or now_s <= self.until_s
        )


def steps(life: Life) -> tuple[Step, ...]:
    """Everything that the state allows at some time, open now, later or no more."""
    match life.state:
        case PolicyState.DRAFT:
            found = (Step(Action.OPEN, Actor.LEADER), *_replacements(life), *_failures(life))
        case PolicyState.OPEN:
            found = (*_answers(life), *_replacements(life), *_failures(life))
        case PolicyState.FUNDED:
            found = tuple(_of_funded(life))
        case PolicyState.ACTIVE:
            late = delayed_since(life.departure_s, life.threshold_minutes)
            found = (
                Step(Action.CHECK, Actor.ANYONE, from_s=late, until_s=life.claim_deadline_s),
                Step(Action.EXPIRE, Actor.ANYONE, from_s=life.claim_deadline_s + 1),
            )
        case PolicyState.CLAIMABLE:
            found = tuple(_decisions(life))
        case PolicyState.APPROVED:
            found = (Step(Action.SETTLE, Actor.ANYONE),)
        case PolicyState.EXPIRED | PolicyState.FAILED:
            found = tuple(
                Step(Action.REFUND, Actor.INSURER, index)
                for index, status in enumerate(life.shares)
                if status is ShareStatus.ACCEPTED
            )
        case PolicyState.NONE | PolicyState.SETTLED:
            found = ()
    return (*found, *_registration(life))


def possible(life: Life, now_s: int) -> tuple[Step, ...]:
    """What a block of time `now_s` would take. A check still needs a reading that counts."""
    return tuple(step for step in steps(life) if step.is_open(now_s))


def for_anyone(life: Life, now_s: int) -> tuple[Step, ...]:
    """Of these, what needs nobody in particular: the work of a keeper."""
    return tuple(step for step in possible(life, now_s) if step.by is Actor.ANYONE)


def _replacements(life: Life) -> Iterator[Step]:
    for index, status in enumerate(life.shares):
        if status in (ShareStatus.PENDING, ShareStatus.REJECTED):
            yield Step(Action.REPLACE, Actor.LEADER, index)


def _failures(life: Life) -> Iterator[Step]:
    yield Step(Action.FAIL, Actor.LEADER)
    yield Step(Action.FAIL, Actor.ANYONE, from_s=life.underwriting_deadline_s + 1)


def _answers(life: Life) -> Iterator[Step]:
    for index, status in enumerate(life.shares):
        if status is ShareStatus.PENDING:
            yield Step(Action.ACCEPT, Actor.INSURER, index, until_s=life.underwriting_deadline_s)
            yield Step(Action.REJECT, Actor.INSURER, index)


def _of_funded(life: Life) -> Iterator[Step]:
    yield Step(Action.ACTIVATE, Actor.ANYONE, from_s=life.active_from_s, until_s=life.active_to_s)
    # It activates first. The delay never comes before `active_from`, which is at most the departure.
    late = delayed_since(life.departure_s, life.threshold_minutes)
    yield Step(Action.CHECK, Actor.ANYONE, from_s=late, until_s=life.active_to_s)
    yield Step(Action.EXPIRE, Actor.ANYONE, from_s=life.active_to_s + 1)


def _decisions(life: Life) -> Iterator[Step]:
    yield Step(Action.APPROVE, Actor.DECIDER)
    yield Step(Action.APPROVE, Actor.ANYONE, from_s=life.window_ends_s + 1)
    if not life.rejection_spent:
        yield Step(Action.REJECT_CLAIM, Actor.DECIDER, until_s=life.window_ends_s)


def _registration(life: Life) -> Iterator[Step]:
    before_claim = (PolicyState.DRAFT, PolicyState.OPEN, PolicyState.FUNDED, PolicyState.ACTIVE)
    if life.state in before_claim and life.policyholders < MAX_POLICYHOLDERS and life.uncovered > 0:
        yield Step(Action.REGISTER, Actor.LEADER, until_s=life.departure_s - 1)
