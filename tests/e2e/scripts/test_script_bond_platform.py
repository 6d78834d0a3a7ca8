"""`ape run bond collect` and `pause`; and what every command of bond refuses alike."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ape._cli import cli as ape_cli
from bond_world import CLIENT, CONFIG, PROVIDER, BondWorld
from click.testing import CliRunner
from liqpass.adapters.chain.bond_reader import BondReader
from operator_world import GUARDIAN, RULERS, STRANGER, TREASURY, transaction_in

MINUTES_5_S = 300
OTHER = "0x" + "c1" * 20
COMMITMENT = "0x" + "01" * 32
ARGUMENTS = {
    "deposit": ["1.00"],
    "withdraw": ["1.00"],
    "status": [],
    "confirm": [COMMITMENT],
    "refund": [COMMITMENT],
    "approve-coverage": [OTHER, "1.00", "--max-timeout", "5"],
    "set-settler": [OTHER],
    "set-delivery-key": [OTHER],
    "set-payout": [OTHER],
    "exit": [],
    "cover": [OTHER, "0.10", "--timeout", "5"],
    "claim": [COMMITMENT],
    "claims": [],
    "withdraw-credit": [],
    "pay-credit": [OTHER],
    "set-min": [OTHER, "1.00"],
    "announce-liquidation": [OTHER],
    "call-off-liquidation": [OTHER],
    "liquidate": [OTHER],
    "set-penalty": ["300"],
    "set-timeout": ["10"],
    "collect": [],
    "return-stray": [OTHER, OTHER, "0.10"],
    "pause": [],
}


def test_commands__all_of_them__are_in_this_table() -> None:
    result = CliRunner().invoke(ape_cli, ["run", "bond", "--help"])

    listed = result.output.split("Commands:")[1]
    assert set(re.findall(r"^  ([a-z-]+)", listed, re.MULTILINE)) == set(ARGUMENTS)


@pytest.mark.parametrize("command", ARGUMENTS)
def test_help__each_command__has_an_example_and_its_options(command: str) -> None:
    result = CliRunner().invoke(ape_cli, ["run", "bond", command, "--help"])

    assert result.exit_code == 0
    assert f"ape run bond {command}" in result.output
    for option in ("--network", "--account", "--deployments"):
        assert option in result.output
    assert ("--dry-run" in result.output) is (command not in {"status", "claims"})


@pytest.mark.parametrize("command", ARGUMENTS)
def test_bond__wrong_network__is_refused(bonds: BondWorld, command: str) -> None:
    words = (
        "Error: Provider connected to chain ID '31337', which does not match network chain ID '84532'. "
        "Are you connected to 'sepolia'?"
    )

    bonds.refused(words, command, *ARGUMENTS[command], network="base:sepolia")


@pytest.mark.parametrize("network", ["ethereum:local", "base:sepolia"])
def test_bond__no_node__is_told_without_its_address(bonds: BondWorld, network: str) -> None:
    where = {"network": network, "url": "http://127.0.0.1:9/SECRET"}

    bonds.refused("Error: no usable node answers at the address of --network", "deposit", "1.00", **where)
    assert "SECRET" not in bonds.ape("deposit", "1.00", **where).output


@pytest.mark.parametrize("command", ARGUMENTS)
def test_bond__not_deployed__is_refused(bonds: BondWorld, command: str) -> None:
    insurance = bonds.insurance.address
    path = bonds.world.folder / "deployments" / "local.json"
    record = json.loads(path.read_text())
    del record["contracts"]["X402InsuranceV2"]
    path.write_text(json.dumps(record))

    bonds.refused("X402InsuranceV2 is not deployed on this chain", command, *ARGUMENTS[command])
    assert bonds.insurance.address == insurance


def test_bond__record_of_another_chain__is_refused(bonds: BondWorld) -> None:
    path = bonds.world.folder / "deployments" / "local.json"
    record = json.loads(path.read_text())

    assert bonds.insurance.address
    path.write_text(json.dumps(record | {"chainId": 8453}))
    bonds.refused("the node serves chain 31337", "deposit", "1.00")
    path.write_text(json.dumps(record | {"genesisHash": "0x" + "00" * 32}))
    bonds.refused("is of another chain", "deposit", "1.00")
    path.unlink()
    bonds.refused("there is no deployment record", "deposit", "1.00")


def test_bond__without_an_account__is_refused(bonds: BondWorld) -> None:
    before = bonds.world.nonces()

    result = bonds.ape("deposit", "1.00", account=None)

    assert (result.exit_code, bonds.world.nonces()) == (2, before)
    assert "say who acts" in result.output


def test_bond__safe__writes_the_call_and_sends_nothing(bonds: BondWorld, tmp_path: Path) -> None:
    path = tmp_path / "safe.json"
    before = bonds.world.nonces()

    safe = ["--safe", str(path), "--safe-address", bonds.provider]
    result = bonds.ape("withdraw", "1.00", *safe, account=None)

    assert result.exit_code == 0, result.output
    (call,) = json.loads(path.read_text())["transactions"]
    data = bonds.insurance.encode_abi("withdrawBond", args=[1_000_000])
    assert (call["to"], call["data"]) == (bonds.insurance.address, data)
    assert bonds.world.nonces() == before


def test_collect__penalties__to_the_treasury_by_anybody(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.pass_time(MINUTES_5_S + 1)
    bonds.ape("claim", commitment, account=CLIENT)
    before = bonds.held()

    result = bonds.ape("collect", account=STRANGER)

    treasury = bonds.world.address(TREASURY)
    assert transaction_in(result)
    assert f"sent 0.002 USDC to treasury {treasury}" in result.output
    moved = {account: held - before[account] for account, held in bonds.held().items()}
    assert moved == dict.fromkeys(before, 0) | {treasury: 2_000, bonds.insurance.address: -2_000}
    bonds.refused("there is nothing to collect", "collect", account=STRANGER)


def test_collect__treasury_that_usdc_refuses__is_refused(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    bonds.pass_time(MINUTES_5_S + 1)
    bonds.ape("claim", commitment, account=CLIENT)
    bonds.deny(bonds.world.address(TREASURY))

    words = f"USDC's issuer has denied {bonds.world.address(TREASURY)}"
    bonds.refused(words, "collect", account=STRANGER)


def test_pause__guardian__and_lifted_by_the_unpauser(bonds: BondWorld) -> None:
    paused = bonds.ape("pause", account=GUARDIAN)
    is_paused = bonds.insurance.functions.paused().call()
    bonds.refused("it is paused already", "pause", account=GUARDIAN)
    lifted = bonds.ape("pause", "--lift", account=RULERS)

    assert transaction_in(paused)
    assert is_paused
    assert transaction_in(lifted)
    assert not bonds.insurance.functions.paused().call()
    bonds.refused("it is not paused", "pause", "--lift", account=RULERS)


def test_pause__again_after_a_lift__pauses_again(bonds: BondWorld) -> None:
    for _ in range(2):
        assert transaction_in(bonds.ape("pause", account=GUARDIAN))
        assert transaction_in(bonds.ape("pause", "--lift", account=RULERS))


@pytest.mark.parametrize("account", [PROVIDER, CLIENT, CONFIG, TREASURY, STRANGER])
def test_pause__other_account__is_refused(bonds: BondWorld, account: int) -> None:
    words = f"{bonds.world.address(account)} may not pause: it does not hold GUARDIAN"

    bonds.refused(words, "pause", account=account)


@pytest.mark.parametrize("account", [PROVIDER, CLIENT, GUARDIAN, TREASURY, STRANGER])
def test_lift__other_account__is_refused(bonds: BondWorld, account: int) -> None:
    bonds.pause()

    words = f"{bonds.world.address(account)} may not unpause: it does not hold UNPAUSER"
    bonds.refused(words, "pause", "--lift", account=account)


def test_reader__locks_of_a_real_chain__as_the_contract_holds_them(bonds: BondWorld) -> None:
    commitment = bonds.cover(1)
    reader = BondReader(bonds.world.web3, bonds.insurance.address, first_block=0)

    (payment,) = reader.payments_of(reader.head(), provider=bonds.provider, client=bonds.client)

    held = bonds.insurance.functions.policies(bytes.fromhex(commitment[2:])).call()
    assert "0x" + payment.commitment.hex() == commitment
    assert [
        payment.provider,
        payment.lock,
        payment.deadline_s,
        payment.status,
        payment.client,
        payment.amount,
    ] == [each.lower() if isinstance(each, str) else each for each in held]
