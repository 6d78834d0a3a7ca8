"""Faults of ape 0.8.51 and of web3 that cost our tests most of their time, or their node, repaired for them.

For the tests only: users run each command in a process of its own, where they do not show. A pytest plugin.
"""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Hashable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ape_ethereum.provider
import ape_foundry.provider
import eth_hash.auto
from ape.api import NetworkAPI, PluginConfig, ProviderAPI
from ape.logging import logger
from ape_ethereum.ecosystem import Ethereum
from ape_ethereum.provider import Web3Provider
from ape_ethereum.transactions import TransactionType
from ape_run._cli import ScriptCommand
from click import Command
from web3.eth import Eth
from web3.exceptions import TransactionNotFound

_MOST_SETTINGS = 256
_FIRST_PAUSES_S = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032)
_settings: dict[Hashable, PluginConfig] = {}
_commands: dict[tuple[Path, int], Command] = {}
_configurations: dict[str, PluginConfig] = {}
_build_settings = ProviderAPI.settings.fget
_build_configuration = NetworkAPI.config.fget
_find_transaction_type = Ethereum.default_transaction_type.fget
_HASH_OF_NOTHING = eth_hash.auto.keccak(b"")  # it chooses how to hash when it hashes first
_hash = eth_hash.auto.keccak.hasher
_make_command = ScriptCommand._get_command
_make_provider = Web3Provider.__new__
_wait_for_receipt = Eth.wait_for_transaction_receipt


def pytest_configure() -> None:
    """Repair them, for every provider of this process."""
    ape_foundry.provider.random = SimpleNamespace(randint=_free_port)
    ProviderAPI.settings = property(_kept_settings)
    NetworkAPI.config = property(_kept_configuration)
    Ethereum.default_transaction_type = property(_configured_transaction_type)
    Web3Provider.__new__ = _make_provider_without_a_trace
    eth_hash.auto.keccak.hasher = _kept_hash
    ScriptCommand._get_command = _kept_command
    Eth.wait_for_transaction_receipt = _wait_with_short_pauses_first
    ape_ethereum.provider._post_send_transaction = _tell_of_the_transaction


def _free_port(_lowest: int, _highest: int) -> int:
    """A port that nobody has.

    ape draws one blindly for its node and waits 20 s for an answer. A connection that ended within the last
    minute still holds its port, and tests leave hundreds: now and then a whole group of tests was lost.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _kept_settings(provider: ProviderAPI) -> PluginConfig:
    """The settings that the provider's configuration and own settings make, built once.

    ape validates them anew, environment and all, whenever anything asks for a timeout: with every request.
    """
    config = provider.config
    key = (type(config), repr(config.model_dump()), repr(provider.provider_settings))
    if key not in _settings:
        if len(_settings) == _MOST_SETTINGS:  # each node has a URL of its own
            _settings.clear()
        _settings[key] = _build_settings(provider)
    return _settings[key]


def _kept_configuration(network: NetworkAPI) -> PluginConfig:
    """The network's configuration, validated once: ape does it for every look at a timeout or a gas limit."""
    written = network.ecosystem_config.get(network.name)
    if not isinstance(written, dict):
        return _build_configuration(network)
    key = repr(written)
    if key not in _configurations:
        _configurations[key] = _build_configuration(network)
    return _configurations[key]


def _configured_transaction_type(ecosystem: Ethereum) -> TransactionType:
    """The network's own, first: ape builds a configuration of a network that nobody has, and drops it."""
    provider = ecosystem.network_manager.active_provider
    name = provider.network.name if provider else ecosystem.default_network_name
    configured = ecosystem.get_network(name).config.get("default_transaction_type")
    return _find_transaction_type(ecosystem) if configured is None else TransactionType(configured)


def _make_provider_without_a_trace(cls: type[Web3Provider], *arguments: Any, **named: Any) -> Web3Provider:
    """A provider whose making leaves `connect` as the first one made it.

    ape wraps the class's `connect` once more for every provider that it makes, and each layer registers one
    contract again in a list that it copies: the thousandth command registers it a thousand times.
    """
    before = cls.__dict__.get("connect")
    provider = _make_provider(cls, *arguments, **named)
    if getattr(before, "__wrapped__", None) is not None:
        cls.connect = before
    return provider


def _kept_hash(preimage: bytes | bytearray) -> bytes:
    """keccak, once for each text: web3 hashes every signature of a contract's ABI for every call."""
    return _hash_once(bytes(preimage))


@functools.lru_cache(maxsize=4096)
def _hash_once(preimage: bytes) -> bytes:
    return _hash(preimage)


def _kept_command(group: ScriptCommand, script: Path) -> Command | None:
    """A script's command, made once: ape compiles and runs every script twice for each command."""
    key = (script, script.stat().st_mtime_ns)
    if key not in _commands:
        command = _make_command(group, script)
        if command is None:
            return None
        _commands[key] = command
    return _commands[key]


def _wait_with_short_pauses_first(
    eth: Eth, transaction_hash: Any, timeout: float = 120, poll_latency: float = 0.1
) -> Any:
    """The receipt soon after it is there: anvil mines within some milliseconds, web3 asks every hundred."""
    for pause_s in _FIRST_PAUSES_S:
        try:
            return eth.get_transaction_receipt(transaction_hash)
        except TransactionNotFound:
            time.sleep(pause_s)
    return _wait_for_receipt(eth, transaction_hash, timeout, poll_latency)


def _tell_of_the_transaction(_transaction: Any, receipt: Any) -> None:
    """Without a trace of each transaction that looks for `console.log`: no contract here has any."""
    logger.info(f"Confirmed {receipt.txn_hash} (total fees paid = {receipt.total_fees_paid})")
