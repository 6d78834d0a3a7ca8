"""What the platform and Circle do, and money that arrives unasked.

CONFIG acts here at once, by a second holder of the role without delay: 48 hours before each of its calls
would leave few policies open to see it. The delay itself is shown in `manager/`.
"""

from amounts import USDC
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from x402_steps import X402Steps


class PlatformSteps(X402Steps):
    @precondition(lambda self: self.model.penalties and self.model.usdc.takes(*self.ours_to_treasury()))
    @rule()
    def collect(self):
        self.act(self.world.stranger, "collect")

    def ours_to_treasury(self):
        return self.model.address, self.model.treasury

    @rule(minimum=st.integers(0, 60 * USDC), data=st.data())
    def set_minimum(self, minimum, data):
        self.set_minimum_of(self.pick(data, self.world.providers, "provider"), minimum)

    def set_minimum_of(self, provider, minimum):
        rises = minimum > self.model.accounts[provider].minimum_at(self.model.soon)
        action = "raise_minimum" if rises else "lower_minimum"
        self.act(self.world.config, "setMinProviderBond", provider, minimum, action=action)

    @rule(rate=st.one_of(st.integers(0, 1_000), st.sampled_from([0, 1, 1_000])))
    def set_penalty_rate(self, rate):
        self.act(self.world.config, "setPlatformPenaltyRate", rate)

    @rule(minutes=st.one_of(st.integers(1, 30), st.integers(1, 10_080)))
    def set_default_timeout(self, minutes):
        self.act(self.world.config, "setDefaultTimeout", minutes)

    @rule(data=st.data())
    def set_treasury(self, data):
        self.act(self.world.config, "setTreasury", self.pick(data, self.world.treasuries, "treasury"))

    # liquidation

    @precondition(lambda self: self.model.announceable())
    @rule(data=st.data())
    def announce(self, data):
        self.announce_one(self.pick(data, self.model.announceable(), "provider"))

    def announce_one(self, provider):
        reason = self.model.reason_to_liquidate(provider).name.lower()
        self.act(self.world.config, "announceLiquidation", provider, action=f"announce_{reason}")

    @precondition(lambda self: self.model.announced())
    @rule(data=st.data())
    def call_off(self, data):
        self.act(self.world.config, "callOffLiquidation", self.pick(data, self.model.announced(), "provider"))

    @precondition(lambda self: self.model.liquidatable())
    @rule(data=st.data())
    def liquidate(self, data):
        self.act(
            self.world.config, "liquidateProvider", self.pick(data, self.model.liquidatable(), "provider")
        )

    # money that arrives unasked

    @precondition(lambda self: not self.model.usdc.paused)
    @rule(authorized=st.booleans(), amount=st.integers(1, 3 * USDC), data=st.data())
    def stray(self, authorized, amount, data):
        """A payment straight to the payment address: a transfer, or an x402 payment that others settled."""
        provider = self.pick(data, self.world.providers, "provider")
        channel, model = self.world.channels[provider], self.model
        payers = [client for client in self.world.clients if model.usdc.takes(client, channel)]
        if payers:
            payer = self.pick(data, payers, "payer")
            (self.stray_authorized if authorized else self.stray_transferred)(payer, channel, amount)

    def stray_authorized(self, payer, channel, amount):
        window, signature = self.authorize("TransferWithAuthorization", payer, channel, amount)
        terms = (payer, channel, amount, *window, signature)
        tx = self.send(self.world.stranger, self.world.usdc, "transferWithAuthorization", *terms)
        self.model.usdc.move_authorized(payer, channel, amount, window[-1])
        self.compare("stray_authorized", tx)

    def stray_transferred(self, payer, channel, amount):
        self.transfer("stray_transferred", payer, channel, amount)

    def transfer(self, action, payer, to, amount):
        tx = self.send(payer, self.world.usdc, "transfer", to, amount)
        self.model.usdc.move(payer, to, amount)
        self.compare(action, tx)

    def returnable(self):
        """(provider, client) to whom a stray may go back."""
        model = self.model
        return [
            (provider, client)
            for provider in model.strays()
            for client in self.world.clients
            if client not in (provider, model.accounts[provider].payout_address) and model.usdc.takes(client)
        ]

    @precondition(returnable)
    @rule(everything=st.booleans(), data=st.data())
    def return_stray(self, everything, data):
        provider, client = self.pick(data, self.returnable(), "stray")
        most = self.model.usdc.balances[self.world.channels[provider]]
        amount = most if everything else data.draw(st.integers(1, most), label="amount")
        self.act(self.world.config, "returnStray", provider, client, amount)

    @precondition(lambda self: self.model.usdc.takes(self.world.stranger, self.model.address))
    @rule(amount=st.integers(1, 3 * USDC))
    def donate(self, amount):
        self.transfer("donate", self.world.stranger, self.model.address, amount)

    @precondition(lambda self: self.model.surplus and self.model.usdc.takes(*self.ours_to_treasury()))
    @rule(everything=st.booleans(), data=st.data())
    def rescue(self, everything, data):
        most = self.model.surplus
        amount = most if everything else data.draw(st.integers(1, most), label="amount")
        self.act(self.world.config, "rescue", self.world.usdc.address, self.model.treasury, amount)

    # stops: going on is likelier than stopping, or the machine stands still

    @rule(unlikely=st.integers(0, 3))
    def flip_pause(self, unlikely):
        if self.model.paused:
            self.act(self.world.unpauser, "unpause")
        elif unlikely == 0:
            self.act(self.world.guardian, "pause")

    @rule(unlikely=st.integers(0, 3))
    def flip_usdc(self, unlikely):
        if self.model.usdc.paused or unlikely == 0:
            self.stop_usdc(not self.model.usdc.paused)

    def stop_usdc(self, stopped):
        name = "Pause" if stopped else "Unpause"
        tx = self.send(self.world.circle, self.world.usdc, name.lower())
        self.model.usdc.paused = stopped
        self.model.usdc.emit(name)
        self.compare("stop_usdc" if stopped else "resume_usdc", tx)

    @rule(data=st.data())
    def flip_denial(self, data):
        denied = sorted(self.model.usdc.denied)
        self.deny(self.pick(data, [*denied * 4, *self.world.deniable], "account"))

    def deny(self, account):
        """Denylists it, or lifts that."""
        usdc = self.model.usdc
        usdc.denied ^= {account}
        is_denied = account in usdc.denied
        function = "blacklist" if is_denied else "unBlacklist"
        tx = self.send(self.world.circle, self.world.usdc, function, account)
        usdc.emit("Blacklisted" if is_denied else "UnBlacklisted", account=account)
        self.compare("deny" if is_denied else "undeny", tx)
