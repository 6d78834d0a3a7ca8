"""What providers do with their bonds and whom they trust."""

from amounts import USDC
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from signing import sign_permit
from x402_state import NOBODY, UNLIMITED, Standing
from x402_steps import LATER, X402Steps

MINUTES = st.integers(1, 10_080)
BONDS = st.integers(1, 100 * USDC)
WAYS = st.sampled_from(["deposit_from_allowance", "deposit_with_permit", "deposit_with_authorization"])


class BondSteps(X402Steps):
    @precondition(lambda self: self.model.depositors())
    @rule(way=WAYS, amount=BONDS, data=st.data())
    def deposit(self, way, amount, data):
        getattr(self, way)(self.pick(data, self.model.depositors(), "provider"), amount)

    def deposit_from_allowance(self, provider, amount):
        self.send(provider, self.world.usdc, "approve", self.insurance, amount)
        self.act(provider, "depositBond", amount)

    def deposit_with_permit(self, provider, amount):
        key = self.key_of(provider)
        permit = sign_permit(self.world.usdc, provider, self.insurance, amount, LATER, key_of=key)
        self.act(provider, "depositBondWithPermit", amount, LATER, permit)

    def deposit_with_authorization(self, provider, amount):
        parties = (provider, self.insurance.address)
        window, signature = self.authorize("ReceiveWithAuthorization", *parties, amount)
        terms = (provider, amount, *window, signature)
        self.act(self.world.relayer, "depositBondWithAuthorization", *terms)

    @precondition(lambda self: self.model.withdrawers())
    @rule(everything=st.booleans(), data=st.data())
    def withdraw(self, everything, data):
        provider = self.pick(data, self.model.withdrawers(), "provider")
        most = self.model.withdrawable(provider, self.model.soon)
        amount = most if everything else data.draw(st.integers(1, most), label="amount")
        self.act(provider, "withdrawBond", amount)

    def with_standing(self, standing):
        accounts = self.model.accounts
        return [provider for provider, account in accounts.items() if account.standing is standing]

    @precondition(lambda self: self.with_standing(Standing.ACTIVE))
    @rule(data=st.data())
    def announce_exit(self, data):
        self.act(self.pick(data, self.with_standing(Standing.ACTIVE), "provider"), "announceExit")

    @precondition(lambda self: self.with_standing(Standing.EXITING))
    @rule(data=st.data())
    def cancel_exit(self, data):
        self.act(self.pick(data, self.with_standing(Standing.EXITING), "provider"), "cancelExit")

    @rule(
        amount=st.one_of(st.integers(0, 20 * USDC), st.just(UNLIMITED)),
        minutes=MINUTES,
        data=st.data(),
    )
    def approve_coverage(self, amount, minutes, data):
        provider, client = self.pick_pair(data, self.world.clients, "client")
        self.act(provider, "approveCoverage", client, amount, minutes)

    @rule(allowed=st.sampled_from([True, True, False]), data=st.data())
    def set_settler(self, allowed, data):
        provider, settler = self.pick_pair(data, self.world.settlers, "settler")
        self.act(provider, "setSettler", settler, allowed)

    @rule(data=st.data())
    def set_delivery_key(self, data):
        provider, key = self.pick_pair(data, [*self.world.delivery_keys, NOBODY], "key")
        self.act(provider, "setDeliveryKey", key)

    @rule(data=st.data())
    def set_payout_address(self, data):
        provider, payout = self.pick_pair(data, [*self.world.payouts, NOBODY], "payout address")
        self.act(provider, "setPayoutAddress", payout)

    def pick_pair(self, data, others, label):
        return self.pick(data, self.world.providers, "provider"), self.pick(data, others, label)
