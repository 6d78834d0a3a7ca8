"""`liqpass keeper parametric` between its start and its end: rounds that do what is due, and what they tell.

What is true is on the chain, what was signed is in the journal. A round begins from these two, so it does not
matter where the one before it ended.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from liqpass.adapters.chain.errors import (
    GasTooHighError,
    RpcAnswerError,
    SimulationRevertedError,
    TransactionRevertedError,
)
from liqpass.adapters.chain.parametric_reader import ParametricReader
from liqpass.adapters.chain.parametric_watch import ParametricWatch
from liqpass.adapters.chain.policy_sender import Acted, GivenUpError, PolicySender
from liqpass.adapters.chain.rpc import Block
from liqpass.domain.money import Usdc
from liqpass.domain.parametric.feed_check import FeedAnswer
from liqpass.domain.parametric.keeping import KEPT, KeptPolicy, next_action
from liqpass.domain.parametric.life import Action
from liqpass.domain.parametric.policy import format_policy_id
from liqpass.ports import ChainError as ReadingError

log = logging.getLogger("liqpass.keeper")


@dataclass(slots=True)
class Round:
    """What one round did. `by_others`: due, and done by somebody else before our transaction ran.

    `failed`: what was due and could not be done.
    """

    watched: int = 0
    transactions: list[str] = field(default_factory=list)
    acted: Counter[Action] = field(default_factory=Counter)
    by_others: int = 0
    failed: int = 0

    @property
    def is_busy(self) -> bool:
        """Whether anything was due or done."""
        return bool(self.transactions or self.by_others or self.failed)

    def __str__(self) -> str:
        acted = " ".join(f"{action}={self.acted[action]}" for action in KEPT)
        return (
            f"watched={self.watched} transactions={len(self.transactions)} {acted} "
            f"by_others={self.by_others} failed={self.failed}"
        )


@dataclass(frozen=True, slots=True)
class DueAction:
    """One thing to do with one policy."""

    policy: KeptPolicy
    action: Action


class DueActions:
    """What is due, by the contract's own word and the feeds' of one block."""

    def __init__(
        self, watch: ParametricWatch, reader: ParametricReader, *, margin_s: int, least: Usdc
    ) -> None:
        """Policies with a payout below `least`, base units, are left to others."""
        self._watch, self._reader, self._margin_s, self._least = watch, reader, margin_s, least

    def live(self) -> tuple[Block, tuple[KeptPolicy, ...]]:
        """The head, and the policies that have not ended."""
        return self._watch.live()

    def again(self, policy: KeptPolicy) -> DueAction | None:
        """What is due with it now, after something was done."""
        head, found = self._watch.again(policy.number)
        return None if found is None else self.of(found, head)

    def of(self, policy: KeptPolicy, head: Block) -> DueAction | None:
        """What is due with it in a block after `head`."""
        if policy.payout < self._least:
            return None
        now_s = head.timestamp_s
        answer = self._answer(policy, head) if policy.may_check(now_s) else None
        makes_claim = policy.rule.makes_claim(answer, now_s)
        action = next_action(policy.life, now_s=now_s, margin_s=self._margin_s, makes_claim=makes_claim)
        return None if action is None else DueAction(policy, action)

    def _answer(self, policy: KeptPolicy, head: Block) -> FeedAnswer | None:
        try:
            return self._reader.feed_answer(policy.feed, head.number)
        except ReadingError as error:
            # Anybody writes feeds: one that no node can read must not stop the other policies.
            name = format_policy_id(policy.number)
            log.warning("unread policy=%s feed=%s reason=%s", name, policy.feed, error)
            return None


class ParametricKeeper:
    """Does what anyone may do as soon as it may be done, each policy by itself."""

    def __init__(self, due: DueActions, sender: PolicySender) -> None:
        self._due, self._sender = due, sender
        self._told: set[tuple[int, Action]] = set()

    def round(self) -> Round:
        """One round. Raises ChainError of either tree; what was signed until then is in the journal."""
        done = Round()
        for key in self._sender.unfinished():
            log.info("resuming key=%s", key)
            self._finish(key, done)
        head, policies = self._due.live()
        done.watched = len(policies)
        for policy in policies:
            due = self._due.of(policy, head)
            while due is not None and self._act(due, done):
                due = self._due.again(policy)  # a claim approved is a claim to be settled
        return done

    def _act(self, due: DueAction, done: Round) -> bool:
        """Whether it was done, so that the next thing may be due."""
        try:
            acted = self._sender.act(due.policy.number, due.action)
        except (GasTooHighError, RpcAnswerError, SimulationRevertedError, GivenUpError) as error:
            # What a feed does to a call need not end in a revert, and must not stop the other policies.
            self._leave(due, str(error), done)
            return False
        except TransactionRevertedError as error:
            done.failed += 1
            _say_reverted(error)
            return False
        _tell(acted, done)
        return acted.over

    def _leave(self, due: DueAction, reason: str, done: Round) -> None:
        done.failed += 1
        told = (due.policy.number, due.action)
        if told not in self._told:
            self._told.add(told)
            name = format_policy_id(due.policy.number)
            log.error("left policy=%s action=%s reason=%s", name, due.action, reason)

    def _finish(self, key: str, done: Round) -> None:
        try:
            _tell(self._sender.resume(key), done)
        except TransactionRevertedError as error:
            _say_reverted(error)
        except (GasTooHighError, RpcAnswerError, SimulationRevertedError) as error:
            log.warning("not signed key=%s reason=%s", key, error)  # if it is still due, it is tried again


def _tell(acted: Acted, done: Round) -> None:
    if acted.tx_hash is None:
        done.by_others += 1
        return
    done.transactions.append(acted.tx_hash)
    done.acted[acted.action] += 1
    log.info("done policy=%s action=%s tx=%s", format_policy_id(acted.number), acted.action, acted.tx_hash)


def _say_reverted(error: TransactionRevertedError) -> None:
    log.error("reverted key=%s tx=%s reason=%s", error.key, error.tx_hash, error.reason)
