"""A token that calls back, in USDC's place. Circle's does not, but USDC is upgradeable.

Of the vault only: paying at Checkout changes no state, so that there is nothing to see half done."""

import pytest
from calling_back import calling_back
from reverts import reverts_with

VAULT_CALLS = ("fund", "sweep", "executeBatch", "rescue")


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
