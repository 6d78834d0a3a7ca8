"""The command that `liqpass x402 strays` prints, as CONFIG runs it on a deployed system."""

from __future__ import annotations

import json
import os
import shlex
from typing import Any

from bond_world import CLIENT, BondWorld
from click.testing import CliRunner
from liqpass.entrypoints.cli import main
from operator_world import DEPLOYER, STRANGER, transaction_in


def strays(bonds: BondWorld) -> tuple[int, list[dict[str, Any]]]:
    """Exit code of `liqpass x402 strays --json`, and the addresses that it lists."""
    record = bonds.world.folder / "deployments" / "local.json"
    ours = {"LIQPASS_RPC_URL": bonds.world.node.url, "LIQPASS_DEPLOYMENT": str(record)}
    gone = {name: None for name in os.environ if name.startswith("LIQPASS_")}
    result = CliRunner(mix_stderr=False).invoke(
        main, ["x402", "strays", "--json"], env=gone | ours, catch_exceptions=False
    )
    return result.exit_code, json.loads(result.stdout)["addresses"]


def test_strays__its_command_announced_and_executed__money_back_and_none_left(bonds: BondWorld) -> None:
    world, usdc = bonds.world, bonds.world.usdc.functions
    target = bonds.insurance.functions.paymentAddress(bonds.provider).call()
    for client, amount in ((bonds.client, 123_456), (world.address(STRANGER), 100_000)):
        world.send(usdc.mint(client, amount), DEPLOYER)
    before = world.balance(bonds.client), world.balance(world.address(STRANGER))
    world.send(usdc.transfer(target, 123_456), CLIENT)
    world.send(usdc.transfer(target, 100_000), STRANGER)

    code, (address,) = strays(bonds)
    commands = [shlex.split(stray["command"]) for stray in address["strays"]]
    done = []
    for command in commands:
        assert command[:3] == ["ape", "run", "bond"]
        done.append(transaction_in(bonds.execute_delayed(*command[3 : command.index("--network")])))

    assert (code, address["balanceUsdc"], len(set(done))) == (3, "0.223456", 2)
    assert (world.balance(bonds.client), world.balance(world.address(STRANGER))) == before
    assert world.balance(target) == 0
    assert strays(bonds) == (0, [])
