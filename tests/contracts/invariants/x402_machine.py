"""The state machine of X402InsuranceV2: all its steps, time, and how an example begins."""

from amounts import USDC
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from x402_bonds import WAYS, BondSteps
from x402_locks import LockSteps
from x402_platform import PlatformSteps
from x402_state import IDLE_S

BOND = 50 * USDC
OPENINGS = ("ordinary", "unhealthy", "idle", "leaving", "refused", "stray")
LONGEST_MINUTES = 10_080


class X402Machine(BondSteps, LockSteps, PlatformSteps):
    @initialize(opening=st.sampled_from(OPENINGS), way=WAYS, patient=st.booleans(), data=st.data())
    def begin(self, opening, way, patient, data):
        """Funded providers with settlers and covers, some locks, and one of the rarer turns."""
        world = self.world
        for provider in world.providers:
            getattr(self, way)(provider, BOND)
            self.act(provider, "setSettler", world.settlers[0], True)
            self.act(provider, "approveCoverage", world.clients[0], BOND, LONGEST_MINUTES)
        for client in world.clients[:2]:
            self.settle_one(world.providers[0], client, world.settlers[0], USDC + 1, minutes=0)
        self.purchase_one(world.clients[0], world.providers[0], USDC, LONGEST_MINUTES)
        getattr(self, f"begin_{opening}")(world.providers[0], patient, data)

    def begin_ordinary(self, provider, patient, data):
        self.act(provider, "setDeliveryKey", self.world.delivery_keys[0])

    def begin_unhealthy(self, provider, patient, data):
        """The raised minimum begins to hold; the provider is warned, and recovers or does not."""
        self.set_minimum_of(provider, 2 * BOND)
        self.travel("pass_rise", self.model.accounts[provider].rise[1])
        self.announce_one(provider)
        if patient:
            self.wait_and_liquidate(provider, data)
        else:
            self.deposit_from_allowance(provider, 2 * BOND)

    def begin_idle(self, provider, patient, data):
        self.travel("pass_idle", self.model.accounts[provider].last_lock_at + IDLE_S)
        self.announce_one(provider)
        if patient:
            self.wait_and_liquidate(provider, data)

    def wait_and_liquidate(self, provider, data):
        self.travel("pass_notice", self.model.accounts[provider].liquidatable_at - 1)
        self.act(self.world.stranger, "claimMany", self.model.overdue())
        self.act(self.world.config, "liquidateProvider", provider)

    def begin_leaving(self, provider, patient, data):
        self.act(provider, "announceExit")
        if patient:
            self.travel("pass_time", self.model.now + LONGEST_MINUTES * 60 + 1)
            self.act(self.world.stranger, "claimMany", self.model.overdue())
            self.act(provider, "withdrawBond", self.model.accounts[provider].bond, action="leave")

    def begin_refused(self, provider, patient, data):
        """USDC refuses each client, or everything: what is claimed becomes credit."""
        if patient:
            self.stop_usdc(True)
        else:
            for client in self.world.clients:
                self.deny(client)
        self.travel("pass_time", self.model.now + LONGEST_MINUTES * 60 + 1)
        self.act(self.world.stranger, "claimMany", self.model.overdue())
        if patient:
            self.stop_usdc(False)
        else:
            self.deny(self.world.clients[0])
        self.withdraw_credit(data) if self.creditors() else self.collect()

    def begin_stray(self, provider, patient, data):
        self.stray(patient, USDC, data)
        self.return_stray(patient, data)
        self.donate(USDC)

    # time

    @rule(seconds=st.one_of(st.integers(1, 600), st.integers(1, 86_400)))
    def pass_time(self, seconds):
        self.travel("pass_time", self.model.now + seconds)

    @precondition(lambda self: self.model.in_time())
    @rule(late=st.booleans(), data=st.data())
    def pass_deadline(self, late, data):
        """The next block is the last that may confirm a policy, or the first that may claim it."""
        commitment = self.pick(data, self.model.in_time(), "policy")
        self.travel_before("pass_deadline", self.model.policies[commitment].deadline + late)

    def rising(self):
        accounts = self.model.accounts.values()
        return [account.rise[1] for account in accounts if account.rise and account.rise[1] > self.model.soon]

    @precondition(rising)
    @rule(early=st.booleans(), data=st.data())
    def pass_rise(self, early, data):
        self.travel_before("pass_rise", self.pick(data, self.rising(), "date") - early)

    def notices(self):
        dates = [self.model.accounts[provider].liquidatable_at for provider in self.model.announced()]
        return [date for date in dates if date > self.model.soon]

    @precondition(notices)
    @rule(early=st.booleans(), data=st.data())
    def pass_notice(self, early, data):
        self.travel_before("pass_notice", self.pick(data, self.notices(), "date") - early)

    @rule(early=st.booleans(), data=st.data(), unlikely=st.integers(0, 2))
    def pass_idle(self, early, data, unlikely):
        """180 days end every other date, so this is seldom."""
        provider = self.pick(data, self.world.providers, "provider")
        idle_at = self.model.accounts[provider].last_lock_at + IDLE_S + 1
        if unlikely == 0 and idle_at > self.model.soon + 1:
            self.travel_before("pass_idle", idle_at - early)

    def travel_before(self, action, time_s):
        """The next block is at this time, unless it is already."""
        if time_s > self.model.soon:
            self.travel(action, time_s - 1)
