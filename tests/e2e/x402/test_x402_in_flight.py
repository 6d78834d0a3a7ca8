"""Attacks while a settlement waits for its block: nobody is paid without a lock, or served twice for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from in_flight import FIRST, USED, asks, first, held, index_and_status, reason, waiting
from insured_world import (
    BOND,
    CLIENT,
    DEPLOYER,
    LOCK,
    PRICE,
    PROVIDER,
    SETTLER,
    STRANGER,
    InsuredWorld,
    Running,
)
from shop import Shop, over_http
from stray_payments import found, settling, straight
from x402 import x402ClientSync
from x402.http.clients import x402_requests


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsuredWorld]:
    """A chain of its own: blocks come when the test says so."""
    with InsuredWorld.open(tmp_path_factory.mktemp("in-flight")) as opened:
        yield opened


@pytest.fixture(scope="module")
def facilitator(world: InsuredWorld) -> Iterator[Running]:
    with world.facilitator("one") as running:
        yield running


def test_settle__same_calldata_from_a_stranger_first__only_ours_settles(
    world: InsuredWorld, facilitator: Running
) -> None:
    payload = world.payment(world.requirements())
    (client, provider, address, (bond, locked)), sent = held(world), world.sent()
    with waiting(world, asks(facilitator, world, payload)) as answer:
        copy = world.web3.eth.send_transaction(
            {
                "from": world.address(STRANGER),
                "to": world.insurance.address,
                "data": settling(world, payload),
                **FIRST,
            }
        )

    assert index_and_status(world, copy) == (0, 0)
    assert answer.result().json()["success"] is True
    assert held(world) == (client - PRICE, provider + PRICE, address, (bond, locked + LOCK))
    assert (world.sent(), len(world.locks(world.commitment(payload)))) == (sent + 1, 1)


def test_settle__authorization_used_straight_first__refused_shown_and_never_settled(
    world: InsuredWorld, facilitator: Running
) -> None:
    payload = world.payment(world.requirements())
    (client, provider, address, bond), sent = held(world), world.sent()
    with waiting(world, asks(facilitator, world, payload)) as answer:
        taken = first(world, straight(world, payload), STRANGER)

    assert index_and_status(world, taken) == (0, 1)
    assert reason(answer.result()) == "transaction_failed"
    assert held(world) == (client - PRICE, provider, address + PRICE, bond)
    assert (world.sent(), world.locks(world.commitment(payload))) == (sent + 1, [])
    assert reason(asks(facilitator, world, payload)()) == USED
    assert (world.sent(), held(world)) == (sent + 1, (client - PRICE, provider, address + PRICE, bond))
    lines = facilitator.log.read_text().splitlines()
    assert any("FiatTokenV2: authorization is used or canceled" in line for line in lines)
    ((stray,),) = [each["strays"] for each in found(world)["addresses"]]
    nonce = payload.payload["authorization"]["nonce"]
    assert (stray["leftUsdc"], stray["authorization"]) == ("0.10", nonce)


def revoke_the_settler(world: InsuredWorld) -> tuple[Any, int]:
    return world.insurance.functions.setSettler(world.address(SETTLER), False), PROVIDER


def name_it_again(world: InsuredWorld) -> tuple[Any, int]:
    return world.insurance.functions.setSettler(world.address(SETTLER), True), PROVIDER


def withdraw_the_bond(world: InsuredWorld) -> tuple[Any, int]:
    bond, locked = world.bond_of(PROVIDER)
    return world.insurance.functions.withdrawBond(bond - locked), PROVIDER


def deposit_it_again(world: InsuredWorld) -> tuple[Any, int]:
    amount = BOND - world.bond_of(PROVIDER)[0]
    world.send(world.usdc.functions.approve(world.insurance.address, amount), PROVIDER)
    return world.insurance.functions.depositBond(amount), PROVIDER


def pause(world: InsuredWorld) -> tuple[Any, int]:
    return world.insurance.functions.pause(), DEPLOYER


def unpause(world: InsuredWorld) -> tuple[Any, int]:
    return world.insurance.functions.unpause(), DEPLOYER


def spend_the_money(world: InsuredWorld) -> tuple[Any, int]:
    return world.usdc.functions.transfer(world.address(STRANGER), world.balance(CLIENT)), CLIENT


def give_it_back(world: InsuredWorld) -> tuple[Any, int]:
    return world.usdc.functions.transfer(world.address(CLIENT), world.balance(STRANGER)), STRANGER


@pytest.mark.parametrize(
    ("attack", "repair", "code", "told"),
    [
        (revoke_the_settler, name_it_again, "settler_not_named", "NotSettler("),
        (withdraw_the_bond, deposit_it_again, "insufficient_bond", "InsufficientBond("),
        (pause, unpause, "transaction_failed", "EnforcedPause()"),
        (
            spend_the_money,
            give_it_back,
            "invalid_exact_evm_insufficient_balance",
            "ERC20: transfer amount exceeds balance",
        ),
    ],
)
def test_settle__terms_changed_in_flight__refused_and_settled_once_when_they_are_back(
    world: InsuredWorld,
    facilitator: Running,
    attack: Callable[[InsuredWorld], tuple[Any, int]],
    repair: Callable[[InsuredWorld], tuple[Any, int]],
    code: str,
    told: str,
) -> None:
    payload = world.payment(world.requirements())
    ask = asks(facilitator, world, payload)
    (client, provider, address, (_, locked)), sent = held(world), world.sent()
    with waiting(world, ask) as answer:
        changed = first(world, *attack(world))
    void = (world.sent(), world.locks(world.commitment(payload)), world.bond_of(PROVIDER)[1])
    refused = reason(ask())
    unsent = world.sent()
    world.send(*repair(world))
    before = held(world)
    settled = ask().json()

    assert index_and_status(world, changed) == (0, 1)
    assert reason(answer.result()) == "transaction_failed"
    assert void == (sent + 1, [], locked)
    assert told in facilitator.log.read_text()
    assert (refused, unsent) == (code, sent + 1)
    assert before[:3] == (client, provider, address)
    assert (settled["success"], world.sent()) == (True, sent + 2)
    assert held(world) == (client - PRICE, provider + PRICE, address, (BOND, locked + LOCK))


@pytest.mark.parametrize(("path", "served"), [("/work", 1), ("/upfront", 0)])
def test_paid_call__authorization_used_straight_while_it_settles__no_answer_without_insurance(
    world: InsuredWorld, facilitator: Running, path: str, served: int
) -> None:
    shop = Shop(world, over_http(facilitator.url))
    client, provider, address, bond = held(world)
    wallet = world.allowed(x402ClientSync())
    with shop.serving() as url:
        # The stock client signs anew for each 402: what is on its way is in the node's own queue.
        with waiting(world, lambda: x402_requests(wallet).get(f"{url}{path}", timeout=20)) as answer:
            first(world, straight_out_of_the_queue(world), STRANGER)
        got = answer.result()

    assert (got.status_code, shop.served) == (402, served)
    assert "42" not in got.text
    assert held(world) == (client - PRICE, provider, address + PRICE, bond)


def straight_out_of_the_queue(world: InsuredWorld) -> Any:
    """What anybody makes of a settlement that waits: the client's authorization, without the lock."""
    (waits,) = world.node.rpc("txpool_content")["pending"][world.address(SETTLER).lower()].values()
    _, given = world.insurance.decode_function_input(waits["input"])
    fields = ("client", "amount", "validAfter", "validBefore", "nonce", "signature")
    signer, *terms = (given[name] for name in fields)
    return world.usdc.functions.transferWithAuthorization(signer, world.pay_to(PROVIDER), *terms)
