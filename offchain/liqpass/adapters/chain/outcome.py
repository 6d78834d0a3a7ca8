"""What the engine gives back."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.adapters.chain.policy import Fees
from liqpass.adapters.chain.records import IntentState
from liqpass.adapters.chain.rpc import Receipt


@dataclass(frozen=True, slots=True)
class Outcome:
    """The effect is on the chain. `receipt` is None when it came there without a receipt of ours."""

    key: str
    receipt: Receipt | None
    resumed: bool

    @property
    def already_done(self) -> bool:
        """Whether somebody else brought it about, or nothing had to be sent."""
        return self.receipt is None

    @property
    def tx_hash(self) -> str | None:
        """Of our transaction that brought it about."""
        return None if self.receipt is None else self.receipt.tx_hash


@dataclass(frozen=True, slots=True)
class Preview:
    """What `submit` would send now. Fees in wei per gas; `creates` is the address of the contract to be."""

    key: str
    chain_id: int
    sender: str
    to: str | None
    data: bytes
    value: int
    gas: int
    fees: Fees
    nonce: int
    creates: str | None
    journal_state: IntentState | None
    already_done: bool
