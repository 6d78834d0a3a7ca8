"""What a server may answer to hurt its client: bodies without end, halves of bodies, JSON without bottom."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import httpx
from insured_world import InsuredWorld
from liqpass.adapters.x402.payer import Payer, Request
from offering import Offering, kept, packed, pay, required
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
