"""`ape run bond approve-coverage`, `set-settler`, `set-delivery-key`, `set-payout`, `exit`."""

from __future__ import annotations

from typing import Any

import pytest
from bond_world import BOND, PROVIDER, BondWorld
from operator_world import ONE_USDC, STRANGER, transaction_in
from web3.logs import DISCARD

OTHER = "0x" + "c1" * 20
MISTYPED = "0x976EA74026E726554dB657fA54763abd0C3a0aa8"  # …0aa9 has these capitals
ZERO = "0x" + "0" * 40


def event_of(bonds: BondWorld, transaction: str, name: str) -> dict[str, Any]:
    """The fields of the transaction's only event of that name."""
    receipt = bonds.world.web3.eth.get_transaction_receipt(transaction)
    (event,) = bonds.insurance.events[name]().process_receipt(receipt, errors=DISCARD)
    return dict(event["args"])


def test_approve_coverage__amount_and_time_out__are_what_the_client_may_lock(bonds: BondWorld) -> None:
    client = bonds.world.address(STRANGER)

    result = bonds.ape("approve-coverage", client, "50.00", "--max-timeout", "10")

    assert event_of(bonds, transaction_in(result), "CoverageApproved") == {
        "provider": bonds.provider,
        "client": client,
        "amount": 50 * ONE_USDC,
        "maxTimeoutMinutes": 10,
    }
    assert f"{client} could lock 0.00 USDC more" in result.output


def test_approve_coverage__zero__ends_it(bonds: BondWorld) -> None:
    result = bonds.ape("approve-coverage", bonds.client, "0", "--max-timeout", "1")

    assert transaction_in(result)
    assert bonds.insurance.functions.coverage(bonds.provider, bonds.client).call() == [0, 1]


def test_approve_coverage__used_up_and_again__is_approved_again(bonds: BondWorld) -> None:
    arguments = ("approve-coverage", bonds.client, "1.00", "--max-timeout", "60")
    bonds.ape(*arguments)
    bonds.cover(1, amount=ONE_USDC)

    result = bonds.ape(*arguments)

    assert transaction_in(result)
    assert bonds.insurance.functions.coverage(bonds.provider, bonds.client).call() == [ONE_USDC, 60]


def test_approve_coverage__the_same__is_refused(bonds: BondWorld) -> None:
    bonds.refused("it is so already", "approve-coverage", bonds.client, "90.00", "--max-timeout", "60")


@pytest.mark.parametrize("minutes", ["0", "10081"])
def test_approve_coverage__time_out_out_of_range__is_refused(bonds: BondWorld, minutes: str) -> None:
    result = bonds.ape("approve-coverage", OTHER, "1.00", "--max-timeout", minutes)

    assert result.exit_code == 2


def test_set_settler__and_remove__in_force_at_once(bonds: BondWorld) -> None:
    settler = bonds.world.address(STRANGER)

    named = bonds.ape("set-settler", settler)
    was_settler = bonds.insurance.functions.isSettler(bonds.provider, settler).call()
    removed = bonds.ape("set-settler", settler, "--remove")

    fields = {"provider": bonds.provider, "settler": settler}
    assert event_of(bonds, transaction_in(named), "SettlerSet") == fields | {"allowed": True}
    assert event_of(bonds, transaction_in(removed), "SettlerSet") == fields | {"allowed": False}
    assert was_settler
    assert not bonds.insurance.functions.isSettler(bonds.provider, settler).call()


def test_set_settler__removed_without_being_one__is_refused(bonds: BondWorld) -> None:
    bonds.refused("it is so already", "set-settler", OTHER, "--remove")


def test_set_delivery_key__and_remove__in_place_of_the_last_one(bonds: BondWorld) -> None:
    key = bonds.world.address(STRANGER)

    named = bonds.ape("set-delivery-key", key)
    removed = bonds.ape("set-delivery-key", "--remove")

    fields = {"provider": bonds.provider}
    assert event_of(bonds, transaction_in(named), "DeliveryKeySet") == fields | {"deliveryKey": key}
    assert event_of(bonds, transaction_in(removed), "DeliveryKeySet") == fields | {"deliveryKey": ZERO}


