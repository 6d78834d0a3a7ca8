"""How an example begins: policies anywhere in their lives, and one of the rarer turns."""

from eth_hash.auto import keccak
from hypothesis import strategies as st
from parametric_lives import WAYS, LifeSteps
from parametric_state import State
from reverts import reverts_with

OPENINGS = ("refused", "rejected", "misread")


class OpeningSteps(LifeSteps):
    def begin_refused(self, data):
        """USDC refuses a beneficiary, who loses nothing by it; another policy is not underwritten in time."""
        policy = self.drafted(data, State.APPROVED)
        other = self.drafted(data, State.OPEN)
        self.to_accept_first(other)
        beneficiary, paused = policy.terms.beneficiary, data.draw(st.booleans(), label="paused")
        self.refuse_money(beneficiary, paused)
        self.to_settle(policy)
        self.end_alone(late=True, idle=False)
        self.not_before(other.terms.underwritingDeadline + 1)
        self.fail(other, self.world.stranger)
        self.refuse_money(beneficiary, paused)
        if paused:
            self.act(self.world.stranger, "payCredit", beneficiary)
        else:
            self.act(beneficiary, "withdraw", self.world.elsewhere)
        for index in sorted(other.accepted):
            insurer = other.insurer(index)
            self.act(insurer, "refund", other.id, index, insurer)

    def begin_rejected(self, data):
        """A claim is rejected, made again, and approved by time alone; another policy is never activated."""
        policy = self.drafted(data, State.CLAIMABLE)
        self.act(policy.deciders[1], "rejectClaim", policy.id)
        self.refuse(policy)
        self.to_claim(policy)
        idle = self.drafted(data, State.FUNDED)
        self.end_alone(late=True, idle=False)
        self.not_before(policy.window_end + 1)
        self.approve(policy, self.world.stranger)
        self.not_before(idle.terms.activeTo + 1)
        self.expire(idle)
        self.end_alone(late=False, idle=True)

    def begin_misread(self, data):
        """The feed says what does not count, each in turn, then too short a delay; another does not begin."""
        rejected = self.drafted(data, State.OPEN)
        self.act(rejected.insurer(0), "rejectShare", rejected.id, 0)
        self.fail(rejected, rejected.leader)
        policy = self.drafted(data, State.ACTIVE)
        self.not_before(policy.delayed_since)
        feed = self.model.feeds[policy.terms.feed]
        self.report(feed.address, feed.round_id + 1, 125, self.model.soon)
        self.refuse(policy)
        self.report(feed.address, feed.round_id + 1, 120, policy.delayed_since - 1)
        self.refuse(policy)
        self.redescribe(feed.address)
        self.refuse(policy)
        self.redescribe(feed.address)
        self.report(feed.address, feed.round_id + 1, 0, self.model.soon)
        self.check(policy)
        self.end_alone(late=False, idle=False)
        self.not_before(policy.claim_deadline + 1)
        self.expire(policy)

    def refuse_money(self, account, everybodys):
        """USDC refuses this account's or everybody's, or no longer."""
        if everybodys:
            self.stop_usdc(not self.model.usdc.paused)
        else:
            self.deny(account)

    def drafted(self, data, state):
        """A new policy in this state."""
        policy = self.model.policies[self.draft(data)]
        self.bring(policy.id, state)
        return policy

    def bring(self, policy, target):
        """Takes a draft to this state, the leader doing what only a leader may."""
        for step in WAYS[target]:
            getattr(self, f"to_{step}")(self.model.policies[policy])
        assert self.model.policies[policy].state is target

    def replace_one(self, policy, index, data):
        others = {insurer for other, (insurer, _) in enumerate(policy.shares) if other != index}
        free = [insurer for insurer in self.world.insurers if insurer not in others]
        self.act(policy.leader, "replaceShare", policy.id, index, self.pick(data, free, "insurer"))

    def register_one(self, policy, data):
        premium = data.draw(st.integers(0, 10**9), label="premium")
        coverage = data.draw(st.integers(1, policy.terms.payout - policy.coverage), label="coverage")
        ref = keccak(f"{policy.id} {policy.policyholders}".encode())
        self.act(policy.leader, "registerPolicyholder", policy.id, ref, premium, coverage)

    # calls that count by who makes them, or by what comes of them

    def fail(self, policy, sender):
        action = "fail_by_leader" if sender == policy.leader else "fail_by_anyone"
        self.act(sender, "failUnderwriting", policy.id, action=action)

    def approve(self, policy, sender):
        action = "approve_by_decider" if sender in policy.deciders else "approve_by_anyone"
        self.act(sender, "approveClaim", policy.id, action=action)

    def expire(self, policy):
        action = "expire_active" if policy.state is State.ACTIVE else "expire_funded"
        self.act(self.world.stranger, "expirePolicy", policy.id, action=action)

    def check(self, policy):
        is_late = self.model.feeds[policy.terms.feed].answer >= policy.terms.thresholdMinutes
        action = "claim" if is_late else "check_without_claim"
        self.act(self.world.stranger, "checkOracle", policy.id, action=action)

    def refuse(self, policy):
        """P6: a reading that does not count is refused, for the reason that the model gives."""
        error, inputs = self.model.fault(policy, self.model.now)
        call = {
            "from": self.world.stranger,
            "to": self.contract.address,
            "data": self.contract.checkOracle.encode_input(policy.id),
        }
        with reverts_with(getattr(self.contract, error), **inputs):
            self.contract.provider.web3.eth.call(call)
        self.successes[f"refused_{error}"] += 1
