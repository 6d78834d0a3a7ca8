"""`liqpass x402 claims`: what became of each receipt, and the client's money back, whoever claims it."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from insured_world import (
    CLIENT,
    LOCK,
    OTHER_PROVIDER,
    PENALTY,
    PRICE,
    PROVIDER,
    STRANGER,
    InsuredWorld,
    Running,
)
from liqpass.x402.client import Receipt, guarded
from offering import (
    Offering,
    Payment,
    around,
    command,
    environment,
    keyfile,
    process,
    receipts_file,
    required,
    settings,
    settles,
    sync_client,
    undone,
)
from web3 import Web3
from x402.http.clients import x402_requests

NONE, OPEN, CONFIRMED, CLAIMED, REFUNDED = range(5)
DUE_S = 7 * 60 + 12  # the facilitator's time-out, and the margin


def paid(world: InsuredWorld, folder: Path, *replies: Any, provider: int = OTHER_PROVIDER) -> list[Receipt]:
    """Receipts of payments whose answers are all lost; each reply does with its payment as it likes."""
    client, _ = sync_client(world)
    with guarded(client, most=None, settings=settings(world), receipts=receipts_file(folder)) as payments:
        for reply in replies:

            def lose(request: Any, payment: Payment, reply: Any = reply) -> None:
                reply(payment)
                request.hang_up()

            offering = Offering(required(world, provider=provider), reply=lose)
            with offering.serving() as url, pytest.raises(Exception, match="Failed to handle payment"):
                x402_requests(client).get(url, timeout=20)
        return payments.receipts()


def cancel(world: InsuredWorld, payment: Payment) -> None:
    """As its client may at USDC, by a signature that anybody can send."""
    usdc, signed = world.usdc, payment["payload"]["authorization"]
    domain = {"name": "USDC", "version": "2", "chainId": 31337, "verifyingContract": usdc.address}
    types = {
        "CancelAuthorization": [
            {"name": "authorizer", "type": "address"},
            {"name": "nonce", "type": "bytes32"},
        ]
    }
    message = {"authorizer": signed["from"], "nonce": signed["nonce"]}
    signature = Account.sign_typed_data(world.node.account(CLIENT).key, domain, types, message).signature
    call = usdc.get_function_by_signature("cancelAuthorization(address,bytes32,bytes)")
    world.send(call(signed["from"], signed["nonce"], bytes(signature)), STRANGER)


@contextmanager
def later(world: InsuredWorld, seconds: int) -> Iterator[None]:
    """So much later on the chain, for a while: the SDK signs by the machine's clock."""
    with undone(world):
        world.node.increase_time(seconds)
        world.node.mine()
        yield


def statuses(world: InsuredWorld, receipts: list[Receipt]) -> list[int]:
    return [world.status(receipt.commitment) for receipt in receipts]


def listed(world: InsuredWorld, folder: Path) -> list[dict[str, Any]]:
    result = command(environment(world, folder), "claims", "--json")
    assert result.exit_code == 0, result.stderr
    return list(json.loads(result.stdout)["receipts"])


def claim(world: InsuredWorld, folder: Path, account: int, *options: str) -> Any:
    return command(
        environment(world, folder),
        "claims",
        "--claim",
        "--keyfile",
        str(keyfile(world, folder, account)),
        *options,
    )


