"""`--safe` writes what would be sent, `--dry-run` shows it; neither sends anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from batch_stories import MALLORY
from liqpass.adapters.chain.safe_transaction import checksum
from operator_world import (
    APPROVER,
    GUARDIAN,
    PAYER,
    STRANGER,
    TREASURY,
    World,
    transaction_in,
)


def safe_file(world: World, account: int, *arguments: str) -> list[dict[str, Any]]:
    """The transactions that the command writes for a Safe at that account's address; nothing may be sent."""
    path = world.folder / "safe.json"
    before = world.nonces()
    result = world.ape(*arguments, "--safe", str(path), "--safe-address", world.address(account))
    assert result.exit_code == 0, result.output
    assert "nothing was sent" in result.output
    assert world.nonces() == before
    document = json.loads(path.read_text())
    assert (document["version"], document["chainId"]) == ("1.0", "31337")
    assert document["meta"]["createdFromSafeAddress"] == world.address(account)
    assert document["meta"]["checksum"].startswith("0x")
    for transaction in document["transactions"]:
        assert transaction["value"] == "0"
        assert transaction["contractMethod"] is None
    return list(document["transactions"])


def sent(world: World, account: int, *arguments: str) -> tuple[str, str]:
    """Receiver and calldata of what the same command sends."""
    result = world.ape(*arguments, "--account", f"TEST::{account}")
    assert result.exit_code == 0, result.output
    block = world.web3.eth.get_block("latest", full_transactions=True)
    transaction: Any = block["transactions"][-1]
    return transaction["to"], "0x" + transaction["input"].hex().removeprefix("0x")


def test_safe__approve_execute_revoke__are_the_calls_that_would_be_sent(world: World) -> None:
    file = world.write(world.batch(world.item(1), world.item(2)))
    approve, execute = ("payout", "approve", "--file", file), ("payout", "execute", "--file", file)
    revoke = ("payout", "revoke", "--batch", str(world.batch_id))

    pairs = []
    for account, command in ((APPROVER, approve), (PAYER, execute), (GUARDIAN, revoke)):
        written = safe_file(world, account, *command)
        pairs.append((written, sent(world, account, *command)))

    for written, (to, data) in pairs:
        assert [(each["to"], each["data"]) for each in written] == [(to, data)]
    names = [world.vault.decode_function_input(written[0]["data"])[0].fn_name for written, _ in pairs]
    assert names == ["approveBatch", "executeBatch", "revokeBatch"]
    assert world.paid([1, 2]) == [1, 2]


def test_safe__sweep_and_pause__are_the_calls_that_would_be_sent(world: World) -> None:
    for account, command in ((PAYER, ("sweep",)), (GUARDIAN, ("pause", "--all"))):
        written = safe_file(world, account, *command)
        assert [(each["to"], each["data"]) for each in written] == [sent(world, account, *command)]


def test_safe__fund_and_pay__allow_first(world: World) -> None:
    funding = safe_file(world, TREASURY, "payout", "fund", "--amount", "50.00")
    terms = ("--order", "0x" + "11" * 32, "--amount", "1.00", "--quote-hash", "0x" + "22" * 32)
    payment = safe_file(world, TREASURY, "checkout", "pay", *terms)

    for transactions, contract, function in (
        (funding, world.vault, "fund"),
        (payment, world.checkout, "pay"),
    ):
        allow, then = transactions
        assert (allow["to"], then["to"]) == (world.usdc.address, contract.address)
        approval, arguments = world.usdc.decode_function_input(allow["data"])
        assert (approval.fn_name, arguments["spender"]) == ("approve", contract.address)
        assert contract.decode_function_input(then["data"])[0].fn_name == function


def test_safe__checksum__is_the_one_that_safes_interface_writes() -> None:
    """A file of Transaction Builder 1.18.2, with its checksum (5afe/safe-cli-nodejs, format analysis)."""
    inputs = [
        {"internalType": "address", "name": "spender", "type": "address"},
        {"internalType": "uint256", "name": "value", "type": "uint256"},
    ]
    document: dict[str, object] = {
        "version": "1.0",
        "chainId": "1",
        "createdAt": 1761326849944,
        "meta": {
            "name": "Transactions Batch",
            "description": "",
            "txBuilderVersion": "1.18.2",
            "createdFromSafeAddress": "0xA77DE01e157f9f57C7c4A326eeE9C4874D0598b6",
            "createdFromOwnerAddress": "",
        },
        "transactions": [
            {
                "to": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
                "value": "0",
                "data": None,
                "contractMethod": {"inputs": inputs, "name": "approve", "payable": False},
                "contractInputsValues": {
                    "spender": "0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8",
                    "value": "100000000000",
                },
            }
        ],
    }

    assert checksum(document) == "0x8b5032f716845c8b08bab3d63dbd9ba92e056f3557793cd041e59b84e16aa989"


@pytest.mark.parametrize("command", ["approve", "execute"])
def test_safe__after_the_same_checks__writes_nothing_when_refused(world: World, command: str) -> None:
    bad = world.write(world.batch(world.item(1, recipient=MALLORY)))
    path = world.folder / "refused.json"

    result = world.ape(
        "payout", command, "--file", bad, "--safe", str(path), "--safe-address", world.address(STRANGER)
    )

    assert result.exit_code == 1
    assert "WRONG_RECIPIENT" in result.output
    assert "may not" in result.output
    assert not path.exists()


def test_dry_run__approve_execute_revoke_fund__send_and_remember_nothing(world: World) -> None:
    file = world.write(world.batch(world.item(1)))
    fund = ("payout", "fund", "--amount", "1.00", "--account", f"TEST::{TREASURY}")
    revoke = ("payout", "revoke", "--batch", str(world.batch_id), "--account", f"TEST::{APPROVER}")
    before = world.nonces()
    approved_dry = world.approve(file, "--dry-run")
    after_dry = world.nonces()
    remembered = _histories(world.folder)
    transaction_in(world.approve(file))
    approved = world.nonces()

    others = [
        world.execute(file, "--dry-run"),
        world.ape(*revoke, "--dry-run"),
        world.ape(*fund, "--dry-run"),
    ]

    assert after_dry == before
    assert remembered == []
    assert world.nonces() == approved
    for result in [approved_dry, *others]:
        assert result.exit_code == 0, result.output
        assert "dry run: nothing was sent" in result.output
        assert "would send" in result.output
    assert len(_histories(world.folder)) == 1  # the approver's, of the real approval


def _histories(folder: Path) -> list[Path]:
    return sorted((folder / "journal").glob("*.signed.jsonl"))
