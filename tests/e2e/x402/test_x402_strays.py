"""Payments around the lock: they reach nobody, `liqpass x402 strays` shows them, CONFIG brings them back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from eth_utils.crypto import keccak
from insured_world import (
    BOND,
    CLIENT,
    DEPLOYER,
    LOCK,
    OTHER_PROVIDER,
    PRICE,
    PROVIDER,
    SHY_PROVIDER,
    STRANGER,
    USDC,
    InsuredWorld,
    body,
)
from liqpass.domain.money import format_usdc
from liqpass.entrypoints.answers import iso
from stray_payments import (
    CONFIG,
    HOURS_48_S,
    bring_back,
    found,
    govern,
    held,
    left,
    manager_of,
    many,
    paid,
    sent,
    settle,
    settling,
    straight,
    strays,
)
from web3 import Web3

OTHER_CLIENT = STRANGER


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsuredWorld]:
    """A chain of its own: time passes on it."""
    with InsuredWorld.open(tmp_path_factory.mktemp("strays")) as world:
        govern(world)
        yield world


@pytest.fixture
def world(governed: InsuredWorld) -> Iterator[InsuredWorld]:
    snapshot = governed.node.snapshot()
    yield governed
    governed.node.revert(snapshot)


def test_strays__authorization_used_by_a_stranger__shown_returned_and_never_served(
    world: InsuredWorld,
) -> None:
    payload, requirements = paid(world), world.requirements()
    client, address, provider, bond = held(world)
    receipt = sent(world, straight(world, payload), STRANGER)
    after = held(world)
    locks = world.locks(world.commitment(payload))
    answer = found(world)
    text = strays(world)
    with world.facilitator("around") as facilitator:
        settler = world.sent()
        refused = [facilitator.post(route, body(payload, requirements)) for route in ("/verify", "/settle")]
        sent_before = world.sent()
        bring_back(world, world.address(CLIENT), PRICE)
        again = [facilitator.post(route, body(payload, requirements)) for route in ("/verify", "/settle")]
        sent_after = world.sent()

    assert (address, bond) == (0, (BOND, 0))
    assert after == (client - PRICE, PRICE, provider, (BOND, 0))
    assert locks == []
    block = world.web3.eth.get_block(receipt["blockNumber"])
    time = iso(block["timestamp"] * 1000)
    command = (
        f"ape run bond return-stray {world.address(PROVIDER)} {world.address(CLIENT)} 0.10 "
        "--network ethereum:local:http://127.0.0.1:8545"
    )
    assert answer == {
        "fromBlock": json.loads((world.folder / "local.json").read_text())["contracts"]["X402InsuranceV2"][
            "block"
        ],
        "toBlock": block["number"],
        "toTime": time,
        "providersRead": 4,
        "addresses": [
            {
                "provider": world.address(PROVIDER),
                "paymentAddress": world.pay_to(PROVIDER),
                "balanceUsdc": "0.10",
                "differenceUsdc": "0.00",
                "strays": [
                    {
                        "client": world.address(CLIENT),
                        "amountUsdc": "0.10",
                        "leftUsdc": "0.10",
                        "transaction": Web3.to_hex(receipt["transactionHash"]),
                        "block": block["number"],
                        "time": time,
                        "authorization": payload.payload["authorization"]["nonce"],
                        "command": command,
                        "unreturnable": None,
                    }
                ],
            }
        ],
        "smaller": {"count": 0, "amountUsdc": "0.00"},
        "beforeUsdc": "0.00",
    }
    assert (text.exit_code, text.stdout.splitlines()[-1]) == (3, command)
    assert "read block=" in text.stderr
    assert [reply.json().get("invalidReason") or reply.json().get("errorReason") for reply in refused] == [
        "invalid_exact_evm_nonce_already_used"
    ] * 2
    assert [reply.json() for reply in again] == [reply.json() for reply in refused]
    assert (settler, settler) == (sent_before, sent_after)
    assert held(world) == (client, 0, provider, (BOND, 0))
    nothing = strays(world)
    assert (nothing.exit_code, nothing.stdout.splitlines()[1:]) == (0, ["no strays"])


def test_return_stray__before_the_delay_has_passed__reverts_and_it_stays(world: InsuredWorld) -> None:
    sent(world, straight(world, paid(world)), STRANGER)
    terms = (world.address(PROVIDER), world.address(CLIENT), PRICE)
    data = world.insurance.encode_abi("returnStray", list(terms))
    world.send(manager_of(world).functions.schedule(world.insurance.address, data, 0), CONFIG)
    world.node.increase_time(HOURS_48_S - 60)

    transaction = world.insurance.functions.returnStray(*terms).transact(
        {"from": world.address(CONFIG), "gas": 1_000_000}
    )

    assert world.web3.eth.wait_for_transaction_receipt(transaction)["status"] == 0
    assert left(world) == [(world.address(CLIENT), "0.10")]


def test_strays__settled_payments_only__none(world: InsuredWorld) -> None:
    settle(world, paid(world))
    settle(world, paid(world))

    assert left(world) == []
    assert world.bond_of(PROVIDER) == (BOND, 2 * LOCK)


def test_strays__settled_and_around_the_lock_in_one_transaction__the_one_without_a_lock(
    world: InsuredWorld,
) -> None:
    both = many(world)
    world.send(world.insurance.functions.setSettler(both.address, True), PROVIDER)
    insured, around = paid(world), paid(world)  # of one client, for one amount: only the nonces differ
    data = world.usdc.encode_abi("transferWithAuthorization", straight(world, around).arguments)
    calls = [(world.usdc.address, data), (world.insurance.address, settling(world, insured))]

    sent(world, both.functions.tryAggregate(True, calls), STRANGER)

    ((stray,),) = [each["strays"] for each in found(world)["addresses"]]
    assert (stray["leftUsdc"], stray["authorization"]) == (
        "0.10",
        around.payload["authorization"]["nonce"],
    )
    assert world.bond_of(PROVIDER) == (BOND, LOCK)
    assert world.balance(world.pay_to(PROVIDER)) == PRICE


def test_strays__two_clients_one_of_them_without_authorization__each_its_own(world: InsuredWorld) -> None:
    world.send(world.usdc.functions.mint(world.address(OTHER_CLIENT), USDC), DEPLOYER)
    payload = paid(world)
    sent(world, straight(world, payload), STRANGER)
    plain = world.usdc.functions.transfer(world.pay_to(PROVIDER), 250_001)
    world.send(plain, OTHER_CLIENT)
    elsewhere = world.usdc.functions.transfer(world.pay_to(OTHER_PROVIDER), 7)
    world.send(elsewhere, CLIENT)

    addresses = found(world)["addresses"]
    other = found(world, "--provider", world.address(OTHER_PROVIDER))

    shown = [
        (each["provider"], stray["client"], stray["leftUsdc"], stray["authorization"])
        for each in addresses
        for stray in each["strays"]
    ]
    assert shown == [
        (world.address(PROVIDER), world.address(CLIENT), "0.10", payload.payload["authorization"]["nonce"]),
        (world.address(PROVIDER), world.address(OTHER_CLIENT), "0.250001", None),
        (world.address(OTHER_PROVIDER), world.address(CLIENT), "0.000007", None),
    ]
    assert (other["providersRead"], [each["balanceUsdc"] for each in other["addresses"]]) == (1, ["0.000007"])
    bring_back(world, world.address(OTHER_CLIENT), 250_001)
    assert left(world, "--provider", world.address(PROVIDER)) == [(world.address(CLIENT), "0.10")]
    assert world.balance(OTHER_CLIENT) == USDC


def test_strays__returned_in_part__what_is_left_and_its_command(world: InsuredWorld) -> None:
    sent(world, straight(world, paid(world)), STRANGER)
    bring_back(world, world.address(CLIENT), PRICE - 30_000)

    result = strays(world)
    ((stray,),) = [each["strays"] for each in found(world)["addresses"]]

    assert (stray["amountUsdc"], stray["leftUsdc"]) == ("0.10", "0.03")
    assert "0.03 of 0.10  " in result.stdout
    terms = f"{world.address(PROVIDER)} {world.address(CLIENT)} 0.03"
    assert f"ape run bond return-stray {terms} --network " in result.stdout
    bring_back(world, world.address(CLIENT), 30_000)
    assert left(world) == []


def test_strays__flooded_with_nothing_and_with_dust__the_real_one_on_top_and_the_rest_counted(
    world: InsuredWorld,
) -> None:
    sent(world, straight(world, paid(world)), STRANGER)
    flood = many(world)
    world.send(world.usdc.functions.mint(flood.address, 200), DEPLOYER)
    target = world.pay_to(PROVIDER)
    data = [world.usdc.encode_abi("transfer", [target, amount]) for amount in [0] * 200 + [1] * 200]
    sent(world, flood.functions.tryAggregate(True, [(world.usdc.address, each) for each in data]), STRANGER)

    least, most, all_of_it = (
        found(world, "--least", "0.01"),
        found(world, "--most", "2"),
        found(world),
    )
    result = strays(world, "--least", "0.000002")

    for answer, shown, count, amount in (
        (least, ["0.10"], 200, "0.0002"),
        (most, ["0.10", "0.000001"], 199, "0.000199"),
        (all_of_it, ["0.10"] + ["0.000001"] * 99, 101, "0.000101"),
    ):
        (address,) = answer["addresses"]
        assert [stray["leftUsdc"] for stray in address["strays"]] == shown
        assert answer["smaller"] == {"count": count, "amountUsdc": amount}
        assert (address["balanceUsdc"], address["differenceUsdc"]) == ("0.1002", "0.00")
    assert (len(result.stdout.splitlines()), result.exit_code) == (8, 3)
    assert result.stdout.endswith("\nnot listed: 200 smaller, 0.0002 USDC in all\n")
    nothing = strays(world, "--least", "0.11")
    assert (nothing.exit_code, nothing.stdout.splitlines()[1]) == (0, "no strays")


def test_strays__of_the_provider_or_minted__no_command(world: InsuredWorld) -> None:
    target = world.pay_to(PROVIDER)
    payout = world.address(SHY_PROVIDER)
    world.send(
        world.insurance.functions.setPayoutAddress(
            payout,
        ),
        PROVIDER,
    )
    for sender in (PROVIDER, SHY_PROVIDER):
        world.send(world.usdc.functions.mint(world.address(sender), 5), DEPLOYER)
        world.send(world.usdc.functions.transfer(target, 5), sender)
    world.send(world.usdc.functions.mint(target, 6), DEPLOYER)

    result = strays(world)
    (address,) = found(world)["addresses"]

    kept = "sent by the provider or its payout address: the contract returns nothing to these"
    assert [(stray["leftUsdc"], stray["command"], stray["unreturnable"]) for stray in address["strays"]] == [
        ("0.000005", None, kept),
        ("0.000005", None, kept),
        ("0.000006", None, "minted: nobody sent it"),
    ]
    assert "ape run" not in result.stdout
    assert f"0.000005 USDC cannot go back to {payout}: {kept}\n" in result.stdout


def test_strays__from_a_block_on__older_ones_summed_up(world: InsuredWorld) -> None:
    sent(world, straight(world, paid(world)), STRANGER)
    later = world.web3.eth.block_number + 1

    before = found(world, "--from-block", str(later))
    result = strays(world, "--from-block", str(later))
    sent(world, straight(world, paid(world)), STRANGER)
    both = found(world, "--from-block", str(later))
    bring_back(world, world.address(CLIENT), PRICE - 1)  # of the older one, for all that the chain knows
    one = found(world, "--from-block", str(later))

    assert (before["fromBlock"], before["addresses"], before["beforeUsdc"]) == (later, [], "0.10")
    assert result.stdout.splitlines()[1:] == ["no strays", "", f"from before block {later}: 0.10 USDC in all"]
    assert ([len(each["strays"]) for each in both["addresses"]], both["beforeUsdc"]) == ([1], "0.10")
    assert [stray["leftUsdc"] for stray in one["addresses"][0]["strays"]] == ["0.000001"]


def test_strays__balance_that_the_logs_do_not_give__told_with_a_code(world: InsuredWorld) -> None:
    target = world.pay_to(PROVIDER)
    world.send(world.usdc.functions.mint(target, 11), DEPLOYER)
    (slot,) = [
        slot
        for slot in (keccak(bytes(12) + bytes.fromhex(target[2:]) + n.to_bytes(32, "big")) for n in range(30))
        if int.from_bytes(
            world.web3.eth.get_storage_at(world.usdc.address, int.from_bytes(slot, "big")), "big"
        )
    ]
    told = []
    for amount in (12, 10):
        word = "0x" + amount.to_bytes(32, "big").hex()
        world.node.rpc("anvil_setStorageAt", world.usdc.address, Web3.to_hex(slot), word)
        world.node.mine()
        told.append((strays(world), found(world)["addresses"][0]["differenceUsdc"]))

    assert [difference for _, difference in told] == [format_usdc(1), "-" + format_usdc(1)]
    for (result, _), word in zip(told, ("more", "less"), strict=True):
        assert result.exit_code == 3
        assert f"that is 0.000001 USDC {word} than its logs give: look into it" in result.stdout
