"""The state machine of X402InsuranceV2: all its steps, time, and how an example begins."""

from amounts import USDC
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from x402_bonds import WAYS, BondSteps
from x402_locks import LockSteps
from x402_platform import PlatformSteps
from x402_state import IDLE_S

BOND = 50 * USDC
LONGEST_MINUTES = 10_080
OPENINGS = (
    "ordinary",
    "paused",
    "repriced",
    "recovering",
    "forgiven",
    "liquidated",
    "idle",
    "leaving",
    "denied",
    "stopped",
    "stray",
)
"""How an example begins: the rarer turns, so that each is taken in each run."""


class X402Machine(BondSteps, LockSteps, PlatformSteps):
    def __init__(self, world, successes, opening):
        super().__init__(world, successes)
        self.opening = opening

    @initialize(way=WAYS, data=st.data())
    def begin(self, way, data):
        """A funded provider with a settler, a covered client and three locks; then the opening."""
        provider, settler, client = (names[0] for names in self.parties())
        getattr(self, way)(provider, BOND)
        self.act(provider, "setSettler", settler, True)
        self.act(provider, "approveCoverage", client, BOND, LONGEST_MINUTES)
        for payer in self.world.clients[:2]:
            self.settle_one(provider, payer, settler, USDC + 1, minutes=0)
        self.purchase_one(client, provider, USDC, LONGEST_MINUTES)
        getattr(self, f"begin_{self.opening}")(provider, data)

    def parties(self):
        return self.world.providers, self.world.settlers, self.world.clients

    def begin_ordinary(self, provider, data):
        self.act(provider, "setDeliveryKey", self.world.delivery_keys[0])
        self.confirm("provider sends", data)
        self.confirm("delivery key signs", data)
        self.pass_deadline(False, data)
        self.refund(True, data)

    def begin_paused(self, provider, data):
        """What goes on while paused."""
        self.act(self.world.guardian, "pause")
        self.confirm("provider signs", data)
        self.meet_deadline(data)
        self.withdraw(False, data)
        self.act(self.world.unpauser, "unpause")

    def meet_deadline(self, data):
        """One block at it, too early to claim; one after it, too late to confirm."""
        self.pass_deadline(False, data)
        self.act(self.world.stranger, "claimMany", list(self.model.policies))
        self.confirm_all(list(self.model.policies))
        self.claim(data)

    def begin_repriced(self, provider, data):
        """Rates change under open locks, both ways; what they locked is what they give back."""
        self.set_penalty_rate(1_000)
        self.confirm("provider signs", data)
        self.settle_one(provider, self.world.clients[0], self.world.settlers[0], USDC + 1, minutes=0)
        self.set_penalty_rate(1)
        self.outlast_locks()

    def begin_recovering(self, provider, data):
        self.let_minimum_rise(provider)
        self.deposit_with_permit(provider, 2 * BOND)

    def begin_forgiven(self, provider, data):
        self.let_minimum_rise(provider)
        self.set_minimum_of(provider, USDC)

    def begin_liquidated(self, provider, data):
        self.let_minimum_rise(provider)
        self.wait_and_liquidate(provider)
        self.collect()

    def begin_idle(self, provider, data):
        self.travel("pass_idle", self.model.accounts[provider].last_lock_at + IDLE_S)
        self.announce_one(provider)
        if data.draw(st.booleans(), label="liquidated"):
            self.wait_and_liquidate(provider)
        else:
            self.call_off(data)

    def begin_leaving(self, provider, data):
        self.act(provider, "announceExit")
        if data.draw(st.booleans(), label="leaves"):
            self.outlast_locks()
            self.act(provider, "withdrawBond", self.model.accounts[provider].bond)
        else:
            self.act(provider, "cancelExit")

    def begin_denied(self, provider, data):
        """USDC refuses both clients: what is claimed becomes credit."""
        for client in self.world.clients[:2]:
            self.deny(client)
        self.outlast_locks()
        self.withdraw_credit(data)
        self.deny(self.world.clients[0])

    def begin_stopped(self, provider, data):
        """USDC refuses everybody."""
        self.stop_usdc(True)
        self.outlast_locks()
        self.stop_usdc(False)
        self.pay_credit(data)

    def begin_stray(self, provider, data):
        self.stray(True, USDC, data)
        self.stray(False, USDC, data)
        self.return_stray(False, data)
        self.donate(USDC)
        self.rescue(False, data)

    def let_minimum_rise(self, provider):
        """Above the bond: seven days later the provider is unhealthy, and warned."""
        self.set_minimum_of(provider, 2 * BOND)
        self.travel("pass_rise", self.model.accounts[provider].rise[1] - 1)
        self.announce_one(provider)

    def wait_and_liquidate(self, provider):
        self.travel("pass_notice", self.model.accounts[provider].liquidatable_at - 2)
        self.act(self.world.stranger, "claimMany", self.model.overdue())
        self.act(self.world.config, "liquidateProvider", provider)

    def outlast_locks(self):
        self.travel("pass_time", self.model.now + LONGEST_MINUTES * 60)
        self.act(self.world.stranger, "claimMany", self.model.overdue())

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
