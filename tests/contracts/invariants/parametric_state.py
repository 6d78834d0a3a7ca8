"""What is so of parametric policies at a moment: terms, answers, claims, readings, and what could be done.

What a policy holds is worked out anew each time from who accepted and who was refunded, never kept. Amounts
in USDC base units, times in unix seconds, accounts by address.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from eth_hash.auto import keccak
from flight_policies import MAX_AGE_S, ZERO, Shares, Terms, terms_hash
from x402_token import Log, Token

BPS = 10_000
LARGEST_ANSWER = 2**128 - 1
MAX_POLICYHOLDERS = 128

Refusal = tuple[str, dict[str, Any]]
"""A custom error and all its inputs."""


class State(IntEnum):
    NONE = 0
    DRAFT = 1
    OPEN = 2
    FUNDED = 3
    ACTIVE = 4
    CLAIMABLE = 5
    APPROVED = 6
    SETTLED = 7
    EXPIRED = 8
    FAILED = 9


UNDERWRITING = (State.DRAFT, State.OPEN)
REFUNDABLE = (State.EXPIRED, State.FAILED)


@dataclass
class Feed:
    """What a feed says now. Round 0 stands for a feed that has never reported."""

    address: str
    description: str
    round_id: int = 0
    answer: int = 0
    updated_at: int = 0

    @property
    def description_hash(self) -> bytes:
        return keccak(self.description.encode())


@dataclass
class Policy:
    """Terms, and what has become of them. Shares are told by their index."""

    id: int
    leader: str
    terms: Terms
    shares: Shares
    created_at: int
    claim_deadline: int
    state: State = State.DRAFT
    accepted: set[int] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)
    refunded: set[int] = field(default_factory=set)
    rejection_spent: bool = False
    claim_round: int = 0
    verified_at: int = 0
    claim_value: int = 0
    approved_by: str = ZERO
    policyholders: int = 0
    coverage: int = 0

    @property
    def deciders(self) -> tuple[str, str]:
        return self.leader, self.terms.operator

    @property
    def delayed_since(self) -> int:
        return self.terms.departure + 60 * self.terms.thresholdMinutes

    @property
    def window_end(self) -> int:
        return self.verified_at + self.terms.approvalWindow

    @property
    def dust(self) -> int:
        return self.terms.payout - sum(self.terms.payout * part // BPS for _, part in self.shares)

    @property
    def held(self) -> int:
        """What lies in the contract for this policy."""
        if self.state is State.SETTLED:
            return 0
        return sum(self.escrow(index) for index in self.accepted - self.refunded)

    @property
    def unanswered(self) -> list[int]:
        return [index for index in range(len(self.shares)) if index not in self.accepted | self.rejected]

    @property
    def record(self) -> tuple[Any, ...]:
        """As `policies(id)` tells it."""
        terms = self.terms
        return (
            terms_hash(terms, self.shares),
            terms.feedDescriptionHash,
            terms.route,
            terms.flightNo,
            terms.feed,
            terms.payout,
            terms.beneficiary,
            terms.departure,
            terms.activeFrom,
            terms.thresholdMinutes,
            terms.operator,
            terms.underwritingDeadline,
            terms.activeTo,
            len(self.shares),
            self.dust,
            self.state,
            *(mask_of(indices) for indices in (self.accepted, self.rejected, self.refunded)),
            self.policyholders,
            self.rejection_spent,
            self.created_at,
            self.claim_deadline,
            terms.approvalWindow,
            terms.claimGrace,
            self.claim_round,
            self.verified_at,
            self.claim_value,
            self.approved_by,
            self.coverage,
        )

    def insurer(self, index: int) -> str:
        return self.shares[index][0]

    def escrow(self, index: int) -> int:
        """Rounded down; share 0 carries the dust."""
        return self.terms.payout * self.shares[index][1] // BPS + (self.dust if index == 0 else 0)

    def dates(self) -> list[int]:
        """The last seconds of what ends, and the seconds before what begins."""
        terms = self.terms
        dates = [terms.underwritingDeadline, terms.activeFrom - 1, self.delayed_since - 1, terms.activeTo]
        return [*dates, self.claim_deadline, *([self.window_end] if self.claim_round else [])]


@dataclass
class Book:
    """`now` is the newest block's time; the next block is a second later."""

    address: str
    usdc: Token
    feeds: dict[str, Feed]
    logs: list[Log]
    now: int
    policies: dict[int, Policy] = field(default_factory=dict)
    credits: Counter[str] = field(default_factory=Counter)
    sequences: Counter[str] = field(default_factory=Counter)
    donated: int = 0

    @property
    def soon(self) -> int:
        return self.now + 1

    def within(self, *states: State) -> list[Policy]:
        return [policy for policy in self.policies.values() if policy.state in states]

    def acceptable(self) -> list[tuple[Policy, int]]:
        """Shares whose insurers could accept in the next block."""
        return [
            (policy, index)
            for policy in self.within(State.OPEN)
            for index in policy.unanswered
            if self.soon <= policy.terms.underwritingDeadline
            and self.usdc.takes(policy.insurer(index), self.address)
        ]

    def unanswered(self) -> list[tuple[Policy, int]]:
        return [(policy, index) for policy in self.within(State.OPEN) for index in policy.unanswered]

    def replaceable(self) -> list[tuple[Policy, int]]:
        policies = self.within(*UNDERWRITING)
        return [
            (one, index) for one in policies for index in range(len(one.shares)) if index not in one.accepted
        ]

    def registrable(self) -> list[Policy]:
        return [
            policy
            for policy in self.within(*UNDERWRITING, State.FUNDED, State.ACTIVE)
            if self.soon < policy.terms.departure
            and policy.policyholders < MAX_POLICYHOLDERS
            and policy.coverage < policy.terms.payout
        ]

    def in_window(self, policy: Policy, time_s: int) -> bool:
        """Whether a funded policy can be activated then."""
        return policy.terms.activeFrom <= time_s <= policy.terms.activeTo

    def activatable(self) -> list[Policy]:
        return [policy for policy in self.within(State.FUNDED) if self.in_window(policy, self.soon)]

    def checkable(self, time_s: int) -> list[Policy]:
        """Policies whose feed may be asked then, whatever it says."""
        active = [policy for policy in self.within(State.ACTIVE) if time_s <= policy.claim_deadline]
        return active + [policy for policy in self.within(State.FUNDED) if self.in_window(policy, time_s)]

    def fault(self, policy: Policy, time_s: int) -> Refusal | None:
        """Why the feed's reading does not count for this policy then, if it does not."""
        terms, feed = policy.terms, self.feeds[policy.terms.feed]
        if feed.description_hash != terms.feedDescriptionHash:
            hashes = {"descriptionHash": feed.description_hash, "expectedHash": terms.feedDescriptionHash}
            return "FeedMismatch", {"feed": feed.address, **hashes}
        if feed.round_id <= policy.claim_round:
            rounds = {"roundId": feed.round_id, "lastRoundId": policy.claim_round}
            return "RoundReused", {"feed": feed.address, **rounds}
        earliest = max(policy.delayed_since, time_s - MAX_AGE_S)
        if not earliest <= feed.updated_at <= time_s:
            times = {"updatedAt": feed.updated_at, "earliest": earliest, "latest": time_s}
            return "OracleStale", {"feed": feed.address, **times}
        if not 0 <= feed.answer <= LARGEST_ANSWER or feed.answer % 10:
            return "OracleFormat", {"feed": feed.address, "answer": feed.answer}
        return None

    def readable(self) -> list[Policy]:
        return [policy for policy in self.checkable(self.soon) if self.fault(policy, self.soon) is None]

    def misread(self) -> list[Policy]:
        return [policy for policy in self.checkable(self.now) if self.fault(policy, self.now)]

    def rejectable(self) -> list[Policy]:
        claims = self.within(State.CLAIMABLE)
        return [one for one in claims if not one.rejection_spent and self.soon <= one.window_end]

    def expirable(self) -> list[Policy]:
        active = [one for one in self.within(State.ACTIVE) if self.soon > one.claim_deadline]
        return active + [one for one in self.within(State.FUNDED) if self.soon > one.terms.activeTo]

    def refundable(self) -> list[tuple[Policy, int]]:
        ended = self.within(*REFUNDABLE)
        return [(policy, index) for policy in ended for index in sorted(policy.accepted - policy.refunded)]

    def creditors(self) -> list[str]:
        return [account for account, amount in self.credits.items() if amount]


def mask_of(indices: set[int]) -> int:
    return sum(1 << index for index in indices)
