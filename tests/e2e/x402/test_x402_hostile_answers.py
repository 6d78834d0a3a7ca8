"""What a server may answer to hurt its client: bodies without end, halves of bodies, JSON without bottom."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from insured_world import CLIENT, NETWORK, InsuredWorld
from liqpass.adapters.x402.payer import LostAnswerError, Payer, Request
from offering import Offering, environment, kept, keyfile, packed, pay, process, required, sync_client
from x402 import x402ClientSync


def test_pay__body_of_the_402_is_nested_without_end__says_what_is_missing(
    world: InsuredWorld, tmp_path: Path
) -> None:
    offering = Offering({})
    offering.ask = lambda request: request.reply(402, {}, b"[" * 60_000)
    with offering.serving() as url:
        result = pay(world, tmp_path, url)

    assert (result.exit_code, result.stderr) == (
        1,
        "Error: not paid: it answers 402 without an offer of x402\n",
    )


def test_pay__body_of_the_402_never_ends__not_read_to_its_end(world: InsuredWorld, tmp_path: Path) -> None:
    sent, piece = [0], bytes(1 << 20)

    def ask(request: Any) -> None:
        request.send_response(402)
        request.send_header("PAYMENT-REQUIRED", packed(required(world)))
        request.send_header("Content-Length", str(64 * len(piece)))
        request.end_headers()
        request.close_connection = True
        with contextlib.suppress(OSError):
            for _ in range(64):
                request.wfile.write(piece)
                sent[0] += len(piece)

    offering = Offering({}, ask=ask)
    with offering.serving() as url:
        result = pay(world, tmp_path, url)

    assert (result.exit_code, result.stdout, len(offering.paid)) == (0, '{"result": "42"}', 1)
    assert sent[0] < 32 * len(piece)


def test_payer__body_comes_in_pieces__each_handed_on_as_it_comes() -> None:
    """It may be of any size: none is kept."""
    seen = threading.Event()

    def ask(request: Any) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "6")
        request.end_headers()
        request.wfile.write(b"one")
        seen.wait(20)
        request.wfile.write(b"two")

    with Offering({}, ask=ask).serving() as url, httpx.Client(timeout=20) as http:
        payer = Payer(http, x402ClientSync())
        body = payer.body(payer.ask(Request("GET", url)))
        first = next(body)
        seen.set()
        rest = b"".join(body)

    assert (first, rest) == (b"one", b"two")


def test_pay__answer_breaks_off__what_came_is_printed_and_receipt_kept(
    world: InsuredWorld, tmp_path: Path
) -> None:
    def break_off(request: Any, _: Any) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "10")
        request.end_headers()
        request.wfile.write(b"four")
        request.hang_up()

    with Offering(required(world), reply=break_off).serving() as url:
        result = pay(world, tmp_path, url)

    assert (result.exit_code, result.stdout, len(kept(world, tmp_path))) == (3, "four", 1)
    assert (
        "Error: a payment was signed and sent, and the answer broke off: RemoteProtocolError\n"
        in result.stderr
    )
    assert "not taken, and may be until " in result.stderr


def test_pay__proxy_in_the_environment__payment_in_the_open_passes_by_it(
    world: InsuredWorld, tmp_path: Path
) -> None:
    proxy, offering = Offering(required(world)), Offering(required(world))
    with proxy.serving() as other, offering.serving() as url:
        named = url.replace("127.0.0.1", "localhost")
        result = pay(world, tmp_path, named, HTTP_PROXY=other, ALL_PROXY=other, NO_PROXY="127.0.0.1")

    assert (result.exit_code, len(offering.paid), proxy.paid) == (0, 1, [])


def test_pay__answer_with_control_characters_to_a_terminal__left_out(
    world: InsuredWorld, tmp_path: Path
) -> None:
    """They would wipe out what standard error tells of the payment."""
    body = "one\x1b[2J\r\ntwo\x07 \u202ethree\u00e9\n".encode()
    offering = Offering(required(world), reply=lambda request, _: request.reply(200, {}, body))
    key = str(keyfile(world, tmp_path, CLIENT))
    ours, theirs = pty.openpty()
    try:
        with offering.serving() as url:
            options = ("pay", url, "--max", "0.10", "--keyfile", key)
            with process(environment(world, tmp_path), *options, stdout=theirs) as running:
                _, told = running.communicate(timeout=50)
        shown = os.read(ours, 1_000)
    finally:
        os.close(ours)
        os.close(theirs)

    assert (running.returncode, shown.decode()) == (0, "one[2J\r\ntwo three\u00e9\r\n")
    assert "not taken, and may be until " in told


def test_payer__interrupted_while_the_chain_is_asked_of_its_answer__payment_is_not_called_unpaid(
    world: InsuredWorld,
) -> None:
    """A slow node makes people press Ctrl-C, and the payment has left."""
    client, _ = sync_client(world)
    interrupt = iter([KeyboardInterrupt()])
    told = {"success": True, "transaction": "0x" + "ab" * 32, "network": NETWORK, "payer": ""}

    def hear(_: object) -> None:
        raise next(interrupt)

    client.on_payment_response(hear)
    offering = Offering(required(world))
    offering.reply = lambda request, _: request.reply(200, {"PAYMENT-RESPONSE": packed(told)})
    with offering.serving() as url, httpx.Client(timeout=20) as http:
        payer = Payer(http, client)
        offer = payer.offer(payer.ask(Request("GET", url)))
        with pytest.raises(LostAnswerError, match="KeyboardInterrupt") as lost:
            payer.pay(Request("GET", url), offer, offer.accepts[0])

    (payment,) = offering.paid
    signed = payment["payload"]["authorization"]
    assert (lost.value.client, "0x" + lost.value.nonce.hex()) == (signed["from"].lower(), signed["nonce"])


def test_pay__interrupted_while_the_body_comes__payment_told_and_exit_code_of_a_payment(
    world: InsuredWorld, tmp_path: Path
) -> None:
    ended = threading.Event()

    def hold(request: Any, _: Any) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "10")
        request.end_headers()
        request.wfile.write(b"four")
        ended.wait(20)

    key = str(keyfile(world, tmp_path, CLIENT))
    with Offering(required(world), reply=hold).serving() as url:
        options = ("pay", url, "--max", "0.10", "--keyfile", key)
        with process(environment(world, tmp_path), *options) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            running.stderr.readline()  # signed: the body is next
            running.stdout.read(4)
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=50)
        ended.set()

    assert (running.returncode, len(kept(world, tmp_path))) == (3, 1)
    assert "not taken, and may be until " in told
    assert "Error: a payment was signed and sent, and the answer broke off: KeyboardInterrupt\n" in told
