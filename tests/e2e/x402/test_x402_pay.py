"""`liqpass x402 pay`: a paid request as one command, and every way in which nothing is paid or answered."""

from __future__ import annotations

import base64
import errno
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from insured_world import CLIENT, POOR_PROVIDER, PRICE, PROVIDER, InsuredWorld, Running
from liqpass.entrypoints.answers import iso
from offering import (
    Offering,
    command,
    declared,
    environment,
    kept,
    option,
    packed,
    pay,
    receipts_file,
    required,
    settles,
    undone,
)
from shop import Shop, over_http
from web3 import Web3

DEAD = "http://127.0.0.1:1"
NESTED = base64.b64encode(b"[" * 20_000).decode()


def test_pay__insured__body_printed_and_payment_told(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    before = (world.balance(CLIENT), world.balance(PROVIDER))
    with Shop(world, over_http(facilitator.url), declares=declared(world)).serving() as url:
        result = pay(world, tmp_path, f"{url}/work")

    assert (result.exit_code, result.stdout) == (0, '{"result":"42"}')
    client, provider = before
    assert (world.balance(CLIENT), world.balance(PROVIDER)) == (client - PRICE, provider + PRICE)
    commitment, _ = world.locks()[-1]
    deadline = world.insurance.functions.policies(commitment).call()[2]
    assert (
        f"0.10 USDC to provider {world.address(PROVIDER)}: paid and locked, to be confirmed until "
        f"{iso(deadline * 1000)}; receipt {Web3.to_hex(commitment)}\n"
    ) in result.stderr
    assert [receipt.commitment for receipt in kept(world, tmp_path)] == [commitment]
    assert "passphrase" not in result.stderr


def test_pay__body_and_headers__sent_with_and_without_payment(world: InsuredWorld, tmp_path: Path) -> None:
    seen: list[str | None] = []
    offering = Offering(required(world))

    def reply(request: Any, _: Any) -> None:
        seen.append(request.headers.get("X-Key"))
        request.reply(200, {}, request.command.encode())

    offering.reply = reply
    (tmp_path / "headers").write_text("X-Key: canary\nContent-Type: text/plain\n")
    with offering.serving() as url:
        result = pay(world, tmp_path, url, "--data", "question", "--header", f"@{tmp_path / 'headers'}")

    assert (result.exit_code, result.stdout) == (0, "POST")
    assert (offering.bodies, seen) == ([b"question"] * 2, ["canary"])


def test_pay__free__printed_without_a_node(world: InsuredWorld, tmp_path: Path) -> None:
    offering = Offering({})
    offering.ask = lambda request: request.reply(200, {}, b"free")
    with offering.serving() as url:
        result = pay(world, tmp_path, url, LIQPASS_RPC_URL=DEAD)

    assert (result.exit_code, result.stdout) == (0, "free")
    assert result.stderr == "nothing was asked, nothing was paid\n"
    assert not receipts_file(tmp_path).exists()


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (402, {}, "not paid: it answers 402 without an offer of x402"),
        (402, {"PAYMENT-REQUIRED": "bm90aGluZw=="}, "not paid: it answers 402 without an offer of x402"),
        (402, {"PAYMENT-REQUIRED": packed([])}, "not paid: it answers 402 without an offer of x402"),
        (402, {"PAYMENT-REQUIRED": NESTED}, "not paid: it answers 402 without an offer of x402"),
        (500, {}, "it answers 500; nothing was paid"),
        (
            302,
            {"Location": "https://other.example/pay"},
            "not paid: it redirects to https://other.example/pay: nothing is paid there without being asked",
        ),
    ],
)
def test_pay__nothing_that_can_be_paid__says_why(
    world: InsuredWorld, tmp_path: Path, status: int, headers: dict[str, str], said: str
) -> None:
    offering = Offering({})
    offering.ask = lambda request: request.reply(status, headers)
    with offering.serving() as url:
        result = pay(world, tmp_path, url)

    assert (result.exit_code, result.stderr) == (1, f"Error: {said}\n")
    assert offering.paid == []


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("uninsured", "provider_not_named: the offer declares no bond-insurance, and no provider is pinned"),
        ("dear", "amount_above_limit: 0.100001 USDC are asked, at most 0.10 are allowed"),
        ("short", "insufficient_bond: the bond of "),
        (
            "late",
            "insurance_timeout_not_allowed: what is not served could be claimed after 61 minutes only",
        ),
        ("version 1", "invalid_x402_version: only x402 version 2 is insured"),
        ("odd token", "invalid_payload: the token's name or version is no text"),
        ("no token", "the offer cannot be signed: ValueError"),
        ("no unicode", "it answers 402 without an offer of x402"),
        ("none", "the offer has no option"),
        ("many", "the offer has 17 options, 16 are allowed"),
    ],
)
def test_pay__guard_refuses__not_paid(world: InsuredWorld, tmp_path: Path, case: str, said: str) -> None:
    nobody = world.node.account(8).address
    offers = {
        "uninsured": required(world, extensions=None),
        "dear": required(world, option(world, amount="100001")),
        "short": required(
            world, option(world, payTo=world.pay_to(8)), extensions=declared(world, provider=8)
        ),
        "late": required(world, extensions=declared(world, timeoutMinutes=61)),
        "version 1": {"x402Version": 1, "error": "", "accepts": []},
        "odd token": required(world, option(world, extra={"name": {"USDC": 2}, "version": "2"})),
        "no token": required(world, option(world, extra={})),
        "no unicode": required(world, extensions=declared(world) | {"more": "\ud800"}),
        "none": required(world) | {"accepts": []},
        "many": required(world, *[option(world)] * 17),
    }
    offering = Offering(offers[case])
    with offering.serving() as url:
        result = pay(world, tmp_path, url)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: not paid: {said}{nobody if case == 'short' else ''}")
    assert offering.paid == []
    assert not receipts_file(tmp_path).exists() or kept(world, tmp_path) == []


