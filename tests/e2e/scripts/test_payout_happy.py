"""`ape run payout`: from an exported file to paid policies."""

from __future__ import annotations

from batch_builder import TEN_USDC
from operator_world import PAYER, TREASURY, World, transaction_in


def test_payout__approve_then_execute__everybody_is_paid(world: World) -> None:
    file = world.write(world.batch(world.item(1), world.item(2)))
    before = [world.balance(world.policy_buyer(policy)) for policy in (1, 2)]

    approved = world.approve(file)
    executed = world.execute(file)

    transaction_in(approved)
    assert executed.exit_code == 0, executed.output
    assert "2 of 2 policies paid, 20.00 of 20.00 USDC" in executed.output
    assert world.paid([1, 2, 3]) == [1, 2]
    after = [world.balance(world.policy_buyer(policy)) for policy in (1, 2)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [TEN_USDC, TEN_USDC]


def test_payout__fund__fills_the_vault(world: World) -> None:
    before = world.balance(world.vault.address)

    result = world.ape("payout", "fund", "--amount", "50.00", "--account", f"TEST::{TREASURY}")

    transaction_in(result)
    assert "the vault held 500.00 USDC and holds 550.00" in result.output
    assert world.balance(world.vault.address) - before == 50_000_000


def test_payout__executed_twice__sends_nothing_the_second_time(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    world.approve(file)
    first = world.execute(file)
    sent = world.nonce(PAYER)

    second = world.execute(file)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert world.nonce(PAYER) == sent
    assert "1 of 1 policies paid" in second.output
