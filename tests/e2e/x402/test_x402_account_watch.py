"""Ether and bonds as the facilitator shows them, and when it warns."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from insured_world import BOND, POOR_PROVIDER, PROVIDER, USDC, InsuredWorld
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.x402.account_watch import Accounts, AccountWatch
from liqpass.domain.x402.insured_settlement import InsuredProvider
from liqpass.entrypoints.x402.metrics import Figures
from prometheus_client.parser import text_string_to_metric_families
from web3 import Web3

SETTLER = "0x00000000000000000000000000000000005E771e"  # nobody's: its ether is what a test gives it
LOW_WEI = 3_000_000 * 10**9  # ten settlements of 300,000 gas at 1 gwei


def watch(world: InsuredWorld, seen: list[Accounts], rpc: Web3Rpc | None = None) -> AccountWatch:
    site = world.site() if rpc is None else replace(world.site(), rpc=rpc)
    providers = [InsuredProvider(world.address(each).lower()) for each in (PROVIDER, POOR_PROVIDER)]
    return AccountWatch(site, [SETTLER], providers, max_fee_wei=10**9, on_look=seen.append)


def give(world: InsuredWorld, wei: int) -> None:
    world.node.rpc("anvil_setBalance", SETTLER, hex(wei))


def test_look__settler_and_bonds__shown_in_wei_and_usdc(world: InsuredWorld) -> None:
    seen: list[Accounts] = []
    give(world, LOW_WEI)
    _, locked = world.bond_of(PROVIDER)

    watch(world, seen).look()

    (accounts,) = seen
    provider = world.address(PROVIDER).lower()
    figures = Figures()
    figures.show(accounts)
    families = text_string_to_metric_families(figures.exposition().decode())
    shown = {
        (sample.name, *sample.labels.values()): sample.value for each in families for sample in each.samples
    }
    assert shown["liqpass_x402_settler_wei", SETTLER] == LOW_WEI
    bond = {
        kind: shown["liqpass_x402_bond_usdc", kind, provider] for kind in ("total", "locked", "available")
    }
    assert bond == {"total": BOND / USDC, "locked": locked / USDC, "available": (BOND - locked) / USDC}
    assert shown["liqpass_x402_accounts_seen_timestamp_seconds",] > 0


def test_look__ether_low__warned_once_each_time(
    world: InsuredWorld, caplog: pytest.LogCaptureFixture
) -> None:
    looking = watch(world, [])
    with caplog.at_level(logging.WARNING, "liqpass.x402"):
        for wei in (LOW_WEI, LOW_WEI - 1, 7, LOW_WEI, 7):
            give(world, wei)
            looking.look()

    said = [record.getMessage() for record in caplog.records]
    assert [line for line in said if line.startswith("ether low")] == [
        f"ether low settler={SETTLER} wei={wei} below={LOW_WEI}: top it up" for wei in (LOW_WEI - 1, 7)
    ]


def test_look__provider_names_no_settler__warned_once_each_time(
    world: InsuredWorld, caplog: pytest.LogCaptureFixture
) -> None:
    give(world, LOW_WEI)
    provider = world.address(PROVIDER)
    served = [InsuredProvider(provider.lower())]
    looking = AccountWatch(world.site(), [SETTLER], served, max_fee_wei=10**9, on_look=lambda _: None)
    name = world.insurance.functions.setSettler
    with caplog.at_level(logging.WARNING, "liqpass.x402"):
        for named in (False, False, True, False):
            world.send(name(Web3.to_checksum_address(SETTLER), named), PROVIDER)
            looking.look()

    told = f"its payments are refused until it runs `ape run bond set-settler {SETTLER}`"
    assert [record.getMessage() for record in caplog.records] == [
        f"no settler named provider={provider}: {told}"
    ] * 2


def test_look__node_away__told_and_nothing_shown(
    world: InsuredWorld, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Accounts] = []
    with caplog.at_level(logging.WARNING, "liqpass.x402"):
        watch(world, seen, Web3Rpc.connect("http://127.0.0.1:9", tries=1)).look()

    assert seen == []
    assert "accounts not seen reason=eth_getBalance: no answer after 1 tries" in caplog.text
