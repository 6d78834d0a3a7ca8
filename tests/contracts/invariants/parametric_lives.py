"""Policies brought from state to state: in their ordinary life, and by time and strangers alone."""

from copy import deepcopy

from flight_policies import Terms
from hypothesis import strategies as st
from parametric_state import REFUNDABLE, State
from parametric_steps import ParametricSteps
from signing import sign_permit

HOUR_S = 3_600
LATER = 2**40
CANCELLED = 9_990
SPLITS = (
    (10_000,),
    (9_999, 1),
    (5_000, 3_000, 2_000),
    (3_333, 3_333, 3_334),
    (2_500, 2_500, 2_500, 2_500),
)
PAYOUTS = st.one_of(st.sampled_from([1, 7, 100, 1_000_001, 1_000_003]), st.integers(1, 10**9))
_CLAIM = ("open", "fund", "activate", "claim")
WAYS = {
    State.DRAFT: (),
    State.OPEN: ("open",),
    State.FUNDED: ("open", "fund"),
    State.ACTIVE: ("open", "fund", "activate"),
    State.CLAIMABLE: _CLAIM,
    State.APPROVED: (*_CLAIM, "approve"),
    State.SETTLED: (*_CLAIM, "approve", "settle"),
    State.EXPIRED: ("open", "fund", "activate", "expire"),
    State.FAILED: ("open", "accept_first", "fail"),
}


