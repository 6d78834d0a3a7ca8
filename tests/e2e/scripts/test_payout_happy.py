"""`ape run payout`: from an exported file to paid policies."""

from __future__ import annotations

import pytest
from ape._cli import cli as ape_cli
from batch_builder import TEN_USDC
from click.testing import CliRunner
from liqpass.domain.identifiers import format_bytes32
from operator_world import APPROVER, PAYER, TREASURY, World, transaction_in


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


def test_payout__revoked_after_half__the_rest_is_paid_by_the_next_batch(world: World) -> None:
    half, rest = world.batch(world.item(1)), world.batch(world.item(2), batch_id=world.batch_id + 1)
    world.approve(world.write(half))
    world.execute(world.write(half))
    revoke = ("payout", "revoke", "--batch", str(world.batch_id), "--account", f"TEST::{APPROVER}")
    first, second = world.ape(*revoke), world.ape(*revoke)
    world.node.increase_time(24 * 3600)

    approved = world.approve(world.write(rest))
    executed = world.execute(world.write(rest))

    transaction_in(first)
    assert "is revoked already: nothing was sent" in second.output
    transaction_in(approved)
    assert executed.exit_code == 0, executed.output
    assert world.paid([1, 2]) == [1, 2]


def test_payout__status__shows_root_paid_expiry_vault_and_each_payout(world: World) -> None:
    batch = world.batch(world.item(1), world.item(2))
    file = world.write(batch)
    number = str(world.batch_id)
    before = world.ape("payout", "status", "--batch", number)
    world.approve(file)
    world.execute(file)

    after = world.ape("payout", "status", "--file", file)

    assert "never approved" in before.output
    assert "left today  500.00 USDC, of a cap of 500.00" in before.output
    assert after.exit_code == 0, after.output
    for words in (
        f"payout root  {format_bytes32(batch.payout_root)}",
        f"approver     {world.address(APPROVER)}",
        "total        20.00 USDC",
        "paid         20.00 USDC",
        "expires      2026-09-2",
        f"policy 1: paid 10.00 USDC to {world.policy_buyer(1)} in 0x",
        "vault holds 480.00 USDC, of at most 550.00",
        "left today  480.00 USDC, of a cap of 500.00",
        "paused      no",
    ):
        assert words in after.output


def test_payout__status_of_nothing__is_a_usage_error(world: World) -> None:
    assert world.ape("payout", "status").exit_code == 2


@pytest.mark.parametrize(
    ("amount", "account", "words"),
    [
        ("50.01", TREASURY, "the vault holds 500.00 USDC and may hold 550.00"),
        ("1.00", PAYER, "holds 0.00 USDC"),
    ],
)
def test_payout__fund_too_much__is_refused(world: World, amount: str, account: int, words: str) -> None:
    before = world.nonces()

    result = world.ape("payout", "fund", "--amount", amount, "--account", f"TEST::{account}")

    assert result.exit_code == 1
    assert words in result.output
    assert world.nonces() == before


def test_payout__export_without_a_service__says_what_is_missing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIQPASS_DATABASE_URL", f"sqlite:///{world.folder / 'none.db'}")
    monkeypatch.setenv("LIQPASS_DEPLOYMENT", str(world.folder / "deployments" / "local.json"))
    out = world.folder / "exported.json"

    result = CliRunner().invoke(
        ape_cli, ["run", "payout", "export", "--batch", "20260922", "--out", str(out)]
    )

    assert result.exit_code == 1
    assert "Error: " in result.output
    assert not out.exists()
