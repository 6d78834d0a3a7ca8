"""X402InsuranceV2 against `x402_model.py`; the invariants are numbered in README.md."""

from functools import partial
from types import SimpleNamespace

import pytest
from ape_ethereum.multicall import BaseMulticall
from campaigns import Length, run_machines
from eth_account import Account
from governance import CONFIG
from liqpass.domain.x402.insurance import Insurance
from x402_machine import OPENINGS, X402Machine

LENGTH = Length.of(runs=20, depth=12)
RICH = 10**15

OFTEN = ("settle_and_insure", "purchase_insurance", "approve_coverage", "set_settler")
SOMETIMES = (
    "deposit_bond",
    "deposit_bond_with_permit",
    "deposit_bond_with_authorization",
    "withdraw_bond",
    "announce_exit",
    "cancel_exit",
    "set_delivery_key",
    "set_payout_address",
    "confirm_by_sender",
    "confirm_by_signature",
    "confirm_services",
    "refund_service",
    "claim_insurance",
    "claim_many",
    "credited",
    "withdraw_credit",
    "pay_credit",
    "collect",
    "raise_minimum",
    "lower_minimum",
    "set_platform_penalty_rate",
    "set_default_timeout",
    "set_treasury",
    "announce_unhealthy",
    "announce_idle",
    "call_off_liquidation",
    "notice_ended_by_recovery",
    "liquidate_provider",
    "stray_authorized",
    "stray_transferred",
    "return_stray",
    "donate",
    "rescue",
    "pause",
    "unpause",
    "stop_usdc",
    "resume_usdc",
    "deny",
    "undeny",
    "pass_time",
    "pass_deadline",
    "pass_rise",
    "pass_notice",
    "pass_idle",
)
LEAST_SUCCESSES = dict.fromkeys(OFTEN, LENGTH.runs) | dict.fromkeys(SOMETIMES, LENGTH.runs // 50 or 1)
PLAYERS = (
    "provider",
    "other_provider",
    "client",
    "buyer",
    "settler",
    "relayer",
    "delivery",
    "payer",
    "funder",
    "treasury",
    "admin",
    "stranger",
    "circle",
    "guardian",
    "unpauser",
)


@pytest.fixture
def world(project, chain, clock, actors, accounts, manager, usdc, insurance, mint, delayed):
    """Contracts by name, people by address. A second holder of CONFIG acts without delay."""
    prompt = accounts.generate_test_account()
    prompt.balance = 10**20
    delayed(manager, "grantRole", CONFIG, prompt, 0, sender=actors["admin"])
    wallet = actors["deployer"].deploy(project.MockSmartWallet, actors["wallet_owner"])
    people = {name: actors[name].address for name in PLAYERS}
    providers = [people["provider"], people["other_provider"], wallet.address]
    clients = [people["client"], people["buyer"], people["other_provider"], wallet.address]
    rich = {*providers, *clients, people["stranger"]}
    for account in sorted(rich):
        mint(account, RICH)
    signers = {actors[name].address: actors[name] for name in PLAYERS} | {prompt.address: prompt}
    owner = actors["wallet_owner"]
    return SimpleNamespace(
        **people,
        config=prompt.address,
        chain=chain,
        multicall=BaseMulticall.inject(),
        clock=clock,
        usdc=usdc,
        insurance=insurance,
        identity=Insurance(chain.chain_id, insurance.address.lower()),
        wallet=wallet,
        wallet_owner=owner,
        signers=signers,
        keys={
            account.address: Account.from_key(account.private_key) for account in [*signers.values(), owner]
        },
        rich=dict.fromkeys(rich, RICH),
        providers=providers,
        clients=clients,
        settlers=[people["settler"], people["relayer"]],
        delivery_keys=[people["delivery"], people["payer"]],
        payouts=[people["funder"], people["client"]],
        treasuries=[people["treasury"], people["admin"]],
        channels={provider: insurance.paymentAddress(provider) for provider in providers},
        deniable=[*clients, *providers, people["treasury"], people["funder"], insurance.address],
    )


def test_x402__any_sequence_of_actions__keeps_the_invariants(world):
    run_machines(
        [partial(X402Machine, world, opening=opening) for opening in OPENINGS], LENGTH, LEAST_SUCCESSES
    )
