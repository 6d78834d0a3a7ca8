"""A token that calls back, in USDC's place. Circle's does not, but USDC is upgradeable.

Of the vault only: paying at Checkout changes no state, so that there is nothing to see half done."""

import pytest
from reverts import reverts_with

VAULT_CALLS = ("fund", "sweep", "executeBatch", "rescue")


def calling_back(target, data):
    """Code that answers every call by calling `target` with `data`: bubbles its revert, else returns true."""
    size = len(data).to_bytes(2, "big").hex()
    head = (
        f"61{size}61003a5f39"  # codecopy(0, tail, size)
        f"5f5f61{size}5f5f73{target.address[2:]}5af1"  # call(gas, target, 0, 0, size, 0, 0)
        "61003157"  # succeeded? go on at 0x31
        "3d5f5f3e3d5ffd"  # else revert with what came back
        "5b60015f5260205ff3"  # return 1
    )
    assert len(head) // 2 == 0x3A
    return bytes.fromhex(head) + bytes(data)


@pytest.fixture
def vault_calls(vault, approved_batch, usdc, stranger):
    return {
        "fund": (1,),
        "sweep": (),
        "executeBatch": approved_batch.execution(),
        "rescue": (stranger, stranger, 1),
    }


@pytest.mark.parametrize("inner", VAULT_CALLS)
@pytest.mark.parametrize("outer", ["fund", "sweep", "executeBatch"])
def test_vault__token_calls_back__reverts(outer, inner, vault, vault_calls, usdc, payer, chain):
    data = getattr(vault, inner).encode_input(*vault_calls[inner])
    chain.provider.set_code(usdc.address, calling_back(vault, data))

    with reverts_with(vault.ReentrancyGuardReentrantCall):
        getattr(vault, outer)(*vault_calls[outer], sender=payer)


def test_rescue__token_calls_back__reverts(vault, other_token, config, stranger, delayed, chain):
    chain.provider.set_code(other_token.address, calling_back(vault, vault.fund.encode_input(1)))

    with reverts_with(vault.ReentrancyGuardReentrantCall):
        delayed(vault, "rescue", other_token, stranger, 1, sender=config)
