"""A server of a test's own making: it asks for whatever it likes, and does as it likes with what is paid."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from insured_world import CLIENT, NETWORK, PRICE, PROVIDER, InsuredWorld
from liqpass.settings import Settings
from x402 import x402ClientSync
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.mechanisms.evm.signers import EthAccountSigner

Payment = dict[str, Any]
Reply = Callable[["Request", Payment], None]


class CountingSigner(EthAccountSigner):
    """Counts what it signs."""

    def __init__(self, account: LocalAccount) -> None:
        super().__init__(account)
        self.signed = 0

    def sign_typed_data(self, *arguments: Any) -> bytes:
        self.signed += 1
        return super().sign_typed_data(*arguments)


class Request(BaseHTTPRequestHandler):
    """Answers with the offer until a payment comes."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        signature = self.headers.get("PAYMENT-SIGNATURE")
        if signature is None:
            self.reply(402, {"PAYMENT-REQUIRED": packed(self.server.offering.required)})
        else:
            payment = json.loads(base64.b64decode(signature))
            self.server.offering.paid.append(payment)
            self.server.offering.reply(self, payment)

    def reply(self, status: int, headers: dict[str, str], body: bytes = b"{}") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what came."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    offering: Offering


@dataclass
class Offering:
    """`required`: the 402; `paid`: the payments that came; `reply`: what is done with one."""

    required: dict[str, Any]
    paid: list[Payment] = field(default_factory=list)
    reply: Reply = lambda request, _: request.reply(200, {}, b'{"result": "42"}')

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its URL, while it serves from threads."""
        server = Server(("127.0.0.1", 0), Request)
        server.offering = self
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/work"
        finally:
            server.shutdown()
            server.server_close()


def packed(value: Any) -> str:
    """A header of x402."""
    return base64.b64encode(json.dumps(value).encode()).decode()


def option(world: InsuredWorld, provider: int = PROVIDER, **changes: Any) -> dict[str, Any]:
    """One way to pay `provider`, insured unless something is changed."""
    fields = {
        "scheme": "exact",
        "network": NETWORK,
        "asset": world.usdc.address,
        "amount": str(PRICE),
        "payTo": world.pay_to(provider),
        "maxTimeoutSeconds": 300,
        "extra": {"name": "USDC", "version": "2"},
    }
    return fields | changes


def declared(world: InsuredWorld, provider: int = PROVIDER, **changes: Any) -> dict[str, Any]:
    """The extensions that `insure` declares."""
    info = {
        "contract": world.insurance.address,
        "provider": world.address(provider),
        "network": NETWORK,
        "timeoutMinutes": 7,
    }
    return {"bond-insurance": {"info": info | changes, "schema": {}}}


def required(
    world: InsuredWorld, *options: dict[str, Any], provider: int = PROVIDER, **changes: Any
) -> dict[str, Any]:
    """A 402 with these options, by default one that is insured."""
    fields = {
        "x402Version": 2,
        "accepts": list(options) or [option(world, provider)],
        "resource": {"url": "https://api.example/work?key=canary-query#top"},
        "extensions": declared(world, provider),
    }
    return fields | changes


def settings(world: InsuredWorld, **changes: Any) -> Settings:
    """A client's, with its own node and deployment record."""
    ours = {"rpc_url": world.node.url, "deployment": world.folder / "local.json"}
    return Settings(**(ours | changes))


def sync_client(world: InsuredWorld) -> tuple[x402ClientSync, CountingSigner]:
    """A stock client that would sign anything."""
    signer = CountingSigner(world.node.account(CLIENT))
    client = x402ClientSync()
    register_exact_evm_client(client, signer)
    client.set_spend_controls(False)
    return client, signer


def receipts_file(folder: Path) -> Path:
    return folder / "client" / "receipts.db"
