"""What X402InsuranceV2 should do, in Python: a method for each function, the sender before the arguments.

The machine calls the contract and this, then compares balances, accounts and logs. `now` is already the time
of the function's block. An assertion that fails here is the machine's fault: it asked for what must revert.
"""

from typing import Any

from liqpass.domain.x402.commitments import settlement_commitment
from x402_state import NOTICE_S, UNLIMITED, Account, Notice, Policy, Standing, State, Status, penalty_of


class Model(State):
    """Signatures are not checked here: the machine makes only good ones."""

    def emit(self, name: str, **fields: Any) -> None:
        self.logs.append((self.address, name, fields))

    # bond

    def deposit_bond(self, provider: str, amount: int) -> None:
        self._deposit(provider, amount)
        self.usdc.move(provider, self.address, amount)

    def deposit_bond_with_permit(self, provider: str, amount: int, deadline: int, signature: bytes) -> None:
        self.usdc.emit("Approval", owner=provider, spender=self.address, value=amount)
        self.deposit_bond(provider, amount)

    def deposit_bond_with_authorization(
        self, sender: str, provider: str, amount: int, after: int, before: int, nonce: bytes, signature: bytes
    ) -> None:
        self._deposit(provider, amount)
        self.usdc.move_authorized(provider, self.address, amount, nonce)

    def _deposit(self, provider: str, amount: int) -> None:
        account = self.accounts[provider]
        if account.bond == 0:
            account.last_lock_at = self.now
            if account.notice is Notice.IDLE:
                self._end_notice(account)
        account.bond += amount
        self.emit("BondDeposited", provider=provider, amount=amount, totalBond=account.bond)
        self._end_notice_of_the_healthy(account)

    def withdraw_bond(self, provider: str, amount: int) -> None:
        account = self.accounts[provider]
        assert amount <= self.withdrawable(provider, self.now)
        account.bond -= amount
        self.emit("BondWithdrawn", provider=provider, amount=amount, totalBond=account.bond)
        self.usdc.move(self.address, provider, amount)

    def announce_exit(self, provider: str) -> None:
        self.accounts[provider].standing = Standing.EXITING
        self.emit("ExitAnnounced", provider=provider)

    def cancel_exit(self, provider: str) -> None:
        self.accounts[provider].standing = Standing.ACTIVE
        self.emit("ExitCancelled", provider=provider)

    # whom a provider trusts

    def approve_coverage(self, provider: str, client: str, amount: int, minutes: int) -> None:
        self.accounts[provider].coverage[client] = (amount, minutes)
        terms = {"client": client, "amount": amount, "maxTimeoutMinutes": minutes}
        self.emit("CoverageApproved", provider=provider, **terms)

    def set_settler(self, provider: str, settler: str, allowed: bool) -> None:
        settlers = self.accounts[provider].settlers
        (settlers.add if allowed else settlers.discard)(settler)
        self.emit("SettlerSet", provider=provider, settler=settler, allowed=allowed)

    def set_delivery_key(self, provider: str, key: str) -> None:
        self.accounts[provider].delivery_key = key
        self.emit("DeliveryKeySet", provider=provider, deliveryKey=key)

    def set_payout_address(self, provider: str, payout: str) -> None:
        self.accounts[provider].payout = payout
        self.emit("PayoutAddressSet", provider=provider, payoutAddress=payout)

    # locks

    def settle_and_insure(
        self,
        settler: str,
        provider: str,
        client: str,
        amount: int,
        after: int,
        before: int,
        nonce: bytes,
        minutes: int,
        signature: bytes,
    ) -> None:
        account = self.accounts[provider]
        assert settler in account.settlers
        commitment = settlement_commitment(self.insurance, provider=provider, client=client, nonce=nonce)
        self._lock(commitment, provider, client, amount, minutes or self.default_timeout)
        payout = account.payout_address
        self.emit("PaymentSettled", commitment=commitment, payoutAddress=payout, amount=amount)
        self._open_channel(account)
        self.usdc.move_authorized(client, account.channel, amount, nonce)
        self.usdc.move(account.channel, payout, amount)

    def purchase_insurance(
        self, client: str, commitment: bytes, provider: str, amount: int, minutes: int
    ) -> None:
        account = self.accounts[provider]
        remaining, most = account.covers(client)
        minutes = minutes or self.default_timeout
        assert amount <= remaining
        assert minutes <= most
        if remaining != UNLIMITED:
            account.coverage[client] = (remaining - amount, most)
        self._lock(commitment, provider, client, amount, minutes)

    def _lock(self, commitment: bytes, provider: str, client: str, amount: int, minutes: int) -> None:
        assert commitment not in self.policies
        assert 0 < amount <= self.insurable(provider, self.now)
        policy = Policy(provider, client, amount, self.penalty_rate, self.now + minutes * 60)
        self.policies[commitment] = policy
        self.statuses[commitment] = Status.OPEN
        self.accounts[provider].last_lock_at = self.now
        parties = {"provider": provider, "client": client}
        terms = {"amount": amount, "penalty": policy.penalty, "deadline": policy.deadline}
        self.emit("InsurancePurchased", commitment=commitment, **parties, **terms)

    def _open_channel(self, account: Account) -> None:
        if not account.channel_exists:
            account.channel_exists = True
            names = {"provider": account.address, "paymentAddress": account.channel}
            self.emit("PaymentAddressCreated", **names)

    # ends of a lock

    def confirm_service(self, sender: str, commitment: bytes, signature: bytes) -> None:
        policy = self._end(commitment, Status.CONFIRMED, bond_loss=0)
        self.emit("ServiceConfirmed", commitment=commitment, provider=policy.provider)

    def confirm_services(self, sender: str, commitments: list[bytes], signatures: list[bytes]) -> None:
        for commitment, signature in zip(commitments, signatures, strict=True):
            is_open = self.statuses.get(commitment) is Status.OPEN
            if is_open and self.now <= self.policies[commitment].deadline:
                self.confirm_service(sender, commitment, signature)

    def refund_service(self, sender: str, commitment: bytes) -> None:
        policy = self.policies[commitment]
        assert self.now <= policy.deadline
        self._end(commitment, Status.REFUNDED, bond_loss=policy.amount)
        parties = {"provider": policy.provider, "client": policy.client}
        self.emit("ServiceRefunded", commitment=commitment, **parties, amount=policy.amount)
        self._pay_client(commitment, policy)

    def claim_insurance(self, sender: str, commitment: bytes) -> None:
        policy = self.policies[commitment]
        assert self.now > policy.deadline
        self._end(commitment, Status.CLAIMED, bond_loss=policy.lock)
        self.penalties += policy.penalty
        parties = {"provider": policy.provider, "client": policy.client}
        terms = {"amount": policy.amount, "penalty": policy.penalty}
        self.emit("InsuranceClaimed", commitment=commitment, **parties, **terms)
        self._pay_client(commitment, policy)

    def claim_many(self, sender: str, commitments: list[bytes]) -> None:
        for commitment in commitments:
            is_open = self.statuses.get(commitment) is Status.OPEN
            if is_open and self.now > self.policies[commitment].deadline:
                self.claim_insurance(sender, commitment)

    def withdraw_credit(self, client: str, to: str) -> None:
        amount = self.credits.pop(client)
        self.emit("CreditWithdrawn", client=client, to=to, amount=amount)
        self.usdc.move(self.address, to, amount)

    def pay_credit(self, sender: str, client: str) -> None:
        self.withdraw_credit(client, client)

    def _end(self, commitment: bytes, status: Status, bond_loss: int) -> Policy:
        assert self.statuses[commitment] is Status.OPEN
        policy = self.policies[commitment]
        self.statuses[commitment] = status
        account = self.accounts[policy.provider]
        account.bond -= bond_loss
        self._end_notice_of_the_healthy(account)
        return policy

    def _pay_client(self, commitment: bytes, policy: Policy) -> None:
        if self.usdc.takes(self.address, policy.client):
            self.usdc.move(self.address, policy.client, policy.amount)
        else:
            self.credits[policy.client] += policy.amount
            self.emit("Credited", client=policy.client, commitment=commitment, amount=policy.amount)

    # the platform

    def collect(self, sender: str) -> None:
        amount, self.penalties = self.penalties, 0
        self.emit("PenaltiesCollected", treasury=self.treasury, amount=amount)
        self.usdc.move(self.address, self.treasury, amount)

    def set_min_provider_bond(self, sender: str, provider: str, minimum: int) -> None:
        account = self.accounts[provider]
        current = account.minimum_at(self.now)
        account.minimum, account.rise, holds_at = minimum, None, self.now
        if minimum > current:
            holds_at += NOTICE_S
            account.minimum, account.rise = current, (minimum, holds_at)
        terms = {"minimum": minimum, "effectiveAt": holds_at}
        self.emit("MinProviderBondSet", provider=provider, **terms)
        self._end_notice_of_the_healthy(account)

    def set_platform_penalty_rate(self, sender: str, rate: int) -> None:
        self.penalty_rate = rate
        self.emit("PlatformPenaltyRateSet", penaltyRate=rate)

    def set_default_timeout(self, sender: str, minutes: int) -> None:
        self.default_timeout = minutes
        self.emit("DefaultTimeoutSet", timeoutMinutes=minutes)

    def set_treasury(self, sender: str, treasury: str) -> None:
        self.treasury = treasury
        self.emit("TreasurySet", treasury=treasury)

    def announce_liquidation(self, sender: str, provider: str) -> None:
        account = self.accounts[provider]
        assert account.standing is not Standing.LIQUIDATED
        assert account.notice is Notice.NONE
        account.notice = Notice.IDLE if self.is_healthy(provider, self.now) else Notice.UNHEALTHY
        account.liquidatable_at = self.now + NOTICE_S
        terms = {"notice": int(account.notice), "liquidatableAt": account.liquidatable_at}
        self.emit("LiquidationAnnounced", provider=provider, **terms)

    def call_off_liquidation(self, sender: str, provider: str) -> None:
        self._end_notice(self.accounts[provider])

    def liquidate_provider(self, sender: str, provider: str) -> None:
        account = self.accounts[provider]
        assert self.now >= account.liquidatable_at
        assert self.locked(provider) == 0
        amount, account.bond = account.bond, 0
        account.standing, account.notice = Standing.LIQUIDATED, Notice.NONE
        self.penalties += amount
        self.emit("ProviderLiquidated", provider=provider, amount=amount)

    def return_stray(self, sender: str, provider: str, client: str, amount: int) -> None:
        account = self.accounts[provider]
        assert client not in (provider, account.payout_address)
        self.emit("StrayReturned", provider=provider, client=client, amount=amount)
        self._open_channel(account)
        self.usdc.move(account.channel, client, amount)

    def rescue(self, sender: str, token: str, to: str, amount: int) -> None:
        assert token == self.usdc.address
        assert amount <= self.surplus
        self.emit("Rescued", token=token, to=to, amount=amount)
        self.usdc.move(self.address, to, amount)

    def pause(self, sender: str) -> None:
        self.paused = True
        self.emit("Paused", account=sender)

    def unpause(self, sender: str) -> None:
        self.paused = False
        self.emit("Unpaused", account=sender)

    def _end_notice_of_the_healthy(self, account: Account) -> None:
        if account.notice is Notice.UNHEALTHY and self.is_healthy(account.address, self.now):
            self._end_notice(account)

    def _end_notice(self, account: Account) -> None:
        account.notice = Notice.NONE
        self.emit("LiquidationCalledOff", provider=account.address)

    def protection_cost(self, amount: int) -> tuple[int, int]:
        """What `getProtectionCost` answers."""
        penalty = penalty_of(amount, self.penalty_rate)
        return amount + penalty, penalty