def test_claims__of_every_kind__state_from_the_chain(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    settle = settles(facilitator, OTHER_PROVIDER)
    receipts = paid(world, tmp_path, settle, settle, settle, lambda _: None)
    confirmed, refunded, locked, unsettled = receipts
    calls = world.insurance.functions
    world.send(calls.confirmService(confirmed.commitment, b""), OTHER_PROVIDER)
    world.send(calls.refundService(refunded.commitment), OTHER_PROVIDER)
    with undone(world):
        paid(world, tmp_path, lambda each: around(world, each))

        now = listed(world, tmp_path)
        with later(world, DUE_S):
            then = listed(world, tmp_path)
            world.send(calls.claimInsurance(locked.commitment), STRANGER)
            last = listed(world, tmp_path)
            table = command(environment(world, tmp_path), "claims")

    assert [[each["state"] for each in answers] for answers in (now, then, last)] == [
        ["confirmed", "refunded", "locked", "unsettled", "stray"],
        ["confirmed", "refunded", "due", "expired", "stray"],
        ["confirmed", "refunded", "claimed", "expired", "stray"],
    ]
    answer = now[3]
    assert answer | {"signedAt": "", "validBefore": ""} == {
        "commitment": Web3.to_hex(unsettled.commitment),
        "state": "unsettled",
        "amountUsdc": "0.10",
        "provider": world.address(OTHER_PROVIDER),
        "client": world.address(CLIENT),
        "contract": world.insurance.address,
        "chainId": 31337,
        "nonce": Web3.to_hex(unsettled.nonce),
        "signedAt": "",
        "validBefore": "",
        "deadline": None,
        "for": "https://api.example/work",
        "answered": False,
        "saidSettled": False,
        "saidTransaction": None,
        "differences": [],
    }
    assert table.stdout.splitlines()[0].split() == [
        "state", "until", "usdc", "provider", "signed", "for", "commitment",
    ]  # fmt: skip
    assert table.stderr == "1 stray: paid without a lock; `liqpass x402 strays` says how they come back\n"


def test_claims__cancelled_by_the_client__told_from_a_stray(world: InsuredWorld, tmp_path: Path) -> None:
    before = world.balance(CLIENT)
    with undone(world):
        cancelled, _ = paid(
            world, tmp_path, lambda each: cancel(world, each), lambda each: around(world, each)
        )

        answers = listed(world, tmp_path)
        table = command(environment(world, tmp_path), "claims")
        balance = world.balance(CLIENT)

    assert [each["state"] for each in answers] == ["cancelled", "stray"]
    assert answers[0]["commitment"] == Web3.to_hex(cancelled.commitment)
    assert table.stderr == "1 stray: paid without a lock; `liqpass x402 strays` says how they come back\n"
    assert balance == before - PRICE  # of the stray alone


def test_claims__answer_lost_and_time_out__stranger_claims_for_the_client(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    client, provider = world.balance(CLIENT), world.balance(PROVIDER)
    bond, locked = world.bond_of(PROVIDER)
    penalties = world.insurance.functions.penalties().call()

    receipts = paid(world, tmp_path, settles(facilitator), provider=PROVIDER)

    assert statuses(world, receipts) == [OPEN]
    assert (world.balance(CLIENT), world.balance(PROVIDER)) == (client - PRICE, provider + PRICE)
    before = claim(world, tmp_path, STRANGER)
    assert (before.exit_code, statuses(world, receipts)) == (0, [OPEN])
    assert "1 policies open, 0 due: 0 claimed" in before.stdout
    with later(world, DUE_S):
        told = command(environment(world, tmp_path), "claims").stderr
        result = claim(world, tmp_path, STRANGER)
        again = claim(world, tmp_path, STRANGER)

        assert result.exit_code == 0, result.stderr
        assert statuses(world, receipts) == [CLAIMED]
        assert (world.balance(CLIENT), world.balance(PROVIDER)) == (client, provider + PRICE)
        assert world.bond_of(PROVIDER) == (bond - LOCK, locked)
        assert world.insurance.functions.penalties().call() == penalties + PENALTY
        assert world.balance(STRANGER) == 0
    assert told == (
        "1 due, 0.10 USDC: `liqpass x402 claims --claim --keyfile FILE` pays them back; anyone may\n"
    )
    address, commitment = world.address(CLIENT), Web3.to_hex(receipts[0].commitment)
    assert f"claimed commitment={commitment} client={address} usdc=0.10 credited=no tx=0x" in result.stderr
    assert (
        "1 due: 1 claimed in 1 transactions, 0.10 USDC, 0 of them as credit; 0 ended by others\n"
        in result.stdout
    )
    assert (again.exit_code, "0 policies open, 0 due: 0 claimed" in again.stdout) == (0, True)


def test_claims__watch__claims_what_comes_due_until_it_is_ended(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    receipts = paid(world, tmp_path, settles(facilitator, OTHER_PROVIDER))
    client = world.balance(CLIENT)
    key = str(keyfile(world, tmp_path, STRANGER))
    options = ("claims", "--watch", "--interval", "0.1", "--keyfile", key)
    with process(environment(world, tmp_path), *options) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().startswith(
            f"claiming from {world.insurance.address} on chain 31337"
        )
        assert watching.stderr is not None
        with later(world, DUE_S):
            told = next(line for line in watching.stderr if " claimed commitment=" in line)
            balance = world.balance(CLIENT)
            watching.send_signal(signal.SIGTERM)
            out, _ = watching.communicate(timeout=20)

    assert (
        f"commitment={Web3.to_hex(receipts[0].commitment)} client={world.address(CLIENT)} usdc=0.10" in told
    )
    assert (watching.returncode, out, balance) == (0, "ended\n", client + PRICE)


def test_claims__server_lied__warned_and_chain_counts(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    (receipt,) = paid(world, tmp_path, settles(facilitator, OTHER_PROVIDER))
    with sqlite3.connect(receipts_file(tmp_path)) as store:
        store.execute("UPDATE receipts SET settled = 0, deadline_s = 1")

    (answer,) = listed(world, tmp_path)
    table = command(environment(world, tmp_path), "claims")

    deadline = world.insurance.functions.policies(receipt.commitment).call()[2]
    said = [
        f"deadline is {deadline} on the chain, 1 was said",
        "the server said not settled, but it was locked",
    ]
    assert (answer["state"], answer["differences"]) == ("locked", said)
    commitment = Web3.to_hex(receipt.commitment)
    assert table.stderr == "".join(f"Warning: {commitment}: {each}\n" for each in said)


@pytest.mark.parametrize("options", [(), ("--json",), ("--claim",)])
def test_claims__receipts_of_another_contract__told_that_they_are_not_looked_at(
    world: InsuredWorld, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """As after a new deployment: what the old one owes would be forgotten in silence."""
    paid(world, tmp_path, lambda _: None, lambda _: None)
    with sqlite3.connect(receipts_file(tmp_path)) as store:
        store.execute("UPDATE receipts SET contract = ? WHERE rowid = 1", ("0x" + "1" * 40,))
    key = ("--keyfile", str(keyfile(world, tmp_path, STRANGER))) if "--claim" in options else ()

    result = command(environment(world, tmp_path), "claims", *options, *key)

    assert result.exit_code == 0, result.stderr
    assert (
        "Warning: 1 receipts are of another contract or chain than LIQPASS_DEPLOYMENT and LIQPASS_CHAIN_ID "
        "say: not looked at here\n"
    ) in result.stderr


def test_claims__another_ones_file_with_anything_in_it__refused(world: InsuredWorld, tmp_path: Path) -> None:
    paid(world, tmp_path, lambda _: None)
    with sqlite3.connect(receipts_file(tmp_path)) as store:
        store.execute("UPDATE receipts SET provider = 'nobody', url = 'https://x.example/' || char(27)")
    refused = command(environment(world, tmp_path), "claims")
    with sqlite3.connect(receipts_file(tmp_path)) as store:
        store.execute("UPDATE receipts SET provider = ?, valid_before_s = ?", ("0x" + "1" * 40, "9" * 70))

    shown = command(environment(world, tmp_path), "claims")

    assert (
        refused.exit_code,
        "the receipts hold something else: not an address: 'nobody'" in refused.stderr,
    ) == (
        1,
        True,
    )
    assert (shown.exit_code, "\x1b" in shown.stdout, "9" * 70 in shown.stdout) == (0, False, True)


def test_claims__no_receipts__says_where_it_looked(world: InsuredWorld, tmp_path: Path) -> None:
    result = command(environment(world, tmp_path), "claims")

    hint = "nothing was paid with it; --receipts or LIQPASS_RECEIPTS names another"
    assert (result.exit_code, result.stderr) == (
        1,
        f"Error: no receipts at {receipts_file(tmp_path)}: {hint}\n",
    )
    assert not receipts_file(tmp_path).exists()


@pytest.mark.parametrize("options", [("--json", "--claim"), ("--watch", "--json"), ("--claim",)])
def test_claims__misused__usage(world: InsuredWorld, tmp_path: Path, options: tuple[str, ...]) -> None:
    paid(world, tmp_path)

    result = command(environment(world, tmp_path), "claims", *options)

    assert result.exit_code == 2
    assert ("--json lists" if "--json" in options else "--keyfile FILE") in result.stderr
    assert "--dry-run" not in result.stderr  # which this command does not have
