"""One step: the same call to contract and model, then what must hold, by the numbers in README.md."""

import re
from collections import Counter

from flight_policies import as_logged
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from logs import events_of
from parametric_model import Model
from parametric_state import BPS, Feed, State
from quick_views import read
from x402_token import Token

EDGES = {
    "createPolicy": {(State.NONE, State.DRAFT)},
    "openUnderwriting": {(State.DRAFT, State.OPEN)},
    "acceptShare": {(State.OPEN, State.OPEN), (State.OPEN, State.FUNDED)},
    "acceptShareWithPermit": {(State.OPEN, State.OPEN), (State.OPEN, State.FUNDED)},
    "rejectShare": {(State.OPEN, State.OPEN)},
    "replaceShare": {(State.DRAFT, State.DRAFT), (State.OPEN, State.OPEN)},
    "failUnderwriting": {(State.DRAFT, State.FAILED), (State.OPEN, State.FAILED)},
    "registerPolicyholder": {
        (state, state) for state in (State.DRAFT, State.OPEN, State.FUNDED, State.ACTIVE)
    },
    "activatePolicy": {(State.FUNDED, State.ACTIVE)},
    "checkOracle": {
        (before, after)
        for before in (State.FUNDED, State.ACTIVE)
        for after in (State.ACTIVE, State.CLAIMABLE)
    },
    "approveClaim": {(State.CLAIMABLE, State.APPROVED)},
    "rejectClaim": {(State.CLAIMABLE, State.ACTIVE)},
    "settleClaim": {(State.APPROVED, State.SETTLED)},
    "expirePolicy": {(State.FUNDED, State.EXPIRED), (State.ACTIVE, State.EXPIRED)},
    "refund": {(State.EXPIRED, State.EXPIRED), (State.FAILED, State.FAILED)},
}
"""From which state to which each function may take the policy that it is called for."""


