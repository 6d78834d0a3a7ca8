"""The state machine of OpenParametric: who may do what next, what the feed says, and time."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from parametric_lives import HOUR_S
from parametric_openings import OpeningSteps
from parametric_state import UNDERWRITING, State

MOST_POLICIES = 5
STATES = st.sampled_from([state for state in State if state is not State.NONE])
ANSWERS = (0, 10, 110, 120, 130, 360, 9_990, 2**128 - 6)
NO_ANSWERS = (119, 125, -10, 2**128, -(2**255))


class ParametricMachine(OpeningSteps):
    @initialize(state=STATES, data=st.data())
    def begin(self, state, data):
        """A draft and a policy anywhere in its life, which may miss their dates while others have a turn."""
        draft = self.drafted(data, State.DRAFT)
        self.register_one(draft, data)
        self.replace_one(draft, 0, data)
        self.drafted(data, state)
        getattr(self, f"begin_{self.opening}")(data)

    # underwriting

    @precondition(lambda self: len(self.model.policies) < MOST_POLICIES)
    @rule(funded=st.booleans(), data=st.data())
    def create(self, funded, data):
        policy = self.draft(data)
        if funded and len(self.model.usdc.denied) == 0 and not self.model.usdc.paused:
            self.bring(policy, State.FUNDED)

    @precondition(lambda self: self.model.within(State.DRAFT))
    @rule(data=st.data())
    def open(self, data):
        policy = self.pick(data, self.model.within(State.DRAFT), "policy")
        self.act(policy.leader, "openUnderwriting", policy.id)

    @precondition(lambda self: self.model.acceptable())
    @rule(permit=st.booleans(), data=st.data())
    def accept(self, permit, data):
        policy, index = self.pick(data, self.model.acceptable(), "share")
        if self.model.soon + 1 <= policy.terms.underwritingDeadline:
            self.accept_one(policy, index, permit=permit)

    @precondition(lambda self: self.model.unanswered())
    @rule(data=st.data())
    def reject_share(self, data):
        policy, index = self.pick(data, self.model.unanswered(), "share")
        self.act(policy.insurer(index), "rejectShare", policy.id, index)

    @precondition(lambda self: self.model.replaceable())
    @rule(data=st.data())
    def replace_share(self, data):
        policy, index = self.pick(data, self.model.replaceable(), "share")
        self.replace_one(policy, index, data)

    @precondition(lambda self: self.model.within(*UNDERWRITING))
    @rule(data=st.data())
    def fail_underwriting(self, data):
        policy = self.pick(data, self.model.within(*UNDERWRITING), "policy")
        over = self.model.soon > policy.terms.underwritingDeadline
        if over or data.draw(st.booleans(), label="early"):
            self.fail(policy, self.world.stranger if over else policy.leader)

    @precondition(lambda self: self.model.registrable())
    @rule(data=st.data())
    def register(self, data):
        self.register_one(self.pick(data, self.model.registrable(), "policy"), data)

    # cover and claim

    @precondition(lambda self: self.model.activatable())
    @rule(data=st.data())
    def activate(self, data):
        policy = self.pick(data, self.model.activatable(), "policy")
        self.act(self.world.stranger, "activatePolicy", policy.id)

    @precondition(lambda self: self.model.readable())
    @rule(data=st.data())
    def check_the_feed(self, data):
        self.check(self.pick(data, self.model.readable(), "policy"))

    @precondition(lambda self: self.model.misread())
    @rule(data=st.data())
    def refuse_a_reading(self, data):
        self.refuse(self.pick(data, self.model.misread(), "policy"))

    @precondition(lambda self: self.model.within(State.CLAIMABLE))
    @rule(decider=st.integers(0, 1), data=st.data())
    def approve_a_claim(self, decider, data):
        policy = self.pick(data, self.model.within(State.CLAIMABLE), "policy")
        over = self.model.soon > policy.window_end
        self.approve(policy, self.world.stranger if over else policy.deciders[decider])

    @precondition(lambda self: self.model.rejectable())
    @rule(decider=st.integers(0, 1), data=st.data())
    def reject_claim(self, decider, data):
        policy = self.pick(data, self.model.rejectable(), "policy")
        self.act(policy.deciders[decider], "rejectClaim", policy.id)

    # the ends

    @precondition(lambda self: self.model.within(State.APPROVED))
    @rule(data=st.data())
    def settle(self, data):
        policy = self.pick(data, self.model.within(State.APPROVED), "policy")
        self.act(self.world.stranger, "settleClaim", policy.id)

    @precondition(lambda self: self.model.expirable())
    @rule(data=st.data())
    def expire_a_policy(self, data):
        self.expire(self.pick(data, self.model.expirable(), "policy"))

    def recipients(self, account):
        """Where USDC would take what the contract sends for this account."""
        takes = self.model.usdc.takes
        return [to for to in (account, self.world.elsewhere) if takes(self.contract.address, to)]

    def refundable(self):
        return [
            (policy, index)
            for policy, index in self.model.refundable()
            if self.recipients(policy.insurer(index))
        ]

    @precondition(refundable)
    @rule(data=st.data())
    def refund(self, data):
        policy, index = self.pick(data, self.refundable(), "share")
        insurer = policy.insurer(index)
        to = self.pick(data, self.recipients(insurer), "to")
        self.act(insurer, "refund", policy.id, index, to)

    def creditors(self):
        return [account for account in self.model.creditors() if self.recipients(account)]

    @precondition(creditors)
    @rule(data=st.data())
    def withdraw(self, data):
        creditor = self.pick(data, self.creditors(), "creditor")
        self.act(creditor, "withdraw", self.pick(data, self.recipients(creditor), "to"))

    def payable(self):
        return [account for account in self.model.creditors() if account in self.recipients(account)]

    @precondition(payable)
    @rule(data=st.data())
    def pay_credit(self, data):
        account = self.pick(data, self.payable(), "account")
        self.act(self.world.stranger, "payCredit", account)

    @rule(late=st.booleans(), idle=st.booleans())
    def be_left_alone(self, late, idle):
        self.end_alone(late=late, idle=idle)

    # the feed

    @rule(answer=st.sampled_from(ANSWERS), data=st.data())
    def report_a_delay(self, answer, data):
        feed = self.pick(data, self.model.feeds, "feed")
        self.report(feed, self.model.feeds[feed].round_id + 1, answer, self.model.soon)
        self.successes["report"] += 1

    @rule(answer=st.sampled_from((*ANSWERS, *NO_ANSWERS)), data=st.data())
    def report_anything(self, answer, data):
        """No delay, too old, from the future, a forecast, an older round, a proxy before its first report."""
        feed, soon = self.model.feeds[self.pick(data, self.model.feeds, "feed")], self.model.soon
        departures = [policy.terms.departure for policy in self.model.policies.values()]
        rounds = [feed.round_id + 1, feed.round_id, max(0, feed.round_id - 1), 0, 2**64]
        round_id = self.pick(data, rounds, "round")
        times = [soon, soon - 1_800, soon - 1_801, soon + HOUR_S, 0, *departures]
        self.report(feed.address, round_id, answer, self.pick(data, times, "updated at"))
        self.successes["report_anything"] += 1

    @rule(unlikely=st.integers(0, 2), data=st.data())
    def describe_another_flight(self, unlikely, data):
        feed = self.pick(data, self.model.feeds, "feed")
        if unlikely == 0 or self.model.feeds[feed].description != self.world.description:
            self.redescribe(feed)
            self.successes["describe_another_flight"] += 1

    # USDC

    @rule(amount=st.integers(1, 10**6))
    def donate(self, amount):
        donor, usdc = self.world.stranger, self.model.usdc
        if usdc.takes(donor, self.contract.address):
            tx = self.send(donor, self.world.usdc, "transfer", self.contract, amount)
            self.model.donate(donor, amount)
            assert len(tx.logs) == len(self.model.logs)
            self.model.logs.clear()
            self.check_money("donate", None)
            self.successes["donate"] += 1

    @rule(unlikely=st.integers(0, 2))
    def stop_or_resume_usdc(self, unlikely):
        """Going on is likelier than stopping, or the machine stands still."""
        if self.model.usdc.paused or unlikely == 0:
            self.stop_usdc(not self.model.usdc.paused)

    @rule(unlikely=st.integers(0, 2), data=st.data())
    def deny_or_not(self, unlikely, data):
        denied = sorted(self.model.usdc.denied)
        if denied or unlikely == 0:
            self.deny(self.pick(data, denied * 6 + self.world.deniable, "account"))

    # time

    @rule(seconds=st.one_of(st.integers(1, 600), st.integers(1, 86_400)))
    def pass_time(self, seconds):
        self.travel("pass_time", self.model.now + seconds)

    def dates(self):
        policies = self.model.policies.values()
        return sorted({date for policy in policies for date in policy.dates() if date >= self.model.soon})

    @precondition(dates)
    @rule(late=st.booleans(), data=st.data())
    def pass_date(self, late, data):
        """The next block is the last before something changes, or the first after."""
        date = self.pick(data, self.dates()[:3], "date")
        if date + late > self.model.soon:
            self.travel("pass_date", date + late - 1)
