"""`ape run bond confirm`, `refund` and `claim`: the ends of a lock."""

from __future__ import annotations

import pytest
from bond_world import BOND, CLIENT, PAYMENT, SETTLER, BondWorld
from liqpass.domain.x402.insured_payment import PaymentStatus
from operator_world import DEPLOYER, STRANGER, transaction_in

UNKNOWN = "0x" + "7f" * 32
MINUTES_5_S = 300


def test_confirm__one__unlocks_all_of_it(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    before = bonds.held()

    result = bonds.ape("confirm", commitment)

    assert transaction_in(result)
    assert f"{commitment} is confirmed" in result.output
    assert bonds.status_of(commitment) == PaymentStatus.CONFIRMED
    assert bonds.stats == (BOND, 0, BOND)
    assert bonds.held() == before


def test_confirm__many__in_one_transaction(bonds: BondWorld) -> None:
    commitments = [bonds.cover(number) for number in (1, 2, 3)]
    before = bonds.world.nonces()

    result = bonds.ape("confirm", *commitments)

    assert transaction_in(result)
    assert [bonds.status_of(each) for each in commitments] == [PaymentStatus.CONFIRMED] * 3
    assert sum(bonds.world.nonces()) - sum(before) == 1


def test_confirm__in_capitals_and_twice__is_one_payment(bonds: BondWorld) -> None:
    commitment = bonds.cover(0x1A)

    result = bonds.ape("confirm", "0x" + commitment[2:].upper(), commitment)

    transaction = bonds.world.web3.eth.get_transaction(transaction_in(result))
    function, inputs = bonds.insurance.decode_function_input(transaction["input"])
    assert function.fn_name == "confirmService"
    assert inputs == {"requestCommitment": bytes.fromhex(commitment[2:]), "signature": b""}


def test_confirm__more_than_a_transaction_takes__in_two(bonds: BondWorld) -> None:
    commitments = [bonds.cover(number, amount=1) for number in range(1, 102)]
    before = bonds.world.nonces()

    result = bonds.ape("confirm", *commitments)

    assert transaction_in(result)
    assert {bonds.status_of(each) for each in commitments} == {PaymentStatus.CONFIRMED}
    assert sum(bonds.world.nonces()) - sum(before) == 2


def test_confirm__delivery_key__may(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.ape("set-delivery-key", bonds.world.address(STRANGER))

    assert transaction_in(bonds.ape("confirm", commitment, account=STRANGER))
    assert bonds.status_of(commitment) == PaymentStatus.CONFIRMED


def test_confirm__one_too_late__keeps_the_other_from_nothing(bonds: BondWorld) -> None:
    late, early = bonds.cover(1), bonds.cover(2, minutes=60)
    bonds.pass_time(MINUTES_5_S + 60)

    result = bonds.ape("confirm", late, early)

    assert result.exit_code == 1
    assert f"{late}: its deadline was 20" in result.output
    assert f"{early} is confirmed" in result.output
    assert [bonds.status_of(each) for each in (late, early)] == [PaymentStatus.OPEN, PaymentStatus.CONFIRMED]


def test_confirm__confirmed_before__the_other_is(bonds: BondWorld) -> None:
    first, second = bonds.cover(1), bonds.cover(2)
    bonds.ape("confirm", first)

    result = bonds.ape("confirm", first, second)

    assert transaction_in(result)
    assert f"{first}: it is confirmed already" in result.output
    assert bonds.status_of(second) == PaymentStatus.CONFIRMED


def test_confirm__nothing_left__is_refused(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.ape("confirm", commitment)

    bonds.refused("all of it is confirmed already", "confirm", commitment)


@pytest.mark.parametrize("account", [CLIENT, SETTLER, STRANGER])
def test_confirm__not_the_provider__is_refused(bonds: BondWorld, account: int) -> None:
    commitment = bonds.cover(1)

    words = f"{bonds.world.address(account)} is neither the provider {bonds.provider} nor its delivery key"
    bonds.refused(words, "confirm", commitment, account=account)


def test_confirm__too_late__is_refused(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.pass_time(MINUTES_5_S + 1)

    bonds.refused(f"{commitment}: its deadline was 20", "confirm", commitment)


@pytest.mark.parametrize("command", ["confirm", "refund", "claim"])
def test_ends__unknown_commitment__is_refused(bonds: BondWorld, command: str) -> None:
    bonds.refused(f"{UNKNOWN} was never insured here", command, UNKNOWN)


@pytest.mark.parametrize("command", ["confirm", "refund", "claim"])
def test_ends__no_commitment__is_refused(bonds: BondWorld, command: str) -> None:
    before = bonds.world.nonces()

    results = [bonds.ape(command), bonds.ape(command, "0x12")]

    assert [each.exit_code for each in results] == [2, 2]
    assert "not a commitment, 0x and 64 hex digits: '0x12'" in results[1].output
    assert bonds.world.nonces() == before


@pytest.mark.parametrize("command", ["confirm", "refund"])
def test_ends__paused__go_on(bonds: BondWorld, command: str) -> None:
    commitment = bonds.cover(1)
    bonds.pause()

    assert transaction_in(bonds.ape(command, commitment))


@pytest.mark.parametrize("command", ["confirm", "refund"])
def test_ends__dry_run__sends_nothing(bonds: BondWorld, command: str) -> None:
    commitment = bonds.cover(1)
    before = bonds.world.nonces()

    result = bonds.ape(command, commitment, "--dry-run")

    assert result.exit_code == 0, result.output
    assert f"{command} 1 payment of 0.10 USDC in all: would send" in result.output
    assert "dry run: nothing was sent" in result.output
    assert bonds.world.nonces() == before


def test_refund__open__pays_the_client_without_penalty(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    before = bonds.held()

    result = bonds.ape("refund", commitment)

    assert transaction_in(result)
    assert f"0.10 USDC to client {bonds.client}" in result.output
    assert bonds.status_of(commitment) == PaymentStatus.REFUNDED
    assert bonds.stats == (BOND - PAYMENT, 0, BOND - PAYMENT)
    moved = {account: held - before[account] for account, held in bonds.held().items()}
    assert moved == dict.fromkeys(before, 0) | {bonds.client: PAYMENT, bonds.insurance.address: -PAYMENT}


def test_refund__settler__may(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.ape("set-settler", bonds.world.address(SETTLER))

    assert transaction_in(bonds.ape("refund", commitment, account=SETTLER))


@pytest.mark.parametrize("account", [CLIENT, SETTLER, STRANGER])
def test_refund__not_the_provider__is_refused(bonds: BondWorld, account: int) -> None:
    commitment = bonds.cover(1)

    words = f"{bonds.world.address(account)} is neither the provider {bonds.provider} nor one of its settlers"
    bonds.refused(words, "refund", commitment, account=account)


def test_refund__ended_or_late__is_refused(bonds: BondWorld) -> None:
    ended, late = bonds.cover(1), bonds.cover(2)
    bonds.ape("confirm", ended)
    bonds.pass_time(MINUTES_5_S + 1)

    bonds.refused(f"{ended} is confirmed already", "refund", ended)
    bonds.refused("the client's claim is due now", "refund", late)


@pytest.mark.parametrize("account", [CLIENT, STRANGER])
def test_claim__due__pays_the_client_whoever_sends_it(bonds: BondWorld, account: int) -> None:
    commitment = bonds.cover(1)
    bonds.pass_time(MINUTES_5_S + 1)
    before = bonds.held()

    result = bonds.ape("claim", commitment, account=account)

    assert transaction_in(result)
    assert bonds.status_of(commitment) == PaymentStatus.CLAIMED
    assert bonds.stats == (BOND - 102_000, 0, BOND - 102_000)
    assert bonds.insurance.functions.penalties().call() == 2_000
    moved = {account: held - before[account] for account, held in bonds.held().items()}
    assert moved == dict.fromkeys(before, 0) | {bonds.client: PAYMENT, bonds.insurance.address: -PAYMENT}


def test_claim__many__in_one_transaction(bonds: BondWorld) -> None:
    commitments = [bonds.cover(number) for number in (1, 2)]
    bonds.pass_time(MINUTES_5_S + 1)
    before = bonds.world.nonce(CLIENT)

    result = bonds.ape("claim", *commitments, account=CLIENT)

    assert transaction_in(result)
    assert [bonds.status_of(each) for each in commitments] == [PaymentStatus.CLAIMED] * 2
    assert bonds.world.nonce(CLIENT) - before == 1


def test_claim__client_that_usdc_refuses__waits_as_a_credit(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.pass_time(MINUTES_5_S + 1)
    bonds.deny(bonds.client)

    result = bonds.ape("claim", commitment, account=STRANGER)

    assert transaction_in(result)
    assert "it will wait as a credit, for `ape run bond withdraw-credit` or `pay-credit`" in result.output
    assert bonds.insurance.functions.credit(bonds.client).call() == PAYMENT


def test_claim__not_due_or_ended__is_refused(bonds: BondWorld) -> None:
    open_one, ended = bonds.cover(1), bonds.cover(2)
    bonds.ape("confirm", ended)

    bonds.refused(f"{open_one}: it can be claimed after 20", "claim", open_one, account=CLIENT)
    bonds.refused(f"{ended}: it is confirmed already", "claim", ended, account=CLIENT)


def test_claim__claimed_before__is_refused(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.pass_time(MINUTES_5_S + 1)
    bonds.ape("claim", commitment, account=CLIENT)

    bonds.refused("all of it is claimed already", "claim", commitment, account=STRANGER)


def test_confirm__usdc_paused__goes_on(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.world.send(bonds.world.usdc.functions.pause(), DEPLOYER)

    assert transaction_in(bonds.ape("confirm", commitment))
