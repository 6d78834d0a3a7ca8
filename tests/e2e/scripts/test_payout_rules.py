"""The signer's own rules, other payments of an order marked by hand, and when a batch is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest
import yaml
from ape import accounts
from batch_builder import by_hand, item
from click.testing import CliRunner
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.domain.parameters import CONSERVATIVE
from operator_world import APPROVER, BUYER, DEPLOYER, STRANGER, World, transaction_in

from scripts._operator import Operator, Site
from scripts._sending import Step, perform


@pytest.fixture
def other_rules(world: World) -> Iterator[None]:
    """The signers' own file allows parameters that nothing was sold under."""
    path = world.folder / "deployments" / "parameters" / "local.yaml"
    shipped = path.read_text()
    document: dict[str, Any] = yaml.safe_load(shipped)
    document["params_versions"]["value"] = ["0" * 16]
    path.write_text(yaml.safe_dump(document))
    yield
    path.write_text(shipped)


@pytest.mark.usefixtures("other_rules")
def test_payout__sold_under_parameters_that_the_signer_does_not_list__refused_by_both(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    before = world.nonces()

    for result in (world.approve(file), world.execute(file)):
        assert result.exit_code == 1, result.output
        assert "policy 1: PARAMETERS_NOT_ALLOWED: sold under the parameters 0157150d513465c6" in result.output
    assert world.nonces() == before


def test_payout__approve__shows_the_rules_that_the_policies_were_sold_under(world: World) -> None:
    result = world.approve(world.write(world.batch(world.item(1))), "--dry-run")

    assert result.exit_code == 0, result.output
    assert (
        f"rules       {CONSERVATIVE.params_version}: premium 1.00, payout up to 50.00 USDC, "
        "leverage at most 10, waiting 600 s, cover 86400 s"
    ) in result.output


def test_payout__stranger_paid_a_little_for_an_order_marked_by_hand__shown_and_approved(world: World) -> None:
    unpaid = item(41, world.address(BUYER), world.checkout.address, "0x" + "41" * 32)
    world.send(world.usdc.functions.mint(world.address(STRANGER), 1), DEPLOYER)
    world.send(world.usdc.functions.approve(world.checkout.address, 1), STRANGER)
    poison = world.transact(
        world.checkout.functions.pay(bytes.fromhex(unpaid.quote.order_id[2:]), 1, b"\0" * 32), STRANGER
    )
    file = world.write(world.batch(by_hand(unpaid)))

    result = world.approve(file, "--allow-manual", "1")

    transaction_in(result)
    assert (
        f"on chain, on other terms: 0.000001 USDC of {world.address(STRANGER)} in {poison}" in result.output
    )


def _operator(world: World, tmp_path: Path, *, confirmed: bool) -> Operator:
    connection = SimpleNamespace(chain="local", chain_id=31337, rpc=Web3Rpc(world.web3.provider))
    return Operator(
        site=cast(Site, SimpleNamespace(connection=connection)),
        address=world.address(APPROVER),
        account=accounts.test_accounts[APPROVER],
        safe_file=None,
        dry_run=False,
        confirmed=confirmed,
        journal=tmp_path,
        policy=Policy.local(),
    )


def test_perform__not_confirmed__runs_nothing_before_sending(world: World, tmp_path: Path) -> None:
    remembered: list[str] = []

    @click.command()
    def command() -> None:
        perform(
            _operator(world, tmp_path, confirmed=False),
            "approval",
            [Step("key", world.vault.address, b"", "approve")],
            lambda: remembered.append("batch"),
        )

    result = CliRunner().invoke(command, input="n\n")

    assert (result.exit_code, remembered) == (1, [])
    assert "Aborted" in result.output


def test_payout__approval_dry_run_then_sent__remembered_only_when_sent(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    memory = world.folder / "journal" / f"31337-{world.address(APPROVER)}.signed.jsonl"

    world.approve(file, "--dry-run")
    before = memory.exists()
    transaction_in(world.approve(file))

    assert not before
    assert len(memory.read_text().splitlines()) == 1
