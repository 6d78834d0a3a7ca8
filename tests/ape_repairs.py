"""Faults of ape 0.8.51 that cost our tests most of their time, or their node, repaired for the tests only.

Users run each command in a process of its own, where they do not show. A plugin of pytest for tests of ape.
"""

from __future__ import annotations

import socket
from collections.abc import Hashable
from types import SimpleNamespace
from typing import Any

import ape_foundry.provider
from ape.api import PluginConfig, ProviderAPI
from ape_ethereum.provider import Web3Provider

_MOST_SETTINGS = 256
_settings: dict[Hashable, PluginConfig] = {}
_build_settings = ProviderAPI.settings.fget
_make_provider = Web3Provider.__new__


def pytest_configure() -> None:
    """Repair them, for every provider of this process."""
    ape_foundry.provider.random = SimpleNamespace(randint=_free_port)
    ProviderAPI.settings = property(_kept_settings)
    Web3Provider.__new__ = _make_provider_without_a_trace


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
