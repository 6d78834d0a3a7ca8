"""The repairs of ape that the tests run with: nothing stale, and no provider costs the next one anything."""

from __future__ import annotations

import socket
from typing import Any

import ape_foundry.provider
import pytest


@pytest.fixture
def provider(networks: Any) -> Any:
    """One that is not connected."""
    return networks.ethereum.local.get_provider("foundry")


def test_settings__asked_again__are_the_same(provider: Any) -> None:
    first = provider.settings

    assert provider.settings is first


def test_settings__provider_settings_changed__are_new(provider: Any) -> None:
    before = provider.settings.request_timeout

    provider.provider_settings = {"request_timeout": before + 1}

    assert provider.settings.request_timeout == before + 1


def test_settings__provider_settings_changed_in_place__are_new(provider: Any) -> None:
    before = provider.settings.request_timeout

    provider.provider_settings["request_timeout"] = before + 1

    assert provider.settings.request_timeout == before + 1


def test_settings__configuration_changed__are_new(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = provider.settings.request_timeout

    monkeypatch.setattr(provider.config, "request_timeout", before + 1)

    assert provider.settings.request_timeout == before + 1


def test_settings__of_another_kind_of_provider__are_its_own(provider: Any, networks: Any) -> None:
    node = networks.ethereum.local.get_provider("node", provider_settings={"uri": "http://127.0.0.1:1"})

    assert type(node.settings) is not type(provider.settings)
    assert str(node.settings.uri) == "http://127.0.0.1:1"


def test_make_provider__again__leaves_connect_as_the_first_made_it(networks: Any) -> None:
    kind = type(networks.ethereum.local.get_provider("foundry"))
    before = kind.connect

    networks.ethereum.local.get_provider("foundry")

    assert before.__wrapped__.__qualname__ == "FoundryProvider.connect"
    assert not hasattr(before.__wrapped__, "__wrapped__")
    assert kind.connect is before


def test_port_of_a_node__drawn_one_is_held_by_an_ended_connection__another_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as ended:
            port = ended.getsockname()[1]
        accepted, _ = server.accept()
        accepted.close()  # after the other end: that one waits a minute

    drawn = ape_foundry.provider.random.randint(port, port)

    assert drawn != port
    socket.create_server(("127.0.0.1", drawn)).close()  # nobody has it
