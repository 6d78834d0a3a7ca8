"""Policies brought to each state of their life, by those who may and at times when they may."""

from dataclasses import dataclass
from typing import Any

from clock import Clock
from flight_policies import (
    ACTIVE_FROM,
    CLAIM_DEADLINE,
    LATE,
    SHARE_STATUSES,
    STATES,
    Shares,
    Terms,
    policy_id,
    terms_hash,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One leader's policies under the same terms, unless a call says otherwise."""

    contract: Any
    usdc: Any
    circle: Any
    feed: Any
    feed_owner: Any
    clock: Clock
    leader: Any
    insurers: tuple[Any, ...]
    anybody: Any
    terms: Terms
    shares: Shares

    def create(self, terms: Terms | None = None, shares: Shares | None = None) -> int:
        """A policy in Draft; its id."""
        self.contract.createPolicy(
            (terms or self.terms).values, self.shares if shares is None else shares, sender=self.leader
        )
        return policy_id(self.leader, self.contract.sequences(self.leader))

    def accept(self, policy: int, index: int, insurer: Any) -> Any:
        """Gives the insurer exactly the escrow and accepts; the receipt."""
        self.provide(policy, index, insurer)
        return self.contract.acceptShare(policy, index, self.hash_of(policy), sender=insurer)

    def provide(self, policy: int, index: int, insurer: Any) -> int:
        """Gives the insurer exactly the escrow, approved; base units."""
        escrow: int = self.contract.escrowOf(policy, index)
        if escrow:
            self.usdc.mint(insurer, escrow, sender=self.circle)
        self.usdc.approve(self.contract, escrow, sender=insurer)
        return escrow

    def hash_of(self, policy: int) -> bytes:
        return bytes(self.contract.policies(policy).termsHash)

    def push(self, delay_minutes: int, *, age_s: int = 0) -> int:
        """A reading in a new round, in a block of now; its round."""
        round_id: int = self.feed.latestRoundData()[0] + 1
        self.feed.pushRound(round_id, delay_minutes, self.clock.now - age_s, sender=self.feed_owner)
        return round_id

    def reach(self, state: str, terms: Terms | None = None, shares: Shares | None = None) -> int:
        """A policy in this state, the clock at the earliest time when it can be; its id."""
        policy = self.create(terms, shares)
        self.advance(policy, state)
        return policy

    def advance(self, policy: int, state: str) -> None:
        """Takes a policy from where it is on the way to this state, and there."""
        for step in _WAY[state][len(_WAY[self.state(policy)]) :]:
            getattr(self, f"_to_{step}")(policy)
        assert self.state(policy) == state

    def state(self, policy: int) -> str:
        return STATES[self.contract.state(policy)]

    def share_status(self, policy: int, index: int) -> str:
        return SHARE_STATUSES[self.contract.shareStatus(policy, index)]

    def expected_hash(self, shares: Shares) -> bytes:
        return terms_hash(self.terms, shares)

    def _to_open(self, policy: int) -> None:
        self.contract.openUnderwriting(policy, sender=self.leader)

    def _to_funded(self, policy: int) -> None:
        for index, share in enumerate(self.contract.shares(policy)):
            insurer = next(account for account in self.insurers if account.address == share.insurer)
            self.accept(policy, index, insurer)

    def _to_active(self, policy: int) -> None:
        self._not_before(ACTIVE_FROM)
        self.contract.activatePolicy(policy, sender=self.anybody)

    def _to_claimable(self, policy: int) -> None:
        self._not_before(LATE)
        self.push(130)
        self.contract.checkOracle(policy, sender=self.anybody)

    def _to_approved(self, policy: int) -> None:
        self.contract.approveClaim(policy, sender=self.leader)

    def _to_settled(self, policy: int) -> None:
        self.contract.settleClaim(policy, sender=self.anybody)

    def _to_expired(self, policy: int) -> None:
        self._not_before(CLAIM_DEADLINE + 1)
        self.contract.expirePolicy(policy, sender=self.anybody)

    def _to_failed(self, policy: int) -> None:
        self.contract.failUnderwriting(policy, sender=self.leader)

    def _not_before(self, time_s: int) -> None:
        if self.clock.now < time_s:
            self.clock.travel_to(time_s)


_FUNDED = ("open", "funded")
_CLAIMED = (*_FUNDED, "active", "claimable")
_WAY = {
    "Draft": (),
    "Open": ("open",),
    "Funded": _FUNDED,
    "Active": (*_FUNDED, "active"),
    "Claimable": _CLAIMED,
    "Approved": (*_CLAIMED, "approved"),
    "Settled": (*_CLAIMED, "approved", "settled"),
    "Expired": (*_FUNDED, "active", "expired"),
    "Failed": ("open", "failed"),
}
