"""What OpenParametric should do, in Python: a method for each function, the sender before the arguments.

The machine calls the contract and this, then compares balances, records and logs. `now` is already the time
of the function's block. An assertion that fails here is the machine's fault: it asked for what must revert.
"""

from typing import Any

from flight_policies import Terms, as_logged, terms_hash
from parametric_state import REFUNDABLE, UNDERWRITING, Book, Policy, State


class Model(Book):
    """Signatures are not checked here: the machine makes only good ones."""

    def emit(self, name: str, **fields: Any) -> None:
        self.logs.append((self.address, name, fields))

    def transfer(self, sender: str, to: str, amount: int) -> None:
        """USDC's, of an escrow that rounding may have left nothing of."""
        if amount:
            self.usdc.move(sender, to, amount)
        else:
            assert self.usdc.takes(sender, to)
            self.usdc.emit("Transfer", **{"from": sender, "to": to, "value": 0})

    # underwriting

    def create_policy(self, leader: str, values: tuple[Any, ...], shares: list[tuple[str, int]]) -> None:
        terms = Terms(*values)
        self.sequences[leader] += 1
        policy = int(leader, 16) << 64 | self.sequences[leader]
        deadline = terms.activeTo + terms.claimGrace
        self.policies[policy] = Policy(policy, leader, terms, list(shares), self.now, deadline)
        agreed = terms_hash(terms, shares)
        said = {"terms": as_logged(list(values)), "shares": as_logged([tuple(share) for share in shares])}
        self.emit("PolicyCreated", id=policy, leader=leader, termsHash=agreed, **said)

    def open_underwriting(self, sender: str, policy: int) -> None:
        one = self.policies[policy]
        assert one.state is State.DRAFT
        assert sender == one.leader
        one.state = State.OPEN
        self.emit("UnderwritingOpened", id=policy)

    def accept_share(self, sender: str, policy: int, index: int, agreed: bytes) -> None:
        one = self.policies[policy]
        assert one.state is State.OPEN
        assert self.now <= one.terms.underwritingDeadline
        assert sender == one.insurer(index)
        assert index in one.unanswered
        assert agreed == terms_hash(one.terms, one.shares)
        one.accepted.add(index)
        escrow = one.escrow(index)
        self.emit("ShareAccepted", id=policy, index=index, insurer=sender, escrow=escrow)
        if len(one.accepted) == len(one.shares):
            one.state = State.FUNDED
            self.emit("UnderwritingFinalized", id=policy)
        self.transfer(sender, self.address, escrow)

    def accept_share_with_permit(
        self, sender: str, policy: int, index: int, agreed: bytes, deadline: int, signature: bytes
    ) -> None:
        escrow = self.policies[policy].escrow(index)
        self.usdc.emit("Approval", owner=sender, spender=self.address, value=escrow)
        self.accept_share(sender, policy, index, agreed)

    def reject_share(self, sender: str, policy: int, index: int) -> None:
        one = self.policies[policy]
        assert one.state is State.OPEN
        assert sender == one.insurer(index)
        assert index in one.unanswered
        one.rejected.add(index)
        self.emit("ShareRejected", id=policy, index=index, insurer=sender)

    def replace_share(self, sender: str, policy: int, index: int, insurer: str) -> None:
        one = self.policies[policy]
        assert one.state in UNDERWRITING
        assert sender == one.leader
        assert index not in one.accepted
        previous, part = one.shares[index]
        assert insurer not in [other for other, _ in one.shares if other != previous]
        one.shares[index] = (insurer, part)
        one.rejected.discard(index)
        agreed = terms_hash(one.terms, one.shares)
        parties = {"insurer": insurer, "previous": previous}
        self.emit("ShareReplaced", id=policy, index=index, **parties, termsHash=agreed)

    def fail_underwriting(self, sender: str, policy: int) -> None:
        one = self.policies[policy]
        assert one.state in UNDERWRITING
        assert sender == one.leader or self.now > one.terms.underwritingDeadline
        one.state = State.FAILED
        self.emit("UnderwritingFailed", id=policy, by=sender)

    def register_policyholder(
        self, sender: str, policy: int, ref: bytes, premium: int, coverage: int
    ) -> None:
        one = self.policies[policy]
        assert State.DRAFT <= one.state <= State.ACTIVE
        assert sender == one.leader
        assert self.now < one.terms.departure
        index, one.policyholders = one.policyholders, one.policyholders + 1
        one.coverage += coverage
        assert one.coverage <= one.terms.payout
        entry = {"ref": ref, "index": index, "premium": premium, "coverage": coverage}
        self.emit("PolicyholderRegistered", id=policy, **entry)

    # cover and claim

    def activate_policy(self, sender: str, policy: int) -> None:
        one = self.policies[policy]
        assert one.state is State.FUNDED
        assert self.in_window(one, self.now)
        one.state = State.ACTIVE
        self.emit("PolicyActivated", id=policy, by=sender)

    def check_oracle(self, sender: str, policy: int) -> None:
        one = self.policies[policy]
        if one.state is State.FUNDED:
            self.activate_policy(sender, policy)
        assert one.state is State.ACTIVE
        assert self.now <= one.claim_deadline
        assert self.fault(one, self.now) is None
        feed = self.feeds[one.terms.feed]
        reading = {"roundId": feed.round_id, "delayMinutes": feed.answer, "updatedAt": feed.updated_at}
        if feed.answer < one.terms.thresholdMinutes:
            self.emit("OracleChecked", id=policy, **reading)
            return
        one.state = State.CLAIMABLE
        one.claim_round, one.claim_value, one.verified_at = feed.round_id, feed.answer, self.now
        self.emit("ClaimCreated", id=policy, **reading, windowEndsAt=one.window_end)

    def approve_claim(self, sender: str, policy: int) -> None:
        one = self.policies[policy]
        assert one.state is State.CLAIMABLE
        assert sender in one.deciders or self.now > one.window_end
        one.state = State.APPROVED
        one.approved_by = sender
        self.emit("ClaimApproved", id=policy, by=sender)

    def reject_claim(self, sender: str, policy: int) -> None:
        one = self.policies[policy]
        assert one.state is State.CLAIMABLE
        assert sender in one.deciders
        assert not one.rejection_spent
        assert self.now <= one.window_end
        one.state = State.ACTIVE
        one.rejection_spent = True
        one.claim_deadline = max(one.claim_deadline, self.now + one.terms.claimGrace)
        told = {"roundId": one.claim_round, "claimDeadline": one.claim_deadline}
        self.emit("ClaimRejected", id=policy, by=sender, **told)

    # the ends

    def settle_claim(self, sender: str, policy: int) -> None:
        one = self.policies[policy]
        assert one.state is State.APPROVED
        one.state = State.SETTLED
        beneficiary, amount = one.terms.beneficiary, one.terms.payout
        if self.usdc.takes(self.address, beneficiary):
            self.usdc.move(self.address, beneficiary, amount)
            self.emit("ClaimSettled", id=policy, beneficiary=beneficiary, amount=amount)
        else:
            self.credits[beneficiary] += amount
            self.emit("ClaimCredited", id=policy, beneficiary=beneficiary, amount=amount)

    def expire_policy(self, sender: str, policy: int) -> None:
        one = self.policies[policy]
        end = {State.ACTIVE: one.claim_deadline, State.FUNDED: one.terms.activeTo}[one.state]
        assert self.now > end
        one.state = State.EXPIRED
        self.emit("PolicyExpired", id=policy, by=sender)

    def refund(self, sender: str, policy: int, index: int, to: str) -> None:
        one = self.policies[policy]
        assert one.state in REFUNDABLE
        assert sender == one.insurer(index)
        assert index in one.accepted - one.refunded
        one.refunded.add(index)
        escrow = one.escrow(index)
        self.emit("ShareRefunded", id=policy, index=index, insurer=sender, to=to, escrow=escrow)
        self.transfer(self.address, to, escrow)

    def withdraw(self, sender: str, to: str) -> None:
        amount = self.credits.pop(sender)
        self.emit("CreditWithdrawn", account=sender, to=to, amount=amount)
        self.usdc.move(self.address, to, amount)

    def pay_credit(self, sender: str, account: str) -> None:
        self.withdraw(account, account)

    def donate(self, sender: str, amount: int) -> None:
        """A plain transfer, which nobody can take out again."""
        self.usdc.move(sender, self.address, amount)
        self.donated += amount
