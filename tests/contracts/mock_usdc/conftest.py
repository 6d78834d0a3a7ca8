"""A holder with USDC, a spender, and a smart wallet."""

import pytest

FUNDS = 1_000


@pytest.fixture
def holder(buyer, mint):
    mint(buyer, FUNDS)
    return buyer


@pytest.fixture
def spender(relayer):
    return relayer


@pytest.fixture
def wallet(project, wallet_owner, mint):
    wallet = wallet_owner.deploy(project.MockSmartWallet, wallet_owner)
    mint(wallet, FUNDS)
    return wallet