def test_pay__account_has_too_little__says_what_is_there_and_keeps_nothing(
    world: InsuredWorld, tmp_path: Path
) -> None:
    offering = Offering(required(world))
    with undone(world), offering.serving() as url:
        world.send(
            world.usdc.functions.transfer(world.address(PROVIDER), world.balance(CLIENT) - PRICE + 1), CLIENT
        )
        result = pay(world, tmp_path, url)

    client = world.address(CLIENT)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: not paid: invalid_exact_evm_insufficient_balance: "
        f"{client} holds 0.099999 USDC and needs 0.10\n"
    )
    assert (offering.paid, kept(world, tmp_path)) == ([], [])


def test_pay__longer_time_out_allowed__paid(world: InsuredWorld, tmp_path: Path) -> None:
    offering = Offering(required(world, extensions=declared(world, timeoutMinutes=61)))
    with offering.serving() as url:
        result = pay(world, tmp_path, url, "--max-timeout", "61")

    assert (result.exit_code, len(offering.paid)) == (0, 1)


def test_pay__no_hard_links_where_receipts_go__says_so_and_nothing_is_signed(
    world: InsuredWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    offering = Offering(required(world))
    with offering.serving() as url:
        result = pay(world, tmp_path, url)

    folder = receipts_file(tmp_path).parent
    assert (result.exit_code, offering.paid, [*folder.iterdir()]) == (1, [], [])
    assert result.stderr.startswith(
        f"Error: {receipts_file(tmp_path)} cannot be created: {folder} takes no hard link "
    )


def test_pay__node_away__not_paid(world: InsuredWorld, tmp_path: Path) -> None:
    offering = Offering(required(world))
    with offering.serving() as url:
        result = pay(world, tmp_path, url, LIQPASS_RPC_URL=DEAD)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: eth_chainId: no answer after 2 tries")
    assert result.stderr.endswith(": is LIQPASS_RPC_URL right, and its node running?\n")
    assert offering.paid == []


def test_pay__nobody_listens__not_paid(world: InsuredWorld, tmp_path: Path) -> None:
    result = pay(world, tmp_path, DEAD)

    assert (result.exit_code, result.stderr) == (
        1,
        "Error: not paid: no connection to 127.0.0.1:1: is the address right, and its server running?\n",
    )


def test_pay__several_offers__first_insured_one_is_paid(world: InsuredWorld, tmp_path: Path) -> None:
    around = option(world, payTo=world.address(PROVIDER))
    offering = Offering(required(world, around, option(world)))
    with offering.serving() as url:
        result = pay(world, tmp_path, url)

    assert result.exit_code == 0
    assert [payment["accepted"]["payTo"] for payment in offering.paid] == [world.pay_to(PROVIDER)]
    assert f"0.10 USDC to provider {world.address(PROVIDER)}: not taken, and may be until " in result.stderr


def test_pay__dry_run__each_offer_judged_and_nothing_signed(world: InsuredWorld, tmp_path: Path) -> None:
    around = option(world, payTo="0xno\x1b[2J")
    offering = Offering(required(world, around, option(world)))
    with offering.serving() as url:
        result = command(environment(world, tmp_path), "pay", url, "--max", "0.10", "--dry-run")

    address = world.pay_to(PROVIDER).lower()
    head, first, second = (line.split(maxsplit=4) for line in result.stdout.splitlines())
    assert head == ["baseUnits", "payTo", "network", "flow", "verdict"]
    assert first == [
        "100000",
        "0xno[2J",
        "eip155:31337",
        "authorization",
        f"pay_to_not_insured: payTo must be the provider's payment address {address}",
    ]
    assert second[4] == f"0.10 USDC, insured by {world.address(PROVIDER)}"
    assert (result.exit_code, result.stderr) == (0, "dry run: nothing was signed\n")
    assert (offering.paid, kept(world, tmp_path)) == ([], [])


def test_pay__dry_run_of_what_cannot_be_paid__fails(world: InsuredWorld, tmp_path: Path) -> None:
    offering = Offering(required(world, provider=POOR_PROVIDER, extensions=None))
    with offering.serving() as url:
        result = command(environment(world, tmp_path), "pay", url, "--max", "0.10", "--dry-run")

    assert (result.exit_code, "provider_not_named" in result.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["work"], "not a URL such as https://api.example/work: work"),
        (["ftp://api.example/work"], "not a URL"),
        (["https://me:canary@api.example/work"], "the URL must not hold a name or a password"),
        ([DEAD, "--header", "nothing"], "a header is `Name: value`"),
        ([DEAD, "--header", "Payment-Signature: x"], "Payment-Signature is set by the payment"),
        ([DEAD, "--max", "-1"], "not an amount"),
        ([DEAD, "--method", "BREW"], "'BREW' is not one of 'GET'"),
        ([DEAD], "name the account that pays: --keyfile FILE"),
    ],
)
def test_pay__misused__usage(world: InsuredWorld, tmp_path: Path, arguments: list[str], said: str) -> None:
    result = command(environment(world, tmp_path), "pay", "--max", "0.10", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "canary" not in result.stderr


def test_pay__in_the_open_on_a_live_chain__usage(world: InsuredWorld, tmp_path: Path) -> None:
    live = environment(world, tmp_path, LIQPASS_CHAIN_ID="8453")

    result = command(live, "pay", "http://api.example/work", "--max", "0.10", "--dry-run")

    assert result.exit_code == 2
    assert "only https:// URLs, or this machine's, are paid" in result.stderr


def test_pay__server_gone_after_settlement__receipt_kept_and_claim_told(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    settle = settles(facilitator)

    def die(request: Any, payment: Any) -> None:
        settle(payment)
        request.hang_up()

    with Offering(required(world), reply=die).serving() as url:
        result = pay(world, tmp_path, url)

    commitment, _ = world.locks()[-1]
    assert (result.exit_code, result.stdout) == (3, "")
    assert "Error: a payment was signed and sent, and no answer came: RemoteProtocolError\n" in result.stderr
    assert "paid and locked, to be confirmed until " in result.stderr
    assert "`liqpass x402 claims --claim --keyfile FILE` pays back\n" in result.stderr
    (receipt,) = kept(world, tmp_path)
    assert (receipt.commitment, receipt.answer) == (commitment, None)


def test_pay__answer_does_not_come_in_time__receipt_kept(world: InsuredWorld, tmp_path: Path) -> None:
    ended = threading.Event()
    with Offering(required(world), reply=lambda *_: ended.wait(20) and None).serving() as url:
        result = pay(world, tmp_path, url, "--timeout", "0.3")
        ended.set()

    assert (result.exit_code, len(kept(world, tmp_path))) == (3, 1)
    assert "no answer came: ReadTimeout\n" in result.stderr
    assert "not taken, and may be until " in result.stderr


@pytest.mark.parametrize("told", [packed([]), packed({"success": True}), NESTED, "nothing"])
def test_pay__answer_tells_of_its_payment_in_another_shape__body_printed(
    world: InsuredWorld, tmp_path: Path, told: str
) -> None:
    offering = Offering(required(world))
    offering.reply = lambda request, _: request.reply(200, {"PAYMENT-RESPONSE": told}, b"42")
    with offering.serving() as url:
        result = pay(world, tmp_path, url)

    assert (result.exit_code, result.stdout) == (0, "42")
    assert "not taken, and may be until " in result.stderr
    assert [receipt.answer for receipt in kept(world, tmp_path)] == [None]


@pytest.mark.parametrize("status", [402, 500, 303])
def test_pay__bad_answer_to_a_payment__body_printed_and_receipt_kept(
    world: InsuredWorld, tmp_path: Path, status: int
) -> None:
    offering = Offering(required(world))
    offering.reply = lambda request, _: request.reply(status, {"Location": "/elsewhere"}, b"why")
    with offering.serving() as url:
        result = pay(world, tmp_path, url)

    assert (result.exit_code, result.stdout, len(offering.paid)) == (3, "why", 1)
    assert f"Error: a payment was signed and sent, and the answer is {status}\n" in result.stderr
    assert len(kept(world, tmp_path)) == 1


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ("PAYMENT-REQUIRED", {"error": "invalid_exact_evm_insufficient_balance\x1b[2J"}),
        (
            "PAYMENT-RESPONSE",
            {"success": False, "errorReason": "invalid_exact_evm_insufficient_balance\x1b[2J"}
            | {"transaction": "", "network": "eip155:31337"},
        ),
    ],
)
def test_pay__refused_with_a_reason__reason_told(
    world: InsuredWorld, tmp_path: Path, header: str, refusal: dict[str, Any]
) -> None:
    offer = required(world)
    answer = packed((offer if header == "PAYMENT-REQUIRED" else {}) | refusal)
    offering = Offering(offer, reply=lambda request, _: request.reply(402, {header: answer}))
    with offering.serving() as url:
        result = pay(world, tmp_path, url)

    assert (result.exit_code, len(offering.paid)) == (3, 1)
    assert "and the answer is 402: invalid_exact_evm_insufficient_balance[2J\n" in result.stderr


def test_pay__killed_between_signature_and_answer__receipt_is_there(
    world: InsuredWorld, facilitator: Running, tmp_path: Path
) -> None:
    settled, ended, settle = threading.Event(), threading.Event(), settles(facilitator)

    def hang(_: Any, payment: Any) -> None:
        settle(payment)
        settled.set()
        ended.wait(20)

    with Offering(required(world), reply=hang).serving() as url:
        child = os.fork()
        if child == 0:  # never returns into pytest
            try:
                pay(world, tmp_path, url)
            finally:
                os._exit(0)
        assert settled.wait(30)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        ended.set()

    (receipt,) = kept(world, tmp_path)
    assert (os.WTERMSIG(status), receipt.commitment) == (signal.SIGKILL, world.locks()[-1][0])
    assert receipt.answer is None
