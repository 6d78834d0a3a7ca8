"""Two faults of ape 0.8.51 that cost our tests most of their time, repaired for the tests only.

Users run each command in a process of its own, where neither shows. A plugin of pytest for tests of ape.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ape.api import PluginConfig, ProviderAPI
from ape_ethereum.provider import Web3Provider

_MOST_SETTINGS = 256
_settings: dict[Hashable, PluginConfig] = {}
_build_settings = ProviderAPI.settings.fget
_make_provider = Web3Provider.__new__


def pytest_configure() -> None:
    """Repair both, for every provider of this process."""
    ProviderAPI.settings = property(_kept_settings)
    Web3Provider.__new__ = _make_provider_without_a_trace


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
