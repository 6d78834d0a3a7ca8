"""A keeper's calls of OpenParametric through the transaction engine, one policy and one action each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from liqpass.adapters.chain.contracts import ParametricDeployment
from liqpass.adapters.chain.engine import Engine
from liqpass.adapters.chain.errors import RpcUnavailableError
from liqpass.adapters.chain.events import OnEvent
from liqpass.adapters.chain.parametric_reader import ParametricReader
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.records import IntentState
from liqpass.adapters.chain.revert_words import our_errors
from liqpass.adapters.chain.rpc import BlockId, Rpc
from liqpass.adapters.chain.signer import Signer
from liqpass.domain.parametric.keeping import is_over
from liqpass.domain.parametric.life import Action
from liqpass.domain.parametric.policy import format_policy_id
from liqpass.ports import ChainError as ReadingError

KEY_PREFIX = "parametric/"
_FUNCTIONS = {
    Action.ACTIVATE: "activatePolicy(uint256)",
    Action.CHECK: "checkOracle(uint256)",
    Action.APPROVE: "approveClaim(uint256)",
    Action.SETTLE: "settleClaim(uint256)",
    Action.EXPIRE: "expirePolicy(uint256)",
}
# Transactions of one action on one policy. A rejected claim takes a second check; a feed that says one thing
# to a simulation and another to a transaction could take any number, at the keeper's cost.
_MOST = 4
# An honest check takes a fifth. A feed that anybody wrote could burn all that a transaction may use.
MOST_GAS = 500_000
_UNFINISHED = (IntentState.PLANNED, IntentState.SIGNED, IntentState.SENT, IntentState.SEEN)


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of one action. `tx_hash` None: nothing was sent, somebody else had done it.

    `over`: whether the policy has moved on; a check that found another reading than before leaves it.
    """

    number: int
    action: Action
    tx_hash: str | None
    over: bool


class GivenUpError(Exception):
    """Too many transactions of this action came to nothing: no other was sent."""


def call_of(action: Action, number: int) -> bytes:
    """Calldata of what a keeper may do. Raises KeyError for anything else."""
    return keccak(text=_FUNCTIONS[action])[:4] + encode(["uint256"], [number])


class PolicySender:
    """One signer's calls of one OpenParametric. Made by `open`."""

    def __init__(self, engine: Engine, reader: ParametricReader, contract: str) -> None:
        self._engine, self._journal, self._reader = engine, engine.journal, reader
        self._to = to_checksum_address(contract)
        # The journal only grows: it is read through once, not each round.
        self._unfinished = dict.fromkeys(
            intent.key
            for intent in engine.journal.intents()
            if intent.key.startswith(self._prefix) and intent.state in _UNFINISHED
        )

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        rpc: Rpc,
        signer: Signer,
        policy: Policy,
        *,
        reader: ParametricReader,
        deployment: ParametricDeployment,
        journal_folder: Path,
        on_event: OnEvent,
    ) -> Iterator[Self]:
        """With the signer's journal in that folder, closed at the end; one keeper at a time.

        Raises JournalError (JournalBusyError: another keeper runs with it), WrongChainError, RpcError.
        """
        frugal = replace(policy, max_gas=min(policy.max_gas, MOST_GAS))
        with Engine.open(
            rpc,
            signer,
            frugal,
            chain_id=deployment.chain_id,
            journal_folder=journal_folder,
            role="keeper",
            on_event=on_event,
            decode_revert=our_errors,
        ) as engine:
            yield cls(engine, reader, deployment.contract)

    def unfinished(self) -> list[str]:
        """Keys of transactions that an earlier run, or a fault, left without an end; oldest first."""
        found = ((key, self._journal.intent(key)) for key in self._unfinished)
        return [key for key, intent in found if intent is not None and intent.state in _UNFINISHED]

    def act(self, number: int, action: Action) -> Acted:
        """Do it in one transaction, or find that it is done.

        Raises what `Engine.submit` raises, and GivenUpError.
        """
        for attempt in range(_MOST):
            key = f"{self._prefix}{number}/{action}/{attempt}"
            intent = self._journal.intent(key)
            if intent is not None and intent.state is IntentState.FAILED:
                continue
            acted = self.resume(key)
            # One that had ended before may have been reorganised: then it was sent again just now. Otherwise
            # its effect is over, and the action is wanted once more.
            if acted.over or intent is None or intent.state is not IntentState.FINAL:
                return acted
        raise GivenUpError(f"{_MOST} transactions have not brought it about: do it by hand")

    def resume(self, key: str) -> Acted:
        """Bring the transaction of that key to its end: the same bytes, or its result. Raises as `act`."""
        number_text, action_text, *_ = key.removeprefix(self._prefix).split("/")
        number, action = int(number_text), Action(action_text)

        def done(block: BlockId) -> bool:
            try:
                return is_over(action, self._reader.state(number, block))
            except ReadingError as error:
                raise RpcUnavailableError(str(error)) from None  # which the engine waits out

        self._unfinished[key] = None
        outcome = self._engine.submit(
            key,
            self._to,
            call_of(action, number),
            describe=f"{action} {format_policy_id(number)}",
            done=done,
        )
        del self._unfinished[key]
        return Acted(number, action, outcome.tx_hash, done("latest"))

    @property
    def _prefix(self) -> str:
        return f"{KEY_PREFIX}{self._to}/"