class LifeSteps(ParametricSteps):
    def draft(self, data):
        """A policy under any terms that the contract takes; its id."""
        world, pick = self.world, self.pick
        bps = pick(data, SPLITS, "shares")
        insurers = data.draw(st.permutations(world.insurers), label="insurers")[: len(bps)]
        leader, feed = pick(data, world.leaders, "leader"), pick(data, world.feeds, "feed")
        hours = data.draw(st.tuples(*(st.integers(0, 24) for _ in range(5))), label="hours")
        deadline = self.model.soon + (1 + hours[0]) * HOUR_S
        active_from = deadline + hours[1] * HOUR_S
        departure = active_from + hours[2] * HOUR_S
        threshold = pick(data, [10, 120, 360], "threshold")
        terms = Terms(
            route=b"ICN-JFK".ljust(16, b"\0"),
            flightNo=b"KE081".ljust(16, b"\0"),
            departure=departure,
            thresholdMinutes=threshold,
            payout=data.draw(PAYOUTS, label="payout"),
            beneficiary=pick(data, world.beneficiaries, "beneficiary"),
            operator=world.operator,
            feed=feed.address,
            feedDescriptionHash=self.model.feeds[feed.address].description_hash,
            underwritingDeadline=deadline,
            activeFrom=active_from,
            activeTo=departure + threshold * 60 + 1 + hours[3] * HOUR_S,
            approvalWindow=(1 + hours[4]) * HOUR_S,
            claimGrace=pick(data, [1, 24], "grace") * HOUR_S,
        )
        self.act(leader, "createPolicy", terms.values, list(zip(insurers, bps, strict=True)))
        return next(reversed(self.model.policies))

    def to_open(self, policy):
        self.act(policy.leader, "openUnderwriting", policy.id)

    def to_fund(self, policy):
        for index in policy.unanswered:
            self.accept_one(policy, index, permit=index % 2)

    def to_accept_first(self, policy):
        if len(policy.shares) > 1:
            self.accept_one(policy, 0, permit=False)

    def accept_one(self, policy, index, *, permit):
        world, insurer, escrow = self.world, policy.insurer(index), policy.escrow(index)
        agreed = policy.record[0]
        if permit:
            signature = sign_permit(world.usdc, world.signers[insurer], self.contract, escrow, LATER)
            self.act(insurer, "acceptShareWithPermit", policy.id, index, agreed, LATER, signature)
        else:
            self.send(insurer, world.usdc, "approve", self.contract, escrow)
            self.act(insurer, "acceptShare", policy.id, index, agreed)

    def to_activate(self, policy):
        self.not_before(policy.terms.activeFrom)
        self.act(self.world.stranger, "activatePolicy", policy.id)

    def to_claim(self, policy):
        self.not_before(policy.delayed_since)
        self.report_late(policy)
        self.check(policy)

    def to_approve(self, policy):
        self.approve(policy, policy.leader)

    def to_settle(self, policy):
        self.act(self.world.stranger, "settleClaim", policy.id)

    def to_expire(self, policy):
        self.not_before(policy.claim_deadline + 1)
        self.expire(policy)

    def to_fail(self, policy):
        self.fail(policy, policy.leader)

    def not_before(self, time_s):
        """The next block is at this time, unless it is later."""
        if time_s > self.model.soon:
            self.travel("pass_time", time_s - 1)

    # readings

    def report(self, feed, round_id, answer, updated_at):
        world, said = self.world, self.model.feeds[feed]
        contract = next(one for one in world.feeds if one.address == feed)
        self.send(world.feed_owner, contract, "pushRound", round_id, answer, updated_at)
        said.round_id, said.answer, said.updated_at = round_id, answer, updated_at

    def report_late(self, policy):
        """A cancelled flight, in a round that counts for this policy, under its own description."""
        feed = self.model.feeds[policy.terms.feed]
        if feed.description_hash != policy.terms.feedDescriptionHash:
            self.redescribe(feed.address)
        self.report(feed.address, max(feed.round_id, policy.claim_round) + 1, CANCELLED, self.model.soon)

    def redescribe(self, feed):
        """The feed tells of the other flight."""
        world, said = self.world, self.model.feeds[feed]
        contract = next(one for one in world.feeds if one.address == feed)
        said.description = next(text for text in world.descriptions if text != said.description)
        self.send(world.feed_owner, contract, "setDescription", said.description)

    # time alone

    def end_alone(self, *, late, idle):
        """P7: strangers end every policy, and everybody takes what is due; then all of it is undone.

        `late`: the feed says so while it can; else it is silent. `idle`: nobody activates.
        """
        kept = (self.model, self.ledger, self.owed, self.seen)
        self.model, self.ledger, self.owed, self.seen = deepcopy(kept)
        snapshot = self.world.chain.snapshot()
        begun = {policy.id: policy.state for policy in self.model.policies.values()}
        self.let_usdc_through()
        for policy in list(self.model.policies.values()):
            while policy.state not in (State.SETTLED, *REFUNDABLE):
                self.end_one(policy, late=late, idle=idle)
        for policy, index in self.model.refundable():
            self.act(policy.insurer(index), "refund", policy.id, index, self.world.haven, action="end")
        for creditor in self.model.creditors():
            if self.model.usdc.takes(self.contract.address, creditor):
                self.act(self.world.stranger, "payCredit", creditor, action="end")
            else:
                self.act(creditor, "withdraw", self.world.haven, action="end")

        assert self.world.usdc.balanceOf(self.contract) == self.model.donated
        assert not any(self.ledger.values())
        assert not any(self.owed.values())
        self.world.chain.restore(snapshot)
        self.model, self.ledger, self.owed, self.seen = kept
        self.successes.update(f"alone_from_{state.name}" for state in begun.values())

    def end_one(self, policy, *, late, idle):
        """The next thing that a stranger can do, at the earliest time when it can be done."""
        stranger, terms = self.world.stranger, policy.terms
        if policy.state in (State.DRAFT, State.OPEN):
            self.not_before(terms.underwritingDeadline + 1)
            self.act(stranger, "failUnderwriting", policy.id, action="end")
        elif policy.state is State.FUNDED and not idle and self.model.soon <= terms.activeTo:
            self.not_before(terms.activeFrom)
            self.act(stranger, "activatePolicy", policy.id, action="end")
        elif policy.state is State.ACTIVE and late and self.model.soon + 2 <= policy.claim_deadline:
            self.not_before(policy.delayed_since)
            self.report_late(policy)
            self.act(stranger, "checkOracle", policy.id, action="end")
        elif policy.state in (State.FUNDED, State.ACTIVE):
            end = policy.claim_deadline if policy.state is State.ACTIVE else terms.activeTo
            self.not_before(end + 1)
            self.act(stranger, "expirePolicy", policy.id, action="end")
        elif policy.state is State.CLAIMABLE:
            self.not_before(policy.window_end + 1)
            self.act(stranger, "approveClaim", policy.id, action="end")
        else:
            self.act(stranger, "settleClaim", policy.id, action="end")

    def let_usdc_through(self):
        """What only Circle can do: lift its pause, and its denial of the contract. People stay denied."""
        if self.model.usdc.paused:
            self.stop_usdc(False)
        if self.contract.address in self.model.usdc.denied:
            self.deny(self.contract.address)

    def stop_usdc(self, stop):
        self.send(self.world.circle, self.world.usdc, "pause" if stop else "unpause")
        self.model.usdc.paused = stop
        self.successes["stop_usdc" if stop else "resume_usdc"] += 1

    def deny(self, account):
        """Circle denies it, or no longer."""
        denied = account in self.model.usdc.denied
        self.send(self.world.circle, self.world.usdc, "unBlacklist" if denied else "blacklist", account)
        self.model.usdc.denied ^= {account}
        self.successes["undeny" if denied else "deny"] += 1
