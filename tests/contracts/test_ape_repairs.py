"""The repairs of ape that the tests run with: nothing stale, and no provider costs the next one anything."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import ape_foundry.provider
import ape_repairs
import pytest
from ape_ethereum.transactions import TransactionType
from ape_run._cli import ScriptCommand
from eth_utils import keccak
from web3 import Web3
from web3.exceptions import TimeExhausted
from web3.providers import BaseProvider


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


class _LateReceipts(BaseProvider):
    """A node that has a receipt only when it is asked for the nth time."""

    def __init__(self, asked: int) -> None:
        super().__init__()
        self.still_unknown = asked - 1

    def make_request(self, method: Any, params: Any) -> Any:
        known = self.still_unknown == 0
        self.still_unknown -= not known
        return {"jsonrpc": "2.0", "id": 1, "result": {"status": "0x1"} if known else None}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(ape_repairs.time, "sleep", taken.append)
    return taken


def test_wait_for_a_receipt__there_when_asked_again__pauses_shortly(pauses: list[float]) -> None:
    receipt = Web3(_LateReceipts(3)).eth.wait_for_transaction_receipt("0x" + "11" * 32)

    assert receipt["status"] == 1
    assert pauses == [0.001, 0.002]


def test_wait_for_a_receipt__not_soon__pauses_as_web3_does(pauses: list[float]) -> None:
    receipt = Web3(_LateReceipts(9)).eth.wait_for_transaction_receipt("0x" + "11" * 32)

    assert receipt["status"] == 1
    assert pauses == [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.1, 0.1]


def test_wait_for_a_receipt__never_there__times_out() -> None:
    with pytest.raises(TimeExhausted):
        Web3(_LateReceipts(10**9)).eth.wait_for_transaction_receipt("0x" + "11" * 32, timeout=0.2)


def test_configuration_of_a_network__asked_again__is_the_same(networks: Any) -> None:
    first = networks.ethereum.local.config

    assert networks.ethereum.local.config is first
    assert first.get("default_provider") == "foundry"


def test_transaction_type__network_has_its_own__is_that(
    networks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecosystem = networks.ethereum
    assert ecosystem.default_transaction_type is TransactionType.DYNAMIC

    monkeypatch.setattr(ecosystem.local.config, "default_transaction_type", 0)

    assert ecosystem.default_transaction_type is TransactionType.STATIC


def test_command_of_a_script__asked_again__is_the_same_until_the_script_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "scripts" / "hello.py"
    script.parent.mkdir()
    script.write_text("answer = 42")
    monkeypatch.chdir(tmp_path)
    ape_run = ScriptCommand(name="run")
    first = ape_run.commands["hello"]
    assert ape_run.commands["hello"] is first

    os.utime(script, (1, 1))

    assert ape_run.commands["hello"] is not first


def test_command_of_a_script__does_not_compile__is_none_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "scripts" / "hello.py"
    script.parent.mkdir()
    script.write_text("answer = ")
    monkeypatch.chdir(tmp_path)
    ape_run = ScriptCommand(name="run")
    assert ape_run.commands == {}

    script.write_text("answer = 42")

    assert list(ape_run.commands) == ["hello"]


def test_keccak__asked_again__is_hashed_once_and_right() -> None:
    before = ape_repairs._hash_once.cache_info()

    hashes = {
        keccak(text) for text in (b"transfer(address,uint256)", bytearray(b"transfer(address,uint256)"))
    }

    assert {digest[:4].hex() for digest in hashes} == {"a9059cbb"}
    after = ape_repairs._hash_once.cache_info()
    assert (after.hits + after.misses) - (before.hits + before.misses) == 2
    assert after.misses - before.misses <= 1
