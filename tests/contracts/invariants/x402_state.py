"""What is so at a moment: accounts, policies, dates, and what could be done in the next block.

What is locked and what is owed is summed anew each time, never kept. Amounts in USDC base units, times in
unix seconds, accounts by address.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum

from clock import DAY_S
from liqpass.domain.x402.insurance import Insurance
from x402_token import Log, Token

BPS = 10_000
NOTICE_S = 7 * DAY_S
IDLE_S = 180 * DAY_S
UNLIMITED = 2**96 - 1
NOBODY = "0x" + "00" * 20


class Status(IntEnum):
    OPEN = 1
    CONFIRMED = 2
    CLAIMED = 3
    REFUNDED = 4


class Standing(IntEnum):
    ACTIVE = 0
    EXITING = 1
    LIQUIDATED = 2


class Notice(IntEnum):
    NONE = 0
    UNHEALTHY = 1
    IDLE = 2


@dataclass(frozen=True)
class Policy:
    """The terms of a lock, which nothing changes."""

    provider: str
    client: str
    amount: int
    penalty_rate: int
    deadline: int

    @property
    def penalty(self) -> int:
        return penalty_of(self.amount, self.penalty_rate)

    @property
    def lock(self) -> int:
        return self.amount + self.penalty


@dataclass
class Account:
    """A provider. `rise`: a raised minimum and when it begins to hold."""

    address: str
    channel: str
    channel_exists: bool = False
    bond: int = 0
    minimum: int = 0
    rise: tuple[int, int] | None = None
    last_lock_at: int = 0
    standing: Standing = Standing.ACTIVE
    notice: Notice = Notice.NONE
    liquidatable_at: int = 0
    settlers: set[str] = field(default_factory=set)
    delivery_key: str = NOBODY
    payout: str = NOBODY
    coverage: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def payout_address(self) -> str:
        return self.address if self.payout == NOBODY else self.payout

    def minimum_at(self, time_s: int) -> int:
        if self.rise is None or time_s < self.rise[1]:
            return self.minimum
        return self.rise[0]

    def covers(self, client: str) -> tuple[int, int]:
        """Amount and longest time-out in minutes."""
        return self.coverage.get(client, (0, 0))


@dataclass
class State:
    """`now` is the newest block's time; the next block is a second later."""

    insurance: Insurance
    address: str
    usdc: Token
    accounts: dict[str, Account]
    logs: list[Log]
    treasury: str
    penalty_rate: int
    default_timeout: int
    now: int
    paused: bool = False
    penalties: int = 0
    credits: Counter[str] = field(default_factory=Counter)
    policies: dict[bytes, Policy] = field(default_factory=dict)
    statuses: dict[bytes, Status] = field(default_factory=dict)

    @property
    def soon(self) -> int:
        return self.now + 1

    @property
    def owed(self) -> int:
        return sum(account.bond for account in self.accounts.values()) + self.credits.total() + self.penalties

    @property
    def surplus(self) -> int:
        """What the contract holds and owes to nobody."""
        return self.usdc.balances[self.address] - self.owed

    def open_policies(self) -> dict[bytes, Policy]:
        return {key: policy for key, policy in self.policies.items() if self.statuses[key] is Status.OPEN}

    def locked(self, provider: str) -> int:
        return sum(policy.lock for policy in self.open_policies().values() if policy.provider == provider)

    def available(self, provider: str) -> int:
        return self.accounts[provider].bond - self.locked(provider)

    def is_healthy(self, provider: str, time_s: int) -> bool:
        account = self.accounts[provider]
        return account.standing is not Standing.LIQUIDATED and self.available(provider) >= account.minimum_at(
            time_s
        )

    def withdrawable(self, provider: str, time_s: int) -> int:
        account, available = self.accounts[provider], self.available(provider)
        ends = account.standing is Standing.EXITING and self.locked(provider) == 0
        if ends or account.notice is not Notice.NONE:
            return available
        return max(0, available - account.minimum_at(time_s))

    def insurable(self, provider: str, time_s: int) -> int:
        """The largest payment that a lock has room for; a pause does not count."""
        account = self.accounts[provider]
        active = account.standing is Standing.ACTIVE and account.notice is Notice.NONE
        if not active or not self.is_healthy(provider, time_s):
            return 0
        return self.available(provider) * BPS // (BPS + self.penalty_rate)

    # what could be done in the next block

    def depositors(self) -> list[str]:
        return [
            provider
            for provider, account in self.accounts.items()
            if account.standing is not Standing.LIQUIDATED
            and not self.paused
            and self.usdc.takes(provider, self.address)
        ]

    def withdrawers(self) -> list[str]:
        return [
            provider
            for provider in self.accounts
            if self.withdrawable(provider, self.soon) and self.usdc.takes(self.address, provider)
        ]

    def insurers(self) -> list[str]:
        """Providers whose bond takes a lock."""
        return [] if self.paused else [key for key in self.accounts if self.insurable(key, self.soon)]

    def settleable(self, clients: list[str]) -> list[tuple[str, str, str]]:
        """(provider, client, settler) of payments that would go through."""
        return [
            (provider, client, settler)
            for provider in self.insurers()
            for client in clients
            for settler in sorted(self.accounts[provider].settlers)
            if self.usdc.takes(
                client, self.accounts[provider].channel, self.accounts[provider].payout_address
            )
        ]

    def coverable(self) -> list[tuple[str, str]]:
        """(provider, client) of locks without a settler."""
        return [
            (provider, client)
            for provider in self.insurers()
            for client, (amount, _) in self.accounts[provider].coverage.items()
            if amount
        ]

    def in_time(self) -> list[bytes]:
        """Open policies that may be confirmed or refunded."""
        return [key for key, policy in self.open_policies().items() if self.soon <= policy.deadline]

    def overdue(self) -> list[bytes]:
        """Open policies that may be claimed."""
        return [key for key, policy in self.open_policies().items() if self.soon > policy.deadline]

    def creditors(self) -> list[str]:
        return [client for client, amount in self.credits.items() if amount]

    def announceable(self) -> list[str]:
        return [key for key in self.accounts if self.reason_to_liquidate(key) is not Notice.NONE]

    def reason_to_liquidate(self, provider: str) -> Notice:
        account = self.accounts[provider]
        if account.standing is Standing.LIQUIDATED or account.notice is not Notice.NONE:
            return Notice.NONE
        if not self.is_healthy(provider, self.soon):
            return Notice.UNHEALTHY
        idle = account.bond > 0 and self.soon > account.last_lock_at + IDLE_S
        return Notice.IDLE if idle else Notice.NONE

    def announced(self) -> list[str]:
        return [key for key, account in self.accounts.items() if account.notice is not Notice.NONE]

    def liquidatable(self) -> list[str]:
        return [
            key
            for key in self.announced()
            if self.soon >= self.accounts[key].liquidatable_at and self.locked(key) == 0
        ]

    def strays(self) -> list[str]:
        """Providers with money in their payment address that can move."""
        return [
            key
            for key, account in self.accounts.items()
            if self.usdc.balances[account.channel] and self.usdc.takes(account.channel)
        ]


def penalty_of(amount: int, rate: int) -> int:
    """Rounded up; `rate` in basis points."""
    return -(-amount * rate // BPS)
