"""`ape run checkout pay`: three ways to pay, each once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from batch_builder import NOW_S
from click.testing import Result
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.quote import order_id
from operator_world import BUYER, ONE_USDC, RELAYER, STRANGER, TREASURY, World, transaction_in
from web3.logs import DISCARD

UUID = "5b0cba58-1c22-4c33-8d44-1234567890ab"
QUOTE_HASH = "0x" + "9a" * 32
WAYS = {
    "approve and pay": [],
    "permit": ["--permit"],
    "gasless": ["--gasless", "--relayer", f"TEST::{RELAYER}"],
}


def pay(world: World, *options: str, account: int = BUYER, amount: str = "1.00", **where: Any) -> Result:
    """The command with the order's values as options."""
    terms = ["--order", UUID, "--amount", amount, "--quote-hash", QUOTE_HASH]
    return world.ape("checkout", "pay", *terms, "--account", f"TEST::{account}", *options, **where)


def quote_file(world: World, **changes: Any) -> Path:
    """What `liqpass order bind --json` prints, as far as it is read."""
    answer = {
        "orderId": UUID,
        "orderHash": format_bytes32(order_id(UUID)),
        "buyer": world.address(BUYER),
        "chainId": 31337,
        "checkout": world.checkout.address,
        "premiumUsdc": "1.00",
        "quoteHash": QUOTE_HASH,
        "validUntil": "2026-09-23T00:00:00Z",
    } | changes
    path = world.folder / "order.json"
    path.write_text(json.dumps(answer))
    return path


def pay_quote(world: World, *options: str, account: int = BUYER, **changes: Any) -> Result:
    file = str(quote_file(world, **changes))
    return world.ape("checkout", "pay", "--quote", file, "--account", f"TEST::{account}", *options)


@pytest.mark.parametrize("way", WAYS)
def test_pay__each_way__moves_the_premium_once(world: World, way: str) -> None:
    treasury = world.address(TREASURY)
    before = world.balance(treasury)

    first = pay(world, *WAYS[way])
    sent = world.nonces()
    second = pay(world, *WAYS[way])

    transaction = transaction_in(first)
    receipt = world.web3.eth.get_transaction_receipt(transaction)
    event = world.checkout.events.PremiumPaid().process_receipt(receipt, errors=DISCARD)[0]["args"]
    assert dict(event) == {
        "orderId": order_id(UUID),
        "payer": world.address(BUYER),
        "amount": ONE_USDC,
        "quoteHash": bytes.fromhex(QUOTE_HASH[2:]),
        "treasury": treasury,
    }
    assert transaction_in(second) == transaction
    assert "paid already" in second.output
    assert world.nonces() == sent
    assert world.balance(treasury) - before == ONE_USDC
    assert world.balance(world.address(BUYER)) == 0
    assert world.usdc.functions.allowance(world.address(BUYER), world.checkout.address).call() == 0


def test_pay__gasless__the_buyer_sends_nothing(world: World) -> None:
    before = world.nonce(BUYER)

    result = pay_quote(world, *WAYS["gasless"])

    assert world.web3.eth.get_transaction(transaction_in(result))["from"] == world.address(RELAYER)
    assert world.nonce(BUYER) == before


def test_pay__another_way_after_the_first__is_the_same_payment(world: World) -> None:
    first = pay(world)

    second = pay(world, "--permit")

    assert transaction_in(second) == transaction_in(first)


@pytest.mark.parametrize("way", WAYS)
def test_pay__autosign_of_test_accounts__pays(world: World, way: str) -> None:
    treasury = world.address(TREASURY)
    before = world.balance(treasury)

    result = pay(world, *WAYS[way], "--autosign")

    assert transaction_in(result)
    assert world.balance(treasury) - before == ONE_USDC


@pytest.mark.parametrize(
    "options",
    [["--permit", "--gasless"], ["--gasless", "--permit"], ["--permit", "--gasless", "--relayer", "TEST::7"]],
)
def test_pay__two_ways_at_once__are_refused(world: World, options: list[str]) -> None:
    before = world.nonces()

    result = pay(world, *options)

    assert result.exit_code == 2
    assert "give either --permit or --gasless" in result.output
    assert world.nonces() == before


