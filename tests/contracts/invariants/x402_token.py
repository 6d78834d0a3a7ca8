"""What USDC should do, in Python: balances, Circle's denylist and pause, and the logs."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Log = tuple[str, str, dict[str, Any]]
"""Emitting address, event name, all fields, as `logs.events_of` tells them."""


@dataclass
class Token:
    """Amounts in USDC base units, accounts by address."""

    address: str
    balances: Counter[str]
    logs: list[Log]
    denied: set[str] = field(default_factory=set)
    paused: bool = False

    def takes(self, *parties: str) -> bool:
        """Whether a transfer between these goes through."""
        return not self.paused and self.denied.isdisjoint(parties)

    def move(self, sender: str, to: str, amount: int) -> None:
        assert self.takes(sender, to)
        assert 0 < amount <= self.balances[sender]
        self.balances[sender] -= amount
        self.balances[to] += amount
        self.emit("Transfer", **{"from": sender, "to": to, "value": amount})

    def move_authorized(self, sender: str, to: str, amount: int, nonce: bytes) -> None:
        """EIP-3009."""
        self.emit("AuthorizationUsed", authorizer=sender, nonce=nonce)
        self.move(sender, to, amount)

    def emit(self, name: str, **fields: Any) -> None:
        self.logs.append((self.address, name, fields))
