"""`liqpass keeper x402` between its start and its end: rounds that claim what is due, and what they tell.

What is true is on the chain, what was signed is in the journal. A round begins from these two, so it does not
matter where the one before it ended.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.claim_sender import Claimed, ClaimSender
from liqpass.adapters.chain.errors import (
    GasTooHighError,
    SimulationRevertedError,
    TransactionRevertedError,
)
from liqpass.adapters.chain.policy_watch import PolicyWatch
from liqpass.adapters.chain.rpc import Block
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.money import Usdc, format_usdc, usdc
from liqpass.domain.x402.claiming import OpenPolicy, due_policies, plan_claims

log = logging.getLogger("liqpass.keeper")


@dataclass(slots=True)
class Round:
    """What one round did. `by_others`: due, and ended by somebody else before our transaction ran.

    `failed`: policies that no transaction could claim. `paid`: USDC base units.
    """

    watched: int = 0
    due: int = 0
    transactions: set[str] = field(default_factory=set)
    claimed: int = 0
    credited: int = 0
    paid: int = 0
    by_others: int = 0
    failed: int = 0

    @property
    def is_busy(self) -> bool:
        """Whether anything was due or done."""
        return bool(self.due or self.transactions or self.by_others)

    def __str__(self) -> str:
        return (
            f"watched={self.watched} due={self.due} transactions={len(self.transactions)} "
            f"claimed={self.claimed} usdc={format_usdc(usdc(self.paid))} credited={self.credited} "
            f"by_others={self.by_others} failed={self.failed}"
        )


class Due(Protocol):
    """Where a keeper finds what it claims."""

    def read(self) -> tuple[Block, int, tuple[OpenPolicy, ...]]:
        """The head, how many policies are watched, and those of them that are due, by the contract's word."""
        ...


class DuePolicies:
    """What is open, due and worth `least` or more: by its events, then by the contract's own word."""

    def __init__(self, watch: PolicyWatch, reader: BondReader, *, margin_s: int, least: Usdc) -> None:
        self._watch, self._reader, self._margin_s, self._least = watch, reader, margin_s, least

    def read(self) -> tuple[Block, int, tuple[OpenPolicy, ...]]:
        """The head, how many policies are open, and those of them that are due."""
        head, policies = self._watch.open_policies()
        due = due_policies(policies, now_s=head.timestamp_s, margin_s=self._margin_s, least=self._least)
        # Events of blocks that are gone, or that a lagging node has not shown, would only cost gas.
        confirmed = tuple(policy for policy in due if self._reader.is_open(policy.commitment, "latest"))
        return head, len(policies), confirmed


class ClaimKeeper:
    """Claims what is due, `most` policies a transaction at most, each in one transaction."""

    def __init__(self, due: Due, sender: ClaimSender, *, most: int) -> None:
        self._due, self._sender, self._most = due, sender, most
        self._told: set[bytes] = set()

    def round(self) -> Round:
        """One round. Raises ChainError of either tree; what was signed until then is in the journal."""
        done = Round()
        for key in self._sender.unfinished():
            log.info("resuming key=%s", key)
            self._finish(key, done)
        _, done.watched, due = self._due.read()
        taken_back = self._sender.ended_with(policy.commitment for policy in due)
        for key in taken_back:
            log.warning("reorganised key=%s", key)
            self._finish(key, done)
        if taken_back:
            _, done.watched, due = self._due.read()
        done.due = len(due)
        plan = plan_claims(
            due,
            in_flight=self._sender.in_flight(),
            reverts=self._sender.reverts(policy.commitment for policy in due),
            most=self._most,
        )
        for batch in plan.batches:
            self._claim(batch, done)
        for policy in plan.left:
            self._fail(policy, "its transactions revert: claim it by hand", done)
        return done

    def _claim(self, batch: Sequence[OpenPolicy], done: Round) -> None:
        try:
            self._tell(self._sender.claim(batch), done)
        except (GasTooHighError, SimulationRevertedError) as error:
            # Nothing was signed. Halves, until what stops the others is alone.
            if len(batch) == 1:
                self._fail(batch[0], str(error), done)
                return
            middle = len(batch) // 2
            self._claim(batch[:middle], done)
            self._claim(batch[middle:], done)
        except TransactionRevertedError as error:
            _say_reverted(error)
            done.failed += len(batch)

    def _finish(self, key: str, done: Round) -> None:
        try:
            self._tell(self._sender.resume(key), done)
        except TransactionRevertedError as error:
            _say_reverted(error)
        except (GasTooHighError, SimulationRevertedError) as error:
            log.warning("not signed key=%s reason=%s", key, error)  # its policies go into other transactions

    @staticmethod
    def _tell(claimed: Claimed, done: Round) -> None:
        for refund in claimed.refunds:
            log.info(
                "claimed commitment=%s client=%s usdc=%s credited=%s tx=%s",
                format_bytes32(refund.commitment),
                refund.client,
                format_usdc(refund.amount),
                "yes" if refund.credited else "no",
                claimed.tx_hash,
            )
            done.paid += refund.amount
            done.credited += refund.credited
        done.claimed += len(claimed.refunds)
        done.by_others += len(claimed.asked) - len(claimed.refunds)
        if claimed.tx_hash is not None:
            done.transactions.add(claimed.tx_hash)

    def _fail(self, policy: OpenPolicy, reason: str, done: Round) -> None:
        done.failed += 1
        if policy.commitment not in self._told:
            self._told.add(policy.commitment)
            log.error("left commitment=%s reason=%s", format_bytes32(policy.commitment), reason)


def _say_reverted(error: TransactionRevertedError) -> None:
    log.error("reverted key=%s tx=%s reason=%s", error.key, error.tx_hash, error.reason)
