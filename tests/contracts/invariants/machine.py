"""The state machine: each rule does what the model says must succeed, then compares."""

from amounts import DAILY_CAP, HOT_WALLET_MAX, USDC
from batches import batch_of
from clock import DAY_S
from governance import APPROVER, DELAY_S
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from logs import event, events_of
from model import VALIDITY_S, BatchState, Model
from signing import sign_authorization, sign_permit

POLICIES = 12
LATER = 2**40
QUOTE = b"\x0b" * 32


class LiqPassMachine(RuleBasedStateMachine):
    """One example: a snapshot of the deployed system, a number of actions, the snapshot again."""

    def __init__(self, world, successes):
        super().__init__()
        self.world = world
        self.successes = successes
        self.snapshot = world.chain.snapshot()
        self.model = Model(cap=DAILY_CAP, hot_wallet_max=HOT_WALLET_MAX, now=world.clock.now)
        self.orders = 0
        self.dismissed = False  # once a run: a run without approver does little

    def teardown(self):
        try:
            self.check_everything()
        finally:
            self.world.chain.restore(self.snapshot)

    def done(self, action, tx=None):
        """Counts, takes the block's time over, and compares what is cheap to read."""
        self.successes[action] += 1
        self.model.now = self.world.clock.now if tx is None else tx.timestamp
        usdc, model, world = self.world.usdc, self.model, self.world
        assert (
            usdc.balanceOf(world.vault) == model.vault == model.funded - model.received.total() - model.swept
        )
        assert usdc.balanceOf(world.treasury) == model.treasury == model.premiums + model.swept
        assert usdc.balanceOf(world.checkout) == 0
        assert world.vault.remainingToday() == model.remaining_today

    def check_everything(self):
        vault, usdc, model = self.world.vault, self.world.usdc, self.model
        assert {number for number in range(POLICIES) if vault.isPaid(number)} == model.paid_policies
        for recipient in self.world.recipients:
            assert usdc.balanceOf(recipient) == model.received[recipient.lower()]
        for batch_id, state in model.batches.items():
            stored = vault.batches(batch_id)
            assert (stored.payoutRoot, stored.total) == (state.batch.root, state.total)
            assert (stored.paid, stored.approvedAt, stored.revoked) == (
                state.paid,
                state.approved_at,
                state.revoked,
            )
            assert stored.paid <= stored.total

    def next_order(self):
        self.orders += 1
        return self.orders.to_bytes(32, "big")

    # premiums

    def may_pay(self):
        return not (self.model.checkout_paused or self.model.usdc_paused)

    @precondition(may_pay)
    @rule(
        way=st.sampled_from(["pay", "pay_with_permit", "pay_with_authorization"]),
        amount=st.integers(1, 5 * USDC),
    )
    def premium(self, way, amount):
        terms = (self.next_order(), amount, QUOTE)
        tx = getattr(self, way)(*terms)
        self.model.premiums += amount
        self.model.treasury += amount
        self.done(way, tx)

    def pay(self, order, amount, quote):
        world = self.world
        world.usdc.approve(world.checkout, amount, sender=world.buyer)
        return world.checkout.pay(order, amount, quote, sender=world.buyer)

    def pay_with_permit(self, order, amount, quote):
        world = self.world
        permit = sign_permit(world.usdc, world.buyer, world.checkout, amount, LATER)
        return world.checkout.payWithPermit(order, amount, quote, LATER, permit, sender=world.buyer)

    def pay_with_authorization(self, order, amount, quote):
        world = self.world
        nonce = world.checkout.authorizationNonce(order, amount, quote)
        terms = (world.buyer, world.checkout, amount, 0, LATER, nonce)
        signature = sign_authorization(world.usdc, "ReceiveWithAuthorization", *terms)
        return world.checkout.payWithAuthorization(
            order, amount, quote, world.buyer, 0, LATER, signature, sender=world.relayer
        )

    # batches

    @initialize(
        way=st.sampled_from(["pay", "pay_with_permit", "pay_with_authorization"]),
        denied=st.booleans(),
        many=st.booleans(),
        data=st.data(),
    )
    def open_the_day(self, way, denied, many, data):
        """A premium, a funded vault, an approved batch and its first payout: each run pays something."""
        self.premium(way, USDC)
        self.put_in(HOT_WALLET_MAX)
        if denied:
            self.denylist(data)
        self.approve(data)
        if self.executable():
            pay = self.execute_many if many else self.execute_one
            pay(data)

    def may_fund(self):
        model = self.model
        return not (model.vault_paused or model.usdc_paused) and model.vault < model.hot_wallet_max // 2

    @precondition(may_fund)
    @rule(data=st.data())
    def fund(self, data):
        self.put_in(data.draw(st.integers(1, self.model.hot_wallet_max - self.model.vault), label="amount"))

    def put_in(self, amount):
        world = self.world
        world.usdc.approve(world.vault, amount, sender=world.funder)
        tx = world.vault.fund(amount, sender=world.funder)
        self.model.vault += amount
        self.model.funded += amount
        self.done("fund", tx)

    @precondition(lambda self: self.model.approvable())
    @rule(data=st.data())
    def approve(self, data):
        numbers = data.draw(
            st.lists(st.integers(0, POLICIES - 1), min_size=2, max_size=6, unique=True), label="policies"
        )
        batch = batch_of(
            self.model.today,
            *(
                (
                    number,
                    data.draw(st.sampled_from(self.world.recipients), label="recipient"),
                    data.draw(st.integers(1, 120 * USDC), label="amount"),
                )
                for number in numbers
            ),
        )
        total = max(1, batch.total - data.draw(st.sampled_from([0, 0, 0, 1, 50 * USDC]), label="short by"))
        old = self.model.batches.get(self.model.today)
        if old is not None and not old.revoked and old.batch.root == batch.root:
            return
        tx = self.world.vault.approveBatch(batch.batch_id, batch.root, total, sender=self.world.approver)
        self.model.batches[batch.batch_id] = BatchState(batch, total, tx.timestamp)
        self.done("approve", tx)

    @precondition(lambda self: self.model.renewable())
    @rule(data=st.data())
    def renew(self, data):
        batch_id = data.draw(st.sampled_from(self.model.renewable()), label="batch")
        state = self.model.batches[batch_id]
        tx = self.world.vault.approveBatch(
            batch_id, state.batch.root, state.total, sender=self.world.approver
        )
        state.approved_at = tx.timestamp
        self.done("renew", tx)

    def executable(self):
        return [batch_id for batch_id in self.model.batches if self.model.payable(batch_id)]

    @precondition(executable)
    @rule(data=st.data())
    def execute_many(self, data):
        batch_id, payable = self.draw_payable(data)
        self.run_batch(batch_id, self.model.fitting(batch_id, payable))

    @precondition(executable)
    @rule(data=st.data())
    def execute_one(self, data):
        batch_id, payable = self.draw_payable(data)
        self.run_batch(batch_id, payable[:1])

    def draw_payable(self, data):
        batch_id = data.draw(st.sampled_from(self.executable()), label="batch")
        return batch_id, data.draw(st.permutations(self.model.payable(batch_id)), label="order")

    def run_batch(self, batch_id, indices):
        world, model = self.world, self.model
        batch = model.batches[batch_id].batch
        arguments = batch.execution(indices)
        tx = world.vault.executeBatch(*arguments, sender=world.payer)

        expected = []
        for _, policy_no, recipient, amount, evidence in arguments[1]:
            failed = recipient.lower() in model.denied
            name = "PayoutFailed" if failed else "PayoutExecuted"
            self.successes["payout_failed" if failed else "payout_paid"] += 1
            if not failed:
                moved = {"from": world.vault, "to": recipient, "value": amount}
                expected.append(event(world.usdc, "Transfer", **moved))
            terms = {"batchId": batch_id, "policyNo": policy_no, "recipient": recipient, "amount": amount}
            expected.append(event(world.vault, name, **terms, evidenceHash=evidence))
        assert events_of(tx) == expected

        model.now = tx.timestamp
        model.execute(batch_id, indices)
        assert model.paid_on[model.now // DAY_S] <= model.cap
        assert (
            world.vault.batches(batch_id).paid
            == model.batches[batch_id].paid
            <= model.batches[batch_id].total
        )
        for _, policy_no, recipient, *_ in arguments[1]:
            assert world.vault.isPaid(policy_no) == (recipient.lower() not in model.denied)
        self.done("execute_many" if len(indices) > 1 else "execute_one", tx)

    @precondition(lambda self: self.model.revocable())
    @rule(data=st.data())
    def revoke(self, data):
        batch_id = data.draw(st.sampled_from(self.model.revocable()), label="batch")
        by_approver = self.model.approver_in_office and data.draw(st.booleans(), label="by the approver")
        state = self.model.batches[batch_id]
        sender = self.world.approver if by_approver else self.world.guardian
        tx = self.world.vault.revokeBatch(batch_id, sender=sender)
        state.revoked = True
        unpaid = state.total - state.paid
        assert events_of(tx) == [
            event(self.world.vault, "BatchRevoked", batchId=batch_id, by=sender, unpaid=unpaid)
        ]
        self.done("revoke", tx)

    @precondition(lambda self: not self.model.usdc_paused and self.model.vault > 0)
    @rule(by_payer=st.booleans())
    def sweep(self, by_payer):
        world, model = self.world, self.model
        tx = world.vault.sweep(sender=world.payer if by_payer else world.guardian)
        model.swept += model.vault
        model.treasury += model.vault
        model.vault = 0
        self.done("sweep", tx)

    # stops

    def flips(self):
        """Switches that can be turned; going on is likelier than stopping, or the machine stands still."""
        model, world = self.model, self.world
        switches = [
            ("vault_paused", world.vault, world.guardian, world.unpauser),
            ("checkout_paused", world.checkout, world.guardian, world.unpauser),
            ("usdc_paused", world.usdc, world.circle, world.circle),
        ]
        stopped = [switch for switch in switches if getattr(model, switch[0])]
        return [*switches, *stopped * 6]

    @rule(data=st.data())
    def flip_switch(self, data):
        flips = self.flips()
        name, contract, stops, resumes = flips[data.draw(st.integers(0, len(flips) - 1), label="switch")]
        stopped = getattr(self.model, name)
        tx = contract.unpause(sender=resumes) if stopped else contract.pause(sender=stops)
        setattr(self.model, name, not stopped)
        self.done("unpause" if stopped else "pause", tx)

    @rule(data=st.data())
    def denylist(self, data):
        recipient = data.draw(st.sampled_from(self.world.recipients), label="recipient").lower()
        if recipient in self.model.denied:
            tx = self.world.usdc.unBlacklist(recipient, sender=self.world.circle)
        else:
            tx = self.world.usdc.blacklist(recipient, sender=self.world.circle)
        self.model.denied ^= {recipient}
        self.done("deny" if recipient in self.model.denied else "undeny", tx)

    @precondition(lambda self: self.model.cap > 0)
    @rule(data=st.data())
    def lower_cap(self, data):
        cap = data.draw(st.integers(self.model.cap // 4, self.model.cap - 1), label="cap")
        tx = self.world.vault.lowerDailyCap(cap, sender=self.world.guardian)
        self.model.cap = cap
        self.done("lower_cap", tx)

    @precondition(lambda self: self.model.cap < DAILY_CAP)
    @rule(cap=st.integers(DAILY_CAP, 2 * DAILY_CAP))
    def raise_cap(self, cap):
        tx = self.delayed(self.world.vault, "setDailyCap", cap, sender=self.world.config)
        self.model.cap = cap
        self.done("raise_cap", tx)

    @precondition(lambda self: self.model.approver_in_office and not self.dismissed)
    @rule()
    def dismiss(self):
        approver = self.world.approver
        tx = self.world.manager.renounceRole(APPROVER, approver, sender=approver)
        self.model.approver_in_office = False
        self.dismissed = True
        self.done("dismiss", tx)

    @precondition(lambda self: not self.model.approver_in_office)
    @rule()
    def reinstate(self):
        world = self.world
        tx = self.delayed(world.manager, "grantRole", APPROVER, world.approver, 0, sender=world.admin)
        self.model.approver_in_office = True
        self.done("reinstate", tx)

    def delayed(self, target, function, *arguments, sender):
        """48 hours pass between the words and the deed."""
        manager, clock = self.world.manager, self.world.clock
        data = getattr(target, function).encode_input(*arguments)
        manager.schedule(target, data, 0, sender=sender)
        clock.travel_to(clock.now + DELAY_S)
        return manager.execute(target, data, sender=sender)

    # time

    @rule(seconds=st.integers(60, 6 * 3600), offset=st.sampled_from([None, None, -2, 0, 1]))
    def pass_time(self, seconds, offset):
        clock = self.world.clock
        if offset is None or clock.next_midnight + offset <= clock.now:
            self.travel("pass_time", clock.now + seconds)
        else:
            self.travel("pass_midnight", clock.next_midnight + offset)

    def standing(self):
        now = self.world.clock.now
        return [state for state in self.model.batches.values() if state.approved_at + VALIDITY_S - 5 > now]

    @precondition(standing)
    @rule(offset=st.sampled_from([-5, 0]), data=st.data())
    def pass_expiry(self, offset, data):
        state = data.draw(st.sampled_from(self.standing()), label="batch")
        self.travel("pass_expiry", state.approved_at + VALIDITY_S + offset)

    def travel(self, action, time_s):
        self.world.clock.travel_to(time_s)
        self.done(action)
