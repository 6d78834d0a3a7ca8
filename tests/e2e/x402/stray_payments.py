"""Payments that go around the facilitator, what shows them, and CONFIG that brings them back."""

from __future__ import annotations

import json
import os
from typing import Any

from click.testing import CliRunner, Result
from insured_world import CLIENT, DEPLOYER, PROVIDER, SETTLER, STRANGER, InsuredWorld
from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.settlement_sender import settle_and_insure
from liqpass.domain.x402.insured_settlement import InsuredProvider, insured_settlement, read_authorization
from liqpass.entrypoints.cli import main
from web3 import Web3
from web3.contract import Contract
from x402.schemas import PaymentPayload

from benchmarks.artifacts import built

CONFIG = 9
CONFIG_ROLE = 1
HOURS_48_S = 172_800
MONTH_S = 30 * 86_400  # the chain's clock goes 48 hours ahead of the one that the SDK signs by
TIMEOUT_MINUTES = 5


def govern(world: InsuredWorld) -> None:
    """CONFIG may return strays, 48 hours after it said so."""
    calls = manager_of(world).functions
    returning = world.insurance.encode_abi("returnStray", [world.address(CLIENT)] * 2 + [0])[:10]
    world.send(calls.setTargetFunctionRole(world.insurance.address, [returning], CONFIG_ROLE), DEPLOYER)
    world.send(calls.grantRole(CONFIG_ROLE, world.address(CONFIG), HOURS_48_S), DEPLOYER)


def manager_of(world: InsuredWorld) -> Contract:
    return world.web3.eth.contract(
        world.insurance.functions.authority().call(), abi=abi_of("LiqPassAccessManager")
    )


def strays(world: InsuredWorld, *options: str) -> Result:
    """`liqpass x402 strays <options>`."""
    ours = {"LIQPASS_RPC_URL": world.node.url, "LIQPASS_DEPLOYMENT": str(world.folder / "local.json")}
    gone = {name: None for name in os.environ if name.startswith("LIQPASS_")}
    return CliRunner(mix_stderr=False).invoke(
        main, ["x402", "strays", *options], env=gone | ours, catch_exceptions=False
    )


def found(world: InsuredWorld, *options: str) -> dict[str, Any]:
    """What it prints as JSON; its exit code must fit."""
    result = strays(world, "--json", *options)
    answer: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (3 if answer["addresses"] else 0), result.stderr
    return answer


def left(world: InsuredWorld, *options: str) -> list[tuple[str, str]]:
    """(client, USDC left) of each stray."""
    addresses = found(world, *options)["addresses"]
    return [(stray["client"], stray["leftUsdc"]) for each in addresses for stray in each["strays"]]


def paid(world: InsuredWorld, provider: int = PROVIDER) -> PaymentPayload:
    """A stock client's payment on the usual terms, signed for a month."""
    signed = world.payment(world.requirements(provider, max_timeout_seconds=MONTH_S))
    return signed.model_copy(update={"accepted": world.requirements(provider)})


def straight(world: InsuredWorld, payload: PaymentPayload) -> Any:
    """The call of USDC that moves the payment without the facilitator."""
    signed = read_authorization(payload.payload)
    return world.usdc.functions.transferWithAuthorization(
        Web3.to_checksum_address(signed.client),
        Web3.to_checksum_address(signed.pay_to),
        signed.amount,
        signed.valid_after_s,
        signed.valid_before_s,
        signed.nonce,
        bytes.fromhex(payload.payload["signature"][2:]),
    )


def sent(world: InsuredWorld, call: Any, account: int) -> Any:
    """The receipt of a call that must work."""
    transaction = call.transact({"from": world.address(account), "gas": 16_000_000})
    receipt = world.web3.eth.wait_for_transaction_receipt(transaction)
    assert receipt["status"] == 1
    return receipt


def bring_back(world: InsuredWorld, client: str, amount: int, provider: int = PROVIDER) -> None:
    """`returnStray` by CONFIG: announced, 48 hours later executed."""
    terms = (world.address(provider), client, amount)
    data = world.insurance.encode_abi("returnStray", list(terms))
    world.send(manager_of(world).functions.schedule(world.insurance.address, data, 0), CONFIG)
    world.node.increase_time(HOURS_48_S)
    world.send(world.insurance.functions.returnStray(*terms), CONFIG)


def many(world: InsuredWorld) -> Contract:
    """A contract of a stranger's that makes several calls in one transaction."""
    artifact = built("MockMulticall3")
    factory = world.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    receipt = sent(world, factory.constructor(), STRANGER)
    return world.web3.eth.contract(receipt["contractAddress"], abi=artifact.abi)


def settle(world: InsuredWorld, payload: PaymentPayload) -> None:
    transaction = world.web3.eth.send_transaction(
        {
            "from": world.address(SETTLER),
            "to": world.insurance.address,
            "data": settling(world, payload),
            "gas": 1_000_000,
        }
    )
    assert world.web3.eth.wait_for_transaction_receipt(transaction)["status"] == 1


def settling(world: InsuredWorld, payload: PaymentPayload) -> bytes:
    """Calldata of `settleAndInsure` for it."""
    provider = InsuredProvider(world.address(PROVIDER).lower())
    signature = bytes.fromhex(payload.payload["signature"][2:])
    authorization = read_authorization(payload.payload)
    return settle_and_insure(
        insured_settlement(world.terms, provider, authorization, signature, timeout_minutes=5)
    )


def held(world: InsuredWorld) -> tuple[int, int, int, tuple[int, int]]:
    """USDC of client, payment address and provider; the provider's bond."""
    accounts = (CLIENT, world.pay_to(PROVIDER), PROVIDER)
    client, address, provider = (world.balance(account) for account in accounts)
    return client, address, provider, world.bond_of(PROVIDER)
