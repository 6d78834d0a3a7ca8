"""`ape run checkout relay`: premiums that buyers signed, read over HTTP, checked on chain, sent once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from batch_builder import NOW_S
from click.testing import Result
from eth_account import Account
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.quote import order_id
from operator_world import BUYER, DEPLOYER, ONE_USDC, RELAYER, REPOSITORY, STRANGER, TREASURY, World

APE = str(Path(sys.executable).with_name("ape"))
KEY = "internal-key-of-the-relay-tests-01234"
FIRST, SECOND = "5b0cba58-1c22-4c33-8d44-1234567890ab", "5b0cba58-1c22-4c33-8d44-1234567890ac"
QUOTE_HASH = "0x" + "9a" * 32
VALID_UNTIL_S = NOW_S + 900


def signed(world: World, order: str, *, buyer: int = BUYER, signer: int | None = None, **changes: Any) -> Any:
    """What the service would answer of one order, signed as a wallet does."""
    hashed = bytes.fromhex(order_id(order).hex())
    nonce = world.checkout.functions.authorizationNonce(
        hashed, ONE_USDC, bytes.fromhex(QUOTE_HASH[2:])
    ).call()
    usdc = world.usdc
    domain = {
        "name": usdc.functions.name().call(),
        "version": usdc.functions.version().call(),
        "chainId": 31337,
        "verifyingContract": usdc.address,
    }
    types = {
        "ReceiveWithAuthorization": [
            {"name": "from", "type": "address"},
            {"name": "to", "type": "address"},
            {"name": "value", "type": "uint256"},
            {"name": "validAfter", "type": "uint256"},
            {"name": "validBefore", "type": "uint256"},
            {"name": "nonce", "type": "bytes32"},
        ]
    }
    message = {
        "from": world.address(buyer),
        "to": world.checkout.address,
        "value": ONE_USDC,
        "validAfter": 0,
        "validBefore": VALID_UNTIL_S + 1,
        "nonce": nonce,
    }
    key = world.node.account(buyer if signer is None else signer).key
    signature = Account.sign_typed_data(key, domain, types, message).signature
    return {
        "orderId": order,
        "orderHash": format_bytes32(order_id(order)),
        "amount": str(ONE_USDC),
        "quoteHash": QUOTE_HASH,
        "payer": world.address(buyer),
        "validAfter": 0,
        "validBefore": VALID_UNTIL_S + 1,
        "signature": "0x" + bytes(signature).hex(),
        **changes,
    }


@contextmanager
def service(answer: bytes, *, status: int = 200) -> Iterator[str]:
    """Answers whoever has the key, as `liqpass serve` would."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = (
                self.headers["x-internal-key"] == KEY and self.path == "/internal/payment-authorizations"
            )
            self.send_response(status if allowed else 401)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def internal_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQPASS_INTERNAL_KEY", KEY)


def relay(world: World, url: str, *options: str) -> Result:
    return world.ape("checkout", "relay", "--service", url, "--account", f"TEST::{RELAYER}", *options)


def answer_of(*rows: Any) -> bytes:
    return json.dumps({"authorizations": rows}).encode()


def test_relay__signed_premium__paid_once_by_the_relayer_for_the_buyer(world: World) -> None:
    before, buyer_nonce = world.balance(world.address(TREASURY)), world.nonce(BUYER)

    with service(answer_of(signed(world, FIRST))) as url:
        first = relay(world, url)
        sent = world.nonces()
        second = relay(world, url)

    assert first.exit_code == 0, first.output
    assert "1 signed premiums, 1 paid" in first.output
    assert "paid already in 0x" in second.output
    assert "1 signed premiums, 0 paid" in second.output
    assert world.nonces() == sent
    assert world.balance(world.address(TREASURY)) - before == ONE_USDC
    assert world.nonce(BUYER) == buyer_nonce
    assert KEY not in first.output + second.output


def test_relay__bad_ones_among_good__told_and_stop_nobody(world: World) -> None:
    world.transact(world.usdc.functions.mint(world.address(STRANGER), ONE_USDC), DEPLOYER)
    before = world.balance(world.address(TREASURY))
    forged = signed(world, FIRST, signer=STRANGER)
    poor = signed(world, "5b0cba58-1c22-4c33-8d44-1234567890ad", buyer=TREASURY - 1)
    good = signed(world, SECOND, buyer=STRANGER)

    with service(answer_of(forged, poor, good)) as url:
        result = relay(world, url)

    assert result.exit_code == 0, result.output
    assert f"order {FIRST}: failed" in result.output or f"order {FIRST}: refused" in result.output
    assert "the premium is 1.00" in result.output
    assert "3 signed premiums, 1 paid" in result.output
    assert world.balance(world.address(TREASURY)) - before == ONE_USDC


