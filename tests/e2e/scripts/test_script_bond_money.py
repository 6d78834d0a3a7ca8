"""`ape run bond deposit` and `withdraw`."""

from __future__ import annotations

import pytest
from bond_world import BOND, CLIENT, PROVIDER, BondWorld
from operator_world import ONE_USDC, RELAYER, STRANGER, transaction_in
from web3.logs import DISCARD

WAYS = {
    "allow and deposit": [],
    "permit": ["--permit"],
    "authorization": ["--authorization"],
    "relayed authorization": ["--authorization", "--relayer", f"TEST::{RELAYER}"],
}


@pytest.mark.parametrize("way", WAYS)
def test_deposit__each_way__adds_to_the_bond(bonds: BondWorld, way: str) -> None:
    before = bonds.held()

    result = bonds.ape("deposit", "40.50", *WAYS[way])

    receipt = bonds.world.web3.eth.get_transaction_receipt(transaction_in(result))
    (event,) = bonds.insurance.events.BondDeposited().process_receipt(receipt, errors=DISCARD)
    amount = 40_500_000
    assert dict(event["args"]) == {"provider": bonds.provider, "amount": amount, "totalBond": BOND + amount}
    assert (
        f"the bond of {bonds.provider} was 100.00 USDC and is 140.50, 140.50 of it available" in result.output
    )
    assert bonds.stats == (BOND + amount, 0, BOND + amount)
    moved = {account: held - before[account] for account, held in bonds.held().items()}
    expected = dict.fromkeys(before, 0) | {bonds.provider: -amount, bonds.insurance.address: amount}
    assert moved == expected
    assert bonds.world.usdc.functions.allowance(bonds.provider, bonds.insurance.address).call() == 0


def test_deposit__twice__adds_twice(bonds: BondWorld) -> None:
    first, second = bonds.ape("deposit", "10.00"), bonds.ape("deposit", "10.00")

    assert transaction_in(first) != transaction_in(second)
    assert bonds.stats[0] == BOND + 20 * ONE_USDC


def test_deposit__relayed__the_provider_sends_nothing(bonds: BondWorld) -> None:
    before = bonds.world.nonce(PROVIDER)

    result = bonds.ape("deposit", "1.00", *WAYS["relayed authorization"])

    sender = bonds.world.web3.eth.get_transaction(transaction_in(result))["from"]
    assert sender == bonds.world.address(RELAYER)
    assert bonds.world.nonce(PROVIDER) == before


@pytest.mark.parametrize("way", WAYS)
def test_deposit__dry_run__sends_nothing(bonds: BondWorld, way: str) -> None:
    before = bonds.world.nonces()

    result = bonds.ape("deposit", "1.00", *WAYS[way], "--dry-run")

    assert result.exit_code == 0, result.output
    assert "would send" in result.output
    assert "dry run: nothing was sent" in result.output
    assert bonds.world.nonces() == before


def test_deposit__short_balance__is_refused(bonds: BondWorld) -> None:
    bonds.refused(f"{bonds.provider} holds 100.00 USDC and needs 100.01", "deposit", "100.01")


def test_deposit__paused__is_refused(bonds: BondWorld) -> None:
    bonds.pause()

    bonds.refused("X402InsuranceV2 is paused: no deposits and no new locks", "deposit", "1.00")


def test_deposit__denied_by_usdc__is_refused(bonds: BondWorld) -> None:
    bonds.deny(bonds.provider)

    bonds.refused(f"USDC's issuer has denied {bonds.provider}", "deposit", "1.00")


def test_deposit__beyond_what_a_bond_holds__is_refused(bonds: BondWorld) -> None:
    bonds.refused("a bond can hold 18446744073709.551615 USDC at most", "deposit", "18446744073610.00")


@pytest.mark.parametrize(
    "options",
    [
        ["1.00", "--permit", "--authorization"],
        ["1.00", "--relayer", "TEST::7"],
        ["0"],
        ["1.0000001"],
    ],
    ids=["two ways", "relayer alone", "zero", "too fine"],
)
def test_deposit__options_that_do_not_fit__are_refused(bonds: BondWorld, options: list[str]) -> None:
    before = bonds.world.nonces()

    result = bonds.ape("deposit", *options)

    assert (result.exit_code, bonds.world.nonces()) == (2, before)


def test_withdraw__part__leaves_the_rest(bonds: BondWorld) -> None:
    before = bonds.held()

    result = bonds.ape("withdraw", "30.00")

    assert transaction_in(result)
    assert "was 100.00 USDC and is 70.00" in result.output
    assert bonds.stats == (70 * ONE_USDC, 0, 70 * ONE_USDC)
    assert bonds.world.balance(bonds.provider) - before[bonds.provider] == 30 * ONE_USDC


def test_withdraw__all__leaves_what_is_locked(bonds: BondWorld) -> None:
    bonds.cover(1)

    result = bonds.ape("withdraw", "--all")

    assert transaction_in(result)
    assert bonds.stats == (102_000, 102_000, 0)


def test_withdraw__paused__goes_on(bonds: BondWorld) -> None:
    bonds.pause()

    assert transaction_in(bonds.ape("withdraw", "--all"))
    assert bonds.stats == (0, 0, 0)


def test_withdraw__more_than_free__is_refused(bonds: BondWorld) -> None:
    bonds.cover(1)

    bonds.refused(
        f"{bonds.provider} may withdraw 99.898 USDC now: of its bond of 100.00, 0.102 is locked and the "
        "minimum is 0.00",
        "withdraw",
        "99.90",
    )


@pytest.mark.parametrize("account", [CLIENT, STRANGER])
def test_withdraw__not_a_provider__is_refused(bonds: BondWorld, account: int) -> None:
    bonds.refused(f"{bonds.world.address(account)} has no bond", "withdraw", "--all", account=account)


def test_withdraw__denied_by_usdc__is_refused(bonds: BondWorld) -> None:
    bonds.deny(bonds.provider)

    bonds.refused(f"USDC's issuer has denied {bonds.provider}", "withdraw", "1.00")


@pytest.mark.parametrize("options", [[], ["1.00", "--all"]], ids=["neither", "both"])
def test_withdraw__amount_and_all__exactly_one(bonds: BondWorld, options: list[str]) -> None:
    result = bonds.ape("withdraw", *options)

    assert result.exit_code == 2
    assert "give either AMOUNT or --all" in result.output
