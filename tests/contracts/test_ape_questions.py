"""What ape no longer asks its own node: it keeps what the node says, and forgets it when that changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ape.exceptions import ContractNotFoundError

# What a transaction changes, or could change; a receipt is asked for until it is there.
CHANGES = {
    "eth_getTransactionCount": 1,
    "eth_getBalance": 1,
    "eth_sendRawTransaction": 1,
    "eth_getTransactionReceipt": 1,
}


@pytest.fixture
def provider(chain: Any) -> Any:
    """That of ape's own node."""
    return chain.provider


@pytest.fixture
def stranger_to_the_node(networks: Any, provider: Any) -> Any:
    """A provider of the same node, which another one started."""
    other = networks.ethereum.local.get_provider("foundry", provider_settings={"host": provider.uri})
    other.connect()
    assert other.process is None
    return other


@pytest.fixture
def asked(provider: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], dict[str, int]]:
    """asked(act): the methods that it asks the node for, and how often; a receipt counts once."""

    def count(act: Callable[[], Any]) -> dict[str, int]:
        methods: Counter[str] = Counter()
        encode = provider.web3.provider.encode_rpc_request

        def counted(method: str, params: Any) -> Any:
            methods[str(method)] += method != "eth_getTransactionReceipt" or not methods[method]
            return encode(method, params)

        with monkeypatch.context() as patch:
            patch.setattr(provider.web3.provider, "encode_rpc_request", counted)
            act()
        return dict(methods)

    return count


def test_transaction__its_contract_is_known__asks_for_what_it_changes_only(
    usdc: Any, circle: Any, buyer: Any, asked: Any
) -> None:
    usdc.mint(buyer, 1, sender=circle)

    assert asked(lambda: usdc.mint(buyer, 1, sender=circle)) == CHANGES

    assert usdc.balanceOf(buyer) == 2


def test_transaction__first_of_a_contract__asks_whether_there_is_code(
    usdc: Any, circle: Any, buyer: Any, chain: Any, asked: Any
) -> None:
    usdc.mint(buyer, 1, sender=circle)
    chain.restore(chain.snapshot())

    assert asked(lambda: usdc.mint(buyer, 1, sender=circle)) == {**CHANGES, "eth_getCode": 1}


def test_contract__deployed_after_the_snapshot__is_not_found_after_restore(
    project: Any, deployer: Any, chain: Any
) -> None:
    snapshot = chain.snapshot()
    token = deployer.deploy(project.MockUSDC)
    assert token.totalSupply() == 0

    chain.restore(snapshot)

    with pytest.raises(ContractNotFoundError):
        token.totalSupply()


def test_contract__its_code_is_taken_away__is_not_found(project: Any, deployer: Any, provider: Any) -> None:
    token = deployer.deploy(project.MockUSDC)
    assert token.totalSupply() == 0

    provider.set_code(token.address, "0x")

    with pytest.raises(ContractNotFoundError):
        token.totalSupply()


def test_contract__asked_of_a_node_that_is_not_ours__is_not_kept(
    project: Any, deployer: Any, networks: Any, provider: Any, stranger_to_the_node: Any
) -> None:
    token = deployer.deploy(project.MockUSDC)
    networks.active_provider = stranger_to_the_node
    try:
        assert token.totalSupply() == 0
        provider.set_code(token.address, "0x")

        with pytest.raises(ContractNotFoundError):
            token.totalSupply()
    finally:
        networks.active_provider = provider


def test_auto_mine__switched_off_and_on__is_seen_at_once(provider: Any, stranger_to_the_node: Any) -> None:
    assert provider.auto_mine is True

    provider.auto_mine = False
    seen = provider.auto_mine, stranger_to_the_node.auto_mine
    provider.auto_mine = True

    assert seen == (False, False)
    assert (provider.auto_mine, stranger_to_the_node.auto_mine) == (True, True)


def test_max_gas__block_gas_limit_changed__is_the_new_one(provider: Any, stranger_to_the_node: Any) -> None:
    before = provider.max_gas

    provider.set_block_gas_limit(before - 1)
    provider.mine()
    seen = provider.max_gas, stranger_to_the_node.max_gas
    provider.set_block_gas_limit(before)
    provider.mine()

    assert seen == (before - 1, before - 1)
    assert provider.max_gas == before


def test_fees__of_our_own_node__are_what_the_node_says(provider: Any, stranger_to_the_node: Any) -> None:
    assert provider.base_fee == stranger_to_the_node.base_fee == 0
    assert provider.priority_fee == stranger_to_the_node.priority_fee == 10**9


def test_base_fee__node_was_not_started_without_one__is_asked(
    provider: Any, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "provider_settings", {"base_fee": 7})

    assert "eth_feeHistory" in asked(lambda: provider.base_fee)


def test_command_of_the_node__keeps_states_in_memory_only(provider: Any) -> None:
    assert provider.build_command()[-2:] == ["--prune-history", "500"]
