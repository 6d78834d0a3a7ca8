"""X402InsuranceV2 against `x402_model.py`; the invariants are numbered in README.md."""

import os
from collections import Counter
from functools import partial
from types import SimpleNamespace

import pytest
from ape_ethereum.multicall import BaseMulticall
from eth_account import Account
from governance import CONFIG
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from liqpass.x402.insurance import Insurance
from x402_machine import OPENINGS, X402Machine

CAMPAIGN = os.environ.get("LIQPASS_CAMPAIGN") == "1"
RUNS = int(os.environ.get("LIQPASS_CAMPAIGN_RUNS", "100")) if CAMPAIGN else 20
DEPTH = int(os.environ.get("LIQPASS_CAMPAIGN_STEPS", "60")) if CAMPAIGN else 12
EXAMPLES = max(2, RUNS // len(OPENINGS))
"""Of each opening: two at least, for Hypothesis makes the first one plain."""
ROUNDS = 4
"""Further rounds only while some action is too rare: chance alone must not fail a run."""
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
LEAST_SUCCESSES = dict.fromkeys(OFTEN, RUNS) | dict.fromkeys(SOMETIMES, RUNS // 50 or 1)
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
    successes = Counter()

    runs = 0
    for _ in range(ROUNDS):
        for opening in OPENINGS:
            run_machine(partial(X402Machine, world, successes, opening))
            runs += EXAMPLES
        if not rare(successes):
            break

    if CAMPAIGN:
        print(f"\n{runs} runs of up to {DEPTH} actions: {dict(successes.most_common())}")  # noqa: T201
    assert not rare(successes), f"too few successes: {rare(successes)} of {dict(successes)}"


def run_machine(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=DEPTH,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def rare(successes):
    """Actions that succeeded less often than they must, with their counts."""
    return {
        action: successes[action] for action, least in LEAST_SUCCESSES.items() if successes[action] < least
    }