class ParametricSteps(RuleBasedStateMachine):
    """One example: a snapshot of the deployed contract, a number of steps, the snapshot again."""

    def __init__(self, world, successes, opening):
        super().__init__()
        self.world = world
        self.contract = world.parametric
        self.successes = successes
        self.opening = opening
        self.snapshot = world.chain.snapshot()
        self.ledger = Counter()
        self.owed = Counter()
        self.seen = {}
        logs = []
        self.model = Model(
            address=self.contract.address,
            usdc=Token(world.usdc.address, Counter(world.rich), logs),
            feeds={feed.address: Feed(feed.address, world.description) for feed in world.feeds},
            logs=logs,
            now=world.clock.now,
        )

    def teardown(self):
        try:
            self.check_everything()
        finally:
            self.world.chain.restore(self.snapshot)

    def act(self, sender, function, *arguments, action=None):
        """Calls `function`, and its twin in the model, in a block one second after the last."""
        tx = self.send(sender, self.contract, function, *arguments)
        twin = re.sub(r"(?=[A-Z])", "_", function).lower()
        getattr(self.model, twin)(sender, *arguments)
        created = next(reversed(self.model.policies), None)
        called = {"createPolicy": created, "withdraw": None, "payCredit": None}
        policy = called[function] if function in called else arguments[0]
        self.compare(tx, function, policy)
        self.successes[action or twin] += 1

    def send(self, sender, contract, function, *arguments):
        """The receipt. Every block's time is set, so that an example runs the same each time."""
        self.model.now = self.model.soon
        self.world.clock.next_block_at(self.model.now)
        return getattr(contract, function)(*arguments, sender=self.world.signers[sender])

    def travel(self, action, time_s):
        """An empty block at this time."""
        self.world.clock.travel_to(time_s)
        self.model.now = time_s
        self.successes[action] += 1

    def pick(self, data, choices, label):
        return data.draw(st.sampled_from(list(choices)), label=label)

    # what must hold

    def compare(self, tx, function, policy):
        logs = events_of(tx)
        assert tx.timestamp == self.model.now
        assert logs == self.model.logs
        self.model.logs.clear()
        self.book_payments(logs, policy)
        self.check_money(function, policy)
        self.successes["credited"] += any(name == "ClaimCredited" for _, name, _ in logs)
        self.successes["dust_escrowed"] += any(
            name == "ShareAccepted" and fields["index"] == 0 and self.model.policies[policy].dust
            for _, name, fields in logs
        )

    def book_payments(self, logs, policy):
        """Whose account in the ledger each transfer belongs to, and P5: where money may go."""
        me, grounds = self.contract.address, Counter()
        for _, name, fields in logs:
            if name == "ClaimCredited":
                assert fields["beneficiary"] == self.model.policies[policy].terms.beneficiary
                self.ledger[policy] -= fields["amount"]
                self.owed[fields["beneficiary"]] += fields["amount"]
            elif name == "ClaimSettled":
                assert fields["beneficiary"] == self.model.policies[policy].terms.beneficiary
                grounds[fields["beneficiary"]] += fields["amount"]
            elif name == "ShareRefunded":
                assert fields["insurer"] == self.model.policies[policy].insurer(fields["index"])
                grounds[fields["to"]] += fields["escrow"]
            elif name == "CreditWithdrawn":
                grounds[fields["to"]] += fields["amount"]
                self.owed[fields["account"]] -= fields["amount"]
        for _, name, fields in logs:
            if name == "Transfer" and fields["to"] == me:
                self.ledger[policy] += fields["value"]
            elif name == "Transfer":
                assert fields["from"] == me
                grounds[fields["to"]] -= fields["value"]
                if policy is not None:
                    self.ledger[policy] -= fields["value"]
        assert not any(grounds.values())

    def check_money(self, function, called):
        """P1 to P4, from what the contract says."""
        contract, world, model = self.contract, self.world, self.model
        credited = [(contract, "credit", account) for account in world.beneficiaries]
        records = [(contract, "policies", policy) for policy in model.policies]
        held, *told = read([(world.usdc, "balanceOf", contract.address), *credited, *records])
        credit = dict(zip(world.beneficiaries, told, strict=False))
        for expected, stored in zip(model.policies.values(), told[len(credit) :], strict=True):
            assert tuple(stored.values()) == as_logged(expected.record)
            self.check_edge(function, called, expected.id, State(stored["state"]))
            assert self.ledger[expected.id] == escrows_left(expected, stored)
            if State.FUNDED <= stored["state"] <= State.APPROVED:
                assert self.ledger[expected.id] == stored["payout"]
        for account, amount in credit.items():
            assert amount == self.owed[account] == model.credits[account]
        assert self.ledger.total() + self.owed.total() + model.donated == held
        assert held == model.usdc.balances[contract.address]

    def check_edge(self, function, called, policy, after):
        """P3 and P4."""
        before, self.seen[policy] = self.seen.get(policy, State.NONE), after
        if policy == called:
            assert (before, after) in EDGES[function]
        else:
            assert before == after

    def check_everything(self):
        """All that can be read, at the end of each example."""
        world, contract, model = self.world, self.contract, self.model
        for holder in {*world.signers, world.elsewhere}:
            assert world.usdc.balanceOf(holder) == model.usdc.balances[holder]
            assert contract.credit(holder) == model.credits[holder]
        for leader in world.leaders:
            assert contract.sequences(leader) == model.sequences[leader]
        for policy, expected in model.policies.items():
            assert contract.state(policy) == expected.state
            assert contract.claimDeadline(policy) == expected.claim_deadline
            assert [tuple(share) for share in contract.shares(policy)] == expected.shares
            assert tuple(contract.terms(policy)) == expected.terms.values
            for index in range(len(expected.shares)):
                assert contract.escrowOf(policy, index) == expected.escrow(index)


def escrows_left(policy, stored):
    """What lies in the contract for a policy, by the masks that the contract keeps."""
    if stored["state"] == State.SETTLED:
        return 0
    parts = [stored["payout"] * part // BPS for _, part in policy.shares]
    parts[0] += stored["payout"] - sum(parts)
    left = stored["accepted"] & ~stored["refunded"]
    return sum(part for index, part in enumerate(parts) if left >> index & 1)
