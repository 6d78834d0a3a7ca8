"""One step: the same call to contract and model, then what must hold, by the numbers in README.md."""

import re
from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from logs import events_of
from signing import sign_authorization
from x402_model import Model
from x402_state import Account, Standing
from x402_token import Token

LATER = 2**40
ENDINGS = ("ServiceConfirmed", "ServiceRefunded", "InsuranceClaimed")
GROUNDS = {
    "BondWithdrawn": "provider",
    "ServiceRefunded": "client",
    "InsuranceClaimed": "client",
    "CreditWithdrawn": "to",
    "PenaltiesCollected": "treasury",
    "PaymentSettled": "payoutAddress",
    "StrayReturned": "client",
    "Rescued": "to",
}
"""Logs that say why money leaves, and the field that says to whom."""


class X402Steps(RuleBasedStateMachine):
    """One example: a snapshot of the deployed system, a number of steps, the snapshot again."""

    def __init__(self, world, successes):
        super().__init__()
        self.world = world
        self.insurance = world.insurance
        self.successes = successes
        self.snapshot = world.chain.snapshot()
        self.ended = Counter()
        self.nonces = 0
        logs = []
        self.model = Model(
            insurance=world.identity,
            address=world.insurance.address,
            usdc=Token(world.usdc.address, Counter(world.rich), logs),
            accounts={provider: Account(provider, world.channels[provider]) for provider in world.providers},
            logs=logs,
            treasury=world.treasuries[0],
            penalty_rate=world.insurance.platformPenaltyRate(),
            default_timeout=world.insurance.defaultTimeout(),
            now=world.clock.now,
        )

    def teardown(self):
        try:
            self.check_everything()
        finally:
            self.world.chain.restore(self.snapshot)

    def act(self, sender, function, *arguments, action=None):
        """Calls `function`, and its twin in the model, in a block one second after the last."""
        tx = self.send(sender, self.insurance, function, *arguments)
        twin = re.sub(r"(?=[A-Z])", "_", function).lower()
        getattr(self.model, twin)(sender, *arguments)
        self.compare(action or twin, tx)

    def send(self, sender, contract, function, *arguments):
        """The receipt. Every block's time is set, so that an example runs the same each time."""
        world = self.world
        self.model.now = self.model.soon
        world.clock.next_block_at(self.model.now)
        if sender == world.wallet.address:
            data = getattr(contract, function).encode_input(*arguments)
            return world.wallet.execute(contract, data, sender=world.wallet_owner)
        return getattr(contract, function)(*arguments, sender=world.signers[sender])

    def travel(self, action, time_s):
        """An empty block at this time."""
        self.world.clock.travel_to(time_s)
        self.model.now = time_s
        self.successes[action] += 1
        self.check_money()

    def pick(self, data, choices, label):
        return data.draw(st.sampled_from(list(choices)), label=label)

    def next_word(self):
        """32 bytes never used before; bit 255 is clear."""
        self.nonces += 1
        return self.nonces.to_bytes(32, "big")

    def authorize(self, kind, payer, to, amount):
        """(validAfter, validBefore, nonce), signature"""
        window = (0, LATER, self.next_word())
        key = self.key_of(payer)
        return window, sign_authorization(self.world.usdc, kind, payer, to, amount, *window, key_of=key)

    def key_of(self, address):
        """The account that signs for this address."""
        wallet = self.world.wallet.address
        return self.world.wallet_owner if address == wallet else self.world.signers[address]

    # what must hold

    def compare(self, action, tx):
        logs = events_of(tx)
        assert tx.timestamp == self.model.now
        assert logs == self.model.logs
        self.model.logs.clear()
        self.check_payments(logs)
        self.check_endings(logs)
        self.check_money()
        self.successes[action] += 1
        self.successes["credited"] += sum(name == "Credited" for _, name, _ in logs)
        self.successes["notice_ended_by_recovery"] += action != "call_off_liquidation" and any(
            name == "LiquidationCalledOff" for _, name, _ in logs
        )

    def check_money(self):
        """X1, X2, X5 and X6."""
        usdc, insurance, model = self.world.usdc, self.insurance, self.model
        held, owed, bonds = usdc.balanceOf(insurance), insurance.liabilities(), 0
        for provider, expected in model.accounts.items():
            account = insurance.accounts(provider)
            bonds += account.bond
            assert account.locked == model.locked(provider) <= account.bond == expected.bond
            self.check_account(account, expected)
            assert usdc.balanceOf(expected.channel) == model.usdc.balances[expected.channel]
        assert owed == bonds + model.credits.total() + insurance.penalties() == model.owed
        assert owed <= held == model.usdc.balances[insurance.address]

    def check_account(self, account, expected):
        now, provider = self.model.now, expected.address
        assert account.minimum == expected.minimum_at(now)
        assert (account.nextMinimum, account.nextMinimumAt) == (expected.rise or (expected.minimum, 0))
        assert account.withdrawable == self.model.withdrawable(provider, now)
        assert account.lastLockAt == expected.last_lock_at
        assert (account.standing, account.notice) == (expected.standing, expected.notice)
        assert account.liquidatableAt == (expected.liquidatable_at if expected.notice else 0)
        if expected.standing is Standing.LIQUIDATED:
            assert account.bond == account.locked == 0

    def check_payments(self, logs):
        """X4: each recipient gets what the logs give a ground for, no more and no less."""
        ours = {self.insurance.address, *self.world.channels.values()}
        moved, told = Counter(), Counter()
        for _, name, fields in logs:
            if name == "Transfer" and fields["from"] in ours:
                moved[fields["to"]] += fields["value"]
            elif name == "Credited":
                told[fields["client"]] -= fields["amount"]
            elif name in GROUNDS:
                told[fields[GROUNDS[name]]] += fields["amount"]
        assert moved == told

    def check_endings(self, logs):
        """X3: a commitment ends once, for its own client and amount."""
        for _, name, fields in logs:
            if name in ENDINGS:
                commitment = bytes(fields["commitment"])
                self.ended[commitment] += 1
                assert self.ended[commitment] == 1
                self.check_policy(commitment)

    def check_policy(self, commitment):
        """X7, and that claiming is possible after the deadline and not before."""
        policy, status = self.model.policies[commitment], self.model.statuses[commitment]
        stored = self.insurance.policies(commitment)
        assert (stored.provider, stored.client, stored.amount) == (
            policy.provider,
            policy.client,
            policy.amount,
        )
        assert (stored.deadline, stored.penaltyRate) == (policy.deadline, policy.penalty_rate)
        assert stored.status == status
        is_due = commitment in self.model.open_policies() and self.model.now > policy.deadline
        assert self.insurance.canClaimInsurance(commitment) == is_due

    def check_everything(self):
        """All that can be read, at the end of each example."""
        world, insurance, model = self.world, self.insurance, self.model
        self.check_money()
        for commitment in model.policies:
            self.check_policy(commitment)
        for holder in {*world.signers, *world.providers, *world.channels.values()}:
            assert world.usdc.balanceOf(holder) == model.usdc.balances[holder]
            assert insurance.credit(holder) == model.credits[holder]
        for provider, account in model.accounts.items():
            self.check_trust(provider, account)
            self.check_stats(provider, account)
        assert (insurance.platformPenaltyRate(), insurance.defaultTimeout()) == (
            model.penalty_rate,
            model.default_timeout,
        )
        assert (insurance.treasury(), insurance.paused()) == (model.treasury, model.paused)
        for amount in (1, 49, 50, 51, 10**6):
            assert tuple(insurance.getProtectionCost(amount)) == model.protection_cost(amount)

    def check_trust(self, provider, account):
        insurance, world = self.insurance, self.world
        assert insurance.deliveryKey(provider) == account.delivery_key
        assert insurance.payoutAddress(provider) == account.payout_address
        for settler in world.settlers:
            assert insurance.isSettler(provider, settler) == (settler in account.settlers)
        for client in world.clients:
            assert tuple(insurance.coverage(provider, client)) == account.covers(client)

    def check_stats(self, provider, account):
        insurance, model = self.insurance, self.model
        locked, healthy = model.locked(provider), model.is_healthy(provider, model.now)
        figures = (account.bond, locked, account.bond - locked, account.minimum_at(model.now))
        is_liquidated = account.standing is Standing.LIQUIDATED
        assert tuple(insurance.getProviderStats(provider)) == (*figures, healthy, is_liquidated)
        most = model.insurable(provider, model.now)
        assert not insurance.canInsure(provider, most + 1)
        assert insurance.canInsure(provider, most) == (most > 0)
