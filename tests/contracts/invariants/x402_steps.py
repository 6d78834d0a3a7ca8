"""One step: the same call to the contract and to the model, then what must hold."""

import re
from collections import Counter

from hypothesis import strategies as st
from signing import sign_authorization
from x402_checks import X402Checks
from x402_model import Model
from x402_state import Account
from x402_token import Token

LATER = 2**40


class X402Steps(X402Checks):
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
