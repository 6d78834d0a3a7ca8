"""Locks and their ends: clients, settlers, delivery keys and strangers act."""

from amounts import USDC
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from liqpass.domain.x402.confirmations import sign_service_confirmation
from x402_state import NOBODY
from x402_steps import X402Steps

TIMEOUTS = st.one_of(st.just(0), st.integers(1, 60), st.integers(1, 10_080))
SIGNED = ("provider signs", "provider sends", "delivery key signs", "delivery key sends")


class LockSteps(X402Steps):
    def draw_payment(self, data, most):
        """Small ones mostly: a bond takes many. Dust shows the rounding of the penalty."""
        small = st.integers(1, min(most, 2 * USDC))
        return data.draw(st.one_of(small, st.integers(1, min(most, 100)), st.just(most)), label="payment")

    # locks

    def settleable(self):
        return self.model.settleable(self.world.clients)

    @precondition(settleable)
    @rule(minutes=TIMEOUTS, data=st.data())
    def settle(self, minutes, data):
        provider, client, settler = self.pick(data, self.settleable(), "payment")
        amount = self.draw_payment(data, self.model.insurable(provider, self.model.soon))
        self.settle_one(provider, client, settler, amount, minutes)

    def settle_one(self, provider, client, settler, amount, minutes):
        channel = self.world.channels[provider]
        window, signature = self.authorize("TransferWithAuthorization", client, channel, amount)
        terms = (provider, client, amount, *window, minutes, signature)
        self.act(settler, "settleAndInsure", *terms)

    @precondition(lambda self: self.model.coverable())
    @rule(data=st.data())
    def purchase(self, data):
        provider, client = self.pick(data, self.model.coverable(), "cover")
        approved, most_minutes = self.model.accounts[provider].covers(client)
        amount = self.draw_payment(data, min(approved, self.model.insurable(provider, self.model.soon)))
        least = 0 if self.model.default_timeout <= most_minutes else 1
        minutes = data.draw(st.integers(least, most_minutes), label="minutes")
        self.purchase_one(client, provider, amount, minutes)

    def purchase_one(self, client, provider, amount, minutes):
        self.act(client, "purchaseInsurance", self.next_word(), provider, amount, minutes)

    # ends

    @precondition(lambda self: self.model.in_time())
    @rule(way=st.sampled_from(SIGNED), data=st.data())
    def confirm(self, way, data):
        commitment = self.pick(data, self.model.in_time(), "policy")
        account = self.model.accounts[self.model.policies[commitment].provider]
        by_key = way.startswith("delivery key") and account.delivery_key != NOBODY
        confirmer = account.delivery_key if by_key else account.address
        if way.endswith("sends"):
            self.act(confirmer, "confirmService", commitment, b"", action="confirm_by_sender")
        else:
            signature = self.confirmation(confirmer, commitment)
            stranger = self.world.stranger
            self.act(stranger, "confirmService", commitment, signature, action="confirm_by_signature")

    @precondition(lambda self: self.model.in_time())
    @rule(data=st.data())
    def confirm_many(self, data):
        """Those that ended, those that are late, and those named twice are skipped."""
        self.confirm_all(self.draw_policies(data))

    def confirm_all(self, commitments):
        providers = [self.model.policies[key].provider for key in commitments]
        signatures = [self.confirmation(*pair) for pair in zip(providers, commitments, strict=True)]
        self.act(self.world.stranger, "confirmServices", commitments, signatures)

    def confirmation(self, confirmer, commitment):
        key = self.world.keys[self.key_of(confirmer).address]
        return sign_service_confirmation(key, self.world.identity, commitment)

    def draw_policies(self, data):
        """The newest dozen, so that open ones are likely among them."""
        newest = list(self.model.policies)[-12:]
        return data.draw(st.lists(st.sampled_from(newest), min_size=1, max_size=8), label="policies")

    @precondition(lambda self: self.model.in_time())
    @rule(by_settler=st.booleans(), data=st.data())
    def refund(self, by_settler, data):
        commitment = self.pick(data, self.model.in_time(), "policy")
        account = self.model.accounts[self.model.policies[commitment].provider]
        settlers = sorted(account.settlers) if by_settler else []
        self.act(self.pick(data, settlers or [account.address], "sender"), "refundService", commitment)

    @precondition(lambda self: self.model.overdue())
    @rule(data=st.data())
    def claim(self, data):
        commitment = self.pick(data, self.model.overdue(), "policy")
        sender = self.pick(data, [self.world.stranger, self.world.clients[0]], "sender")
        self.act(sender, "claimInsurance", commitment)

    @precondition(lambda self: self.model.overdue())
    @rule(data=st.data())
    def claim_many(self, data):
        """Those that ended, those that are early, and those named twice are skipped."""
        self.act(self.world.stranger, "claimMany", self.draw_policies(data))

    def creditors(self):
        model = self.model
        free = [client for client in model.creditors() if self.credit_takers(client)]
        return free if model.usdc.takes(model.address) else []

    def credit_takers(self, client):
        return [to for to in (client, self.world.stranger) if self.model.usdc.takes(to)]

    @precondition(creditors)
    @rule(data=st.data())
    def withdraw_credit(self, data):
        client = self.pick(data, self.creditors(), "client")
        to = self.pick(data, self.credit_takers(client), "to")
        self.act(client, "withdrawCredit", to)

    def payable(self):
        return [client for client in self.creditors() if self.model.usdc.takes(client)]

    @precondition(payable)
    @rule(data=st.data())
    def pay_credit(self, data):
        client = self.pick(data, self.payable(), "client")
        self.act(self.world.stranger, "payCredit", client)