def test_relay__quote_is_over__refused(world: World) -> None:
    row = signed(world, FIRST)
    world.node.set_next_timestamp(VALID_UNTIL_S + 1)
    world.node.mine(1)

    with service(answer_of(row)) as url:
        result = relay(world, url)

    assert "the quote ended at" in result.output
    assert "1 signed premiums, 0 paid" in result.output


def test_relay__dry_run__nothing_sent(world: World) -> None:
    before = world.nonces()

    with service(answer_of(signed(world, FIRST))) as url:
        result = relay(world, url, "--dry-run")

    assert "would send nonce" in result.output
    assert world.nonces() == before


LIES: dict[str, tuple[bytes, int, str]] = {
    "no JSON": (b"<html>", 200, "answers something else"),
    "no list": (b"{}", 200, "answers something else"),
    "another order's hash": (b"", 200, "answers something else"),
    "server error": (b"", 500, "answers 500"),
    "redirect": (b"", 302, "answers 302"),
}


@pytest.mark.parametrize("name", LIES)
def test_relay__service_that_answers_something_else__one_line(world: World, name: str) -> None:
    answer, status, words = LIES[name]
    if name == "another order's hash":
        answer = answer_of(signed(world, FIRST, orderHash="0x" + "11" * 32))

    with service(answer, status=status) as url:
        result = relay(world, url)

    assert (result.exit_code, words in result.output) == (1, True), result.output
    assert KEY not in result.output


def test_relay__wrong_key__says_so_without_showing_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "another-key-that-is-long-enough-012345"
    monkeypatch.setenv("LIQPASS_INTERNAL_KEY", wrong)

    with service(answer_of()) as url:
        result = relay(world, url)

    assert (result.exit_code, "refuses the internal key (401)" in result.output) == (1, True)
    assert wrong not in result.output


def test_relay__no_key__says_what_to_set(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIQPASS_INTERNAL_KEY")

    result = relay(world, "http://127.0.0.1:9")

    assert (result.exit_code, "set LIQPASS_INTERNAL_KEY" in result.output) == (1, True)


@pytest.mark.parametrize(
    "url", ["http://desk.example", "ftp://127.0.0.1", "desk.example", "https://a.example/x"]
)
def test_relay__key_would_travel_in_clear_or_elsewhere__refused(world: World, url: str) -> None:
    result = relay(world, url)

    assert (result.exit_code, "must be https://HOST" in result.output) == (2, True)


def test_relay__server_down__one_line(world: World) -> None:
    result = relay(world, "http://127.0.0.1:9")

    assert (result.exit_code, "does not answer" in result.output) == (1, True)


def test_relay__another_relayer_was_faster__is_told_with_its_transaction(world: World) -> None:
    row = signed(world, FIRST)
    call = world.checkout.functions.payWithAuthorization(
        bytes.fromhex(row["orderHash"][2:]),
        ONE_USDC,
        bytes.fromhex(QUOTE_HASH[2:]),
        row["payer"],
        row["validAfter"],
        row["validBefore"],
        row["signature"],
    )
    relayer, sent = world.address(RELAYER), world.nonce(RELAYER)
    pending = sent
    world.node.set_automine(False)
    command = [APE, "run", "checkout", "relay", "--account", f"TEST::{RELAYER}"]
    command += ["--network", f"ethereum:local:{world.node.url}"]
    command += [
        "--deployments",
        str(world.folder / "deployments"),
        "--journal",
        str(world.folder / "journal"),
    ]
    with service(answer_of(row)) as url:
        running = subprocess.Popen([*command, "--service", url], cwd=REPOSITORY, stdout=PIPE, text=True)
        try:
            while pending == sent:
                with pytest.raises(subprocess.TimeoutExpired):
                    running.wait(0.02)
                pending = int(world.node.rpc("eth_getTransactionCount", relayer, "pending"), 16)
            stranger = {"from": world.address(STRANGER), "gas": 300_000}
            faster = call.transact({**stranger, "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**12})
            world.node.mine()
            told, _ = running.communicate(timeout=60)
        finally:
            running.kill()
            running.wait()
            world.node.set_automine(True)

    assert running.returncode == 0
    assert told.endswith(
        f"order {FIRST}: paid already in 0x{faster.hex().removeprefix('0x')}\n1 signed premiums, 0 paid\n"
    )
    assert world.nonce(RELAYER) == sent + 1