def test_set_delivery_key__none_to_remove__is_refused(bonds: BondWorld) -> None:
    bonds.refused("it is so already: let nobody else confirm", "set-delivery-key", "--remove")


def test_set_payout__and_reset__where_payments_go(bonds: BondWorld) -> None:
    receiver = bonds.world.address(STRANGER)

    changed = bonds.ape("set-payout", receiver)
    was = bonds.insurance.functions.payoutAddress(bonds.provider).call()
    reset = bonds.ape("set-payout", "--reset")

    fields = {"provider": bonds.provider}
    assert event_of(bonds, transaction_in(changed), "PayoutAddressSet") == fields | {
        "payoutAddress": receiver
    }
    assert event_of(bonds, transaction_in(reset), "PayoutAddressSet") == fields | {"payoutAddress": ZERO}
    assert was == receiver
    assert bonds.insurance.functions.payoutAddress(bonds.provider).call() == bonds.provider


def test_set_payout__where_it_would_be_lost__is_refused(bonds: BondWorld) -> None:
    own = bonds.insurance.functions.paymentAddress(bonds.provider).call()

    for receiver in (bonds.world.usdc.address, bonds.insurance.address, own):
        bonds.refused(f"{receiver} is USDC, X402InsuranceV2 or the payment", "set-payout", receiver)


def test_set_payout__nothing_to_reset__is_refused(bonds: BondWorld) -> None:
    bonds.refused("it is so already", "set-payout", "--reset")


@pytest.mark.parametrize(
    "arguments",
    [
        ["set-delivery-key"],
        ["set-delivery-key", OTHER, "--remove"],
        ["set-payout"],
        ["set-payout", OTHER, "--reset"],
        ["set-settler", "0x12"],
        ["set-settler", MISTYPED],
        ["set-payout", MISTYPED],
        ["set-payout", "0x" + "0" * 40],
        ["approve-coverage", OTHER, "1.00"],
    ],
)
def test_trust__arguments_that_do_not_fit__are_refused(bonds: BondWorld, arguments: list[str]) -> None:
    before = bonds.world.nonces()

    result = bonds.ape(*arguments)

    assert (result.exit_code, bonds.world.nonces()) == (2, before)


def test_exit__with_a_lock__all_comes_out_at_its_end(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)

    announced = bonds.ape("exit")
    bonds.ape("confirm", commitment)
    taken = bonds.ape("withdraw", "--all")

    assert event_of(bonds, transaction_in(announced), "ExitAnnounced") == {"provider": bonds.provider}
    assert "0.102 USDC is locked" in announced.output
    assert transaction_in(taken)
    assert bonds.stats == (0, 0, 0)


def test_exit__cancelled__locks_again(bonds: BondWorld) -> None:
    bonds.ape("exit")

    cancelled = bonds.ape("exit", "--cancel")

    assert event_of(bonds, transaction_in(cancelled), "ExitCancelled") == {"provider": bonds.provider}
    assert bonds.insurance.functions.canInsure(bonds.provider, BOND // 2).call()


def test_exit__announced_before__is_refused(bonds: BondWorld) -> None:
    bonds.refused("it is so already", "exit", "--cancel")
    bonds.ape("exit")

    bonds.refused("it is so already", "exit")


def test_exit__without_a_bond__is_refused(bonds: BondWorld) -> None:
    words = f"{bonds.world.address(STRANGER)} has no bond to leave with"

    bonds.refused(words, "exit", account=STRANGER)


def test_trust__dry_run__sends_nothing(bonds: BondWorld) -> None:
    before = bonds.world.nonce(PROVIDER)

    results = [
        bonds.ape("approve-coverage", OTHER, "1.00", "--max-timeout", "5", "--dry-run"),
        bonds.ape("set-settler", OTHER, "--dry-run"),
        bonds.ape("set-delivery-key", OTHER, "--dry-run"),
        bonds.ape("set-payout", OTHER, "--dry-run"),
        bonds.ape("exit", "--dry-run"),
    ]

    assert [each.exit_code for each in results] == [0] * 5
    assert all("dry run: nothing was sent" in each.output for each in results)
    assert bonds.world.nonce(PROVIDER) == before
