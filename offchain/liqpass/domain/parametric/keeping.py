"""What a keeper does next with a policy, of that which anyone may do."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.domain.money import Usdc
from liqpass.domain.parametric.feed_check import FeedRule
from liqpass.domain.parametric.life import Action, Actor, Life, PolicyState, Step, steps

ENDED = (PolicyState.SETTLED, PolicyState.EXPIRED, PolicyState.FAILED)
"""States from which nobody but the insurers can do anything."""

KEPT = (Action.ACTIVATE, Action.CHECK, Action.APPROVE, Action.SETTLE, Action.EXPIRE)
"""What a keeper does. Failing an underwriting that is late is left to those who wait for their escrow."""

_ORDER = (Action.CHECK, Action.ACTIVATE, Action.APPROVE, Action.SETTLE, Action.EXPIRE)


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """What a keeper must know of a policy: its feed (lower case), what it asks of it, and its life.

    `payout` in base units.
    """

    number: int
    payout: Usdc
    feed: str
    rule: FeedRule
    life: Life

    def may_check(self, now_s: int) -> bool:
        """Whether a block of that time would take a check, so that the feed is worth a look."""
        return any(step.action is Action.CHECK and step.is_open(now_s) for step in steps(self.life))


def has_ended(life: Life, now_s: int) -> bool:
    """Whether nothing is left for a keeper, now or later: an underwriting that is late is never funded."""
    late = now_s > life.underwriting_deadline_s
    return life.state in ENDED or (late and life.state in (PolicyState.DRAFT, PolicyState.OPEN))


def next_action(life: Life, *, now_s: int, margin_s: int, makes_claim: bool) -> Action | None:
    """The one thing to do now, None where nothing is due.

    `makes_claim`: whether the feed has a reading that would make a claim in a block of that time; one that
    would not only costs gas. A check activates by itself, so it comes first. What is allowed only from a time
    on waits `margin_s` more, so that a reorganisation does not bring a moment before it.
    """
    due = {step.action for step in steps(life) if _is_due(step, now_s, margin_s)}
    if not makes_claim:
        due.discard(Action.CHECK)
    return next((action for action in _ORDER if action in due), None)


def is_over(action: Action, state: PolicyState) -> bool:
    """Whether the state shows that the action has been done, or is not wanted any more."""
    return (
        state
        not in {
            Action.ACTIVATE: (PolicyState.FUNDED,),
            Action.CHECK: (PolicyState.FUNDED, PolicyState.ACTIVE),
            Action.APPROVE: (PolicyState.CLAIMABLE,),
            Action.SETTLE: (PolicyState.APPROVED,),
            Action.EXPIRE: (PolicyState.FUNDED, PolicyState.ACTIVE),
        }[action]
    )


def _is_due(step: Step, now_s: int, margin_s: int) -> bool:
    if step.by is not Actor.ANYONE or step.action not in KEPT:
        return False
    late_enough = step.from_s is None or step.from_s + margin_s <= now_s
    return late_enough and step.is_open(now_s)
