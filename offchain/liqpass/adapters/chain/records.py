"""The journal's rows."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from liqpass.adapters.chain.policy import Fees


class IntentState(StrEnum):
    """planned → signed → sent → seen → final | failed; abandoned: never sent, or its nonce was lost."""

    PLANNED = "planned"
    SIGNED = "signed"
    SENT = "sent"
    SEEN = "seen"
    FINAL = "final"
    FAILED = "failed"
    ABANDONED = "abandoned"


class AttemptState(StrEnum):
    """planned (nonce and fees, no bytes) → signed → sent → final | failed | replaced (by a sibling) | lost.

    Lost: its nonce was used by a transaction that is not in the journal.
    """

    PLANNED = "planned"
    SIGNED = "signed"
    SENT = "sent"
    FINAL = "final"
    FAILED = "failed"
    REPLACED = "replaced"
    LOST = "lost"


class NonceState(StrEnum):
    """open: in flight; used: by a transaction of this journal; foreign: by another one."""

    OPEN = "open"
    USED = "used"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Intent:
    """One effect that is wanted once. `value` in wei; `to` None creates a contract; times in unix ms."""

    id: int
    key: str
    to: str | None
    value: int
    data: bytes
    calldata_hash: str
    describe: str
    state: IntentState
    tx_hash: str | None
    block_number: int | None
    block_hash: str | None
    note: str
    created_at_ms: int
    changed_at_ms: int

    @classmethod
    def of(cls, row: sqlite3.Row) -> Self:
        """From its row in the journal."""
        return cls(
            id=row["id"],
            key=row["key"],
            to=row["to_address"],
            value=int(row["value"]),
            data=row["calldata"],
            calldata_hash=row["calldata_hash"],
            describe=row["describe"],
            state=IntentState(row["state"]),
            tx_hash=row["tx_hash"],
            block_number=row["block_number"],
            block_hash=row["block_hash"],
            note=row["note"],
            created_at_ms=row["created_at_ms"],
            changed_at_ms=row["changed_at_ms"],
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One set of signed bytes, or the plan of it. `raw` and `tx_hash` are None only while planned."""

    id: int
    intent_id: int
    nonce: int
    gas: int
    fees: Fees
    raw: bytes | None
    tx_hash: str | None
    state: AttemptState

    @classmethod
    def of(cls, row: sqlite3.Row) -> Self:
        """From its row in the journal."""
        return cls(
            id=row["id"],
            intent_id=row["intent_id"],
            nonce=row["nonce"],
            gas=row["gas"],
            fees=Fees(int(row["max_fee"]), int(row["priority"])),
            raw=row["raw"],
            tx_hash=row["tx_hash"],
            state=AttemptState(row["state"]),
        )