@pytest.mark.parametrize("way", WAYS)
def test_pay__dry_run__sends_nothing(world: World, way: str) -> None:
    before = world.nonces()

    result = pay(world, *WAYS[way], "--dry-run")

    assert result.exit_code == 0, result.output
    assert "would send" in result.output
    assert "dry run: nothing was sent" in result.output
    assert world.nonces() == before


@pytest.mark.parametrize(
    ("changes", "account", "words"),
    [
        ({}, STRANGER, "a payment by 0x"),
        ({"chainId": 8453}, BUYER, "the quote is for chain 8453, this is chain 31337"),
        ({"checkout": "0x" + "c1" * 20}, BUYER, "the quote is for Checkout 0xc1c1"),
        ({"validUntil": "2026-01-01T00:00:00Z"}, BUYER, "the quote ended at 1767225600"),
        ({"premiumUsdc": "2.00"}, BUYER, "holds 1.00 USDC, the premium is 2.00"),
        ({"orderHash": "0x" + "11" * 32}, BUYER, "orderHash is not that of order"),
        ({"quoteHash": None}, BUYER, "is not the JSON of a bound order"),
    ],
    ids=["buyer", "chain", "checkout", "deadline", "balance", "order hash", "unbound"],
)
def test_pay__quote_that_does_not_fit__is_refused(
    world: World, changes: dict[str, Any], account: int, words: str
) -> None:
    before = world.nonces()

    result = pay_quote(world, account=account, **changes)

    assert result.exit_code == 1
    assert words in result.output
    assert "nothing was sent" in result.output
    assert world.nonces() == before


def test_pay__checkout_paused__is_refused(world: World) -> None:
    world.send(world.checkout.functions.pause(), 2)
    before = world.nonces()

    result = pay(world)

    assert (result.exit_code, world.nonces()) == (1, before)
    assert "Checkout is paused" in result.output


def test_pay__wrong_network__is_refused(world: World) -> None:
    result = pay(world, network="base:sepolia")

    assert result.exit_code == 1
    assert "Error: Provider connected to chain ID '31337', which does not match" in result.output


def test_pay__record_of_another_chain__is_refused(world: World) -> None:
    path = world.folder / "deployments" / "local.json"
    record = json.loads(path.read_text())
    before = world.nonces()

    path.write_text(json.dumps(record | {"chainId": 8453}))
    wrong_id = pay(world)
    path.write_text(json.dumps(record | {"genesisHash": "0x" + "00" * 32}))
    wrong_genesis = pay(world)
    path.unlink()
    missing = pay(world)

    assert [each.exit_code for each in (wrong_id, wrong_genesis, missing)] == [1, 1, 1]
    assert "the node serves chain 31337" in wrong_id.output
    assert "is of another chain" in wrong_genesis.output
    assert "there is no deployment record" in missing.output
    assert world.nonces() == before


@pytest.mark.parametrize(
    "options",
    [["--gasless"], ["--relayer", "TEST::7"], ["--safe", "x.json"]],
    ids=["no relayer", "relayer alone", "safe without its address"],
)
def test_pay__options_that_do_not_fit__are_refused(world: World, options: list[str]) -> None:
    before = world.nonces()

    result = pay(world, *options)

    assert result.exit_code == 2
    assert world.nonces() == before


def test_pay__without_terms_or_account__is_refused(world: World) -> None:
    no_terms = world.ape("checkout", "pay", "--account", f"TEST::{BUYER}")
    no_account = world.ape("checkout", "pay", "--order", UUID, "--amount", "1", "--quote-hash", QUOTE_HASH)
    zero = pay(world, amount="0")

    assert [each.exit_code for each in (no_terms, no_account, zero)] == [2, 2, 2]


def test_pay__time_of_the_story__is_before_the_quotes_end() -> None:
    assert NOW_S < 1_790_121_600  # 2026-09-23T00:00:00Z
