"""What ape 0.8.51 asks its own node with each transaction, although only ape could have changed it.

For the tests only, and only for a node that ape started: nobody else knows its port. What a transaction did
(its receipt, its logs, its revert, the nonce and the balances after it) always comes from the node.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Any
from weakref import WeakKeyDictionary

from ape.api import ReceiptAPI
from ape.contracts.base import ContractMethodHandler
from ape_ethereum.provider import Web3Provider
from ape_foundry.provider import FoundryProvider

_KEPT_STATES = 500  # as many as anvil has in memory before it writes the older ones to disk
_ask_auto_mine = FoundryProvider.auto_mine.fget
_ask_base_fee = Web3Provider.base_fee.fget
_ask_max_gas = Web3Provider.max_gas.fget
_ask_priority_fee = Web3Provider.priority_fee.fget
_ask_whether_contract = ContractMethodHandler._validate_is_contract
_await_nonce = ReceiptAPI._await_sender_nonce_increment
_build_command = FoundryProvider.build_command
_restore = FoundryProvider.restore
_set_auto_mine = FoundryProvider.auto_mine.fset
_set_block_gas_limit = FoundryProvider.set_block_gas_limit
_set_code = FoundryProvider.set_code


@dataclass(frozen=True)
class _Answers:
    """What one node said."""

    settings: dict[str, Any] = field(default_factory=dict)
    contracts: set[str] = field(default_factory=set)


_answers: WeakKeyDictionary[Popen[bytes], _Answers] = WeakKeyDictionary()


def pytest_configure() -> None:
    """Ask less, for every provider of this process."""
    FoundryProvider.build_command = _command_without_states_on_disk
    FoundryProvider.auto_mine = property(_kept("auto_mine", _ask_auto_mine), _set_auto_mine_and_forget)
    FoundryProvider.max_gas = property(_kept("max_gas", _ask_max_gas))
    FoundryProvider.set_block_gas_limit = _set_block_gas_limit_and_forget
    FoundryProvider.priority_fee = property(_kept("priority_fee", _ask_priority_fee))
    FoundryProvider.base_fee = property(_known_base_fee)
    FoundryProvider.set_code = _set_code_and_forget
    FoundryProvider.restore = _restore_and_forget
    ContractMethodHandler._validate_is_contract = _ask_once_whether_contract
    ReceiptAPI._await_sender_nonce_increment = _await_nonce_unless_mined


def _answers_of(provider: Any) -> _Answers | None:
    """What the provider's own node said; None if others may change it too."""
    process = getattr(provider, "process", None)
    return None if process is None else _answers.setdefault(process, _Answers())


def _command_without_states_on_disk(provider: FoundryProvider) -> list[str]:
    """The node's command, with the history that it keeps in memory only.

    anvil writes every older state to disk, those too that the end of a test reverted, and mines nothing
    meanwhile: after some hundred tests that takes longer than all else, and gigabytes stay behind.
    """
    return [*_build_command(provider), "--prune-history", str(_KEPT_STATES)]


def _kept(name: str, ask: Callable[[FoundryProvider], Any]) -> Callable[[FoundryProvider], Any]:
    """The node's first answer."""

    def answer(provider: FoundryProvider) -> Any:
        answers = _answers_of(provider)
        if answers is None:
            return ask(provider)
        if name not in answers.settings:
            answers.settings[name] = ask(provider)
        return answers.settings[name]

    return answer


def _forget(provider: FoundryProvider, name: str) -> None:
    answers = _answers_of(provider)
    if answers is not None:
        answers.settings.pop(name, None)


def _forget_contracts(provider: FoundryProvider) -> None:
    answers = _answers_of(provider)
    if answers is not None:
        answers.contracts.clear()


def _set_auto_mine_and_forget(provider: FoundryProvider, on: bool) -> None:
    _set_auto_mine(provider, on)
    _forget(provider, "auto_mine")


def _set_block_gas_limit_and_forget(provider: FoundryProvider, gas_limit: int) -> bool:
    done: bool = _set_block_gas_limit(provider, gas_limit)
    _forget(provider, "max_gas")
    return done


def _known_base_fee(provider: FoundryProvider) -> int:
    """0 if the node was started with 0: anvil takes that for a constant. Otherwise each block has its own."""
    if _answers_of(provider) is not None and provider.settings.base_fee == 0:
        return 0
    fee: int = _ask_base_fee(provider)
    return fee


def _set_code_and_forget(provider: FoundryProvider, address: str, code: Any) -> bool:
    done: bool = _set_code(provider, address, code)
    _forget_contracts(provider)
    return done


def _restore_and_forget(provider: FoundryProvider, snapshot_id: Any) -> bool:
    """What was deployed after the snapshot is gone."""
    done: bool = _restore(provider, snapshot_id)
    _forget_contracts(provider)
    return done


def _ask_once_whether_contract(handler: ContractMethodHandler) -> None:
    """Raises ape's ContractNotFoundError. No transaction takes code away (EIP-6780)."""
    answers = _answers_of(handler.provider)
    if answers is None:
        _ask_whether_contract(handler)
    elif handler.contract.address not in answers.contracts:
        _ask_whether_contract(handler)
        answers.contracts.add(handler.contract.address)


def _await_nonce_unless_mined(receipt: ReceiptAPI) -> None:
    """The node gave a receipt with a block: the sender's nonce has gone up in it."""
    if _answers_of(receipt.provider) is None or receipt.block_number < 0:
        _await_nonce(receipt)
