"""What must hold after each step, and what can be compared besides at the end; X1 to X7 as in README.md."""

from collections import Counter

from hypothesis.stateful import RuleBasedStateMachine
from logs import events_of
from x402_state import Standing

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


class X402Checks(RuleBasedStateMachine):
    """Reads the contracts in bulk: one call a step."""

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

    def read(self, *calls):
        """The answers to (method, *arguments), as of the newest block; what is not plain is a tuple."""
        batch = self.world.multicall.Call()
        for method, *arguments in calls:
            batch.add(method, *arguments, allowFailure=False)
        plain = (int, str, bytes)
        return [answer if isinstance(answer, plain) else tuple(answer) for answer in batch()]

    def expect(self, expectations):
        """Each is (answer, method, *arguments)."""
        answers = self.read(*(call for _, *call in expectations))
        for (expected, *call), answer in zip(expectations, answers, strict=True):
            assert answer == expected, call

    def check_money(self):
        """X1, X2, X5 and X6."""
        balance_of, insurance, model = self.world.usdc.balanceOf, self.insurance, self.model
        providers = list(model.accounts.values())
        held, owed, penalties, *answers = self.read(
            (balance_of, insurance.address),
            (insurance.liabilities,),
            (insurance.penalties,),
            *((insurance.accounts, account.address) for account in providers),
            *((balance_of, account.channel) for account in providers),
        )
        stored, in_channels = answers[: len(providers)], answers[len(providers) :]
        bonds = 0
        for account, answer in zip(providers, stored, strict=True):
            bond, locked, *_ = answer
            bonds += bond
            assert locked == model.locked(account.address) <= bond
            assert answer == self.account_view(account)
            if account.standing is Standing.LIQUIDATED:
                assert bond == locked == 0
        assert in_channels == [model.usdc.balances[account.channel] for account in providers]
        assert owed == bonds + model.credits.total() + penalties == model.owed
        assert owed <= held == model.usdc.balances[insurance.address]

    def account_view(self, account):
        """What `accounts` answers."""
        now, model = self.model.now, self.model
        next_minimum, rises_at = account.rise or (account.minimum, 0)
        return (
            account.bond,
            model.locked(account.address),
            model.withdrawable(account.address, now),
            account.minimum_at(now),
            next_minimum,
            rises_at,
            account.last_lock_at,
            account.standing,
            account.notice,
            account.liquidatable_at if account.notice else 0,
        )

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
                self.expect(self.policy_views(commitment))

    def policy_views(self, commitment):
        """X7, and that claiming is possible after the deadline and not before."""
        policy, status = self.model.policies[commitment], self.model.statuses[commitment]
        slots = (policy.provider, policy.lock, policy.deadline, status, policy.client, policy.amount)
        is_due = commitment in self.model.open_policies() and self.model.now > policy.deadline
        return [
            (slots, self.insurance.policies, commitment),
            (is_due, self.insurance.canClaimInsurance, commitment),
        ]

    def check_everything(self):
        """All that can be read, at the end of each example."""
        world, insurance, model = self.world, self.insurance, self.model
        self.check_money()
        expectations = [view for commitment in model.policies for view in self.policy_views(commitment)]
        for holder in {*world.signers, *world.providers, *world.channels.values()}:
            expectations += [
                (model.usdc.balances[holder], world.usdc.balanceOf, holder),
                (model.credits[holder], insurance.credit, holder),
            ]
        for provider, account in model.accounts.items():
            expectations += self.trust_views(provider, account) + self.bond_views(provider, account)
        self.expect(
            [
                *expectations,
                (model.penalty_rate, insurance.platformPenaltyRate),
                (model.default_timeout, insurance.defaultTimeout),
                (model.treasury, insurance.treasury),
                (model.paused, insurance.paused),
                *(
                    (model.protection_cost(amount), insurance.getProtectionCost, amount)
                    for amount in (1, 49, 50, 51, 10**6)
                ),
            ]
        )

    def trust_views(self, provider, account):
        insurance, world = self.insurance, self.world
        return [
            (account.delivery_key, insurance.deliveryKey, provider),
            (account.payout_address, insurance.payoutAddress, provider),
            *((key in account.settlers, insurance.isSettler, provider, key) for key in world.settlers),
            *((account.covers(client), insurance.coverage, provider, client) for client in world.clients),
        ]

    def bond_views(self, provider, account):
        insurance, model = self.insurance, self.model
        locked, healthy = model.locked(provider), model.is_healthy(provider, model.now)
        figures = (account.bond, locked, account.bond - locked, account.minimum_at(model.now))
        is_liquidated = account.standing is Standing.LIQUIDATED
        most = model.insurable(provider, model.now)
        return [
            ((*figures, healthy, is_liquidated), insurance.getProviderStats, provider),
            (False, insurance.canInsure, provider, most + 1),
            (most > 0, insurance.canInsure, provider, most),
        ]
