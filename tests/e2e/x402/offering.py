"""A server of a test's own making: it asks for whatever it likes, and does as it likes with what is paid."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account
from eth_account.signers.local import LocalAccount
from insured_world import CLIENT, NETWORK, PASSPHRASE, PRICE, PROVIDER, STRANGER, InsuredWorld, Running
from liqpass.adapters.x402.receipts import Receipts
from liqpass.domain.x402.receipts import Receipt
from liqpass.entrypoints.cli import main
from liqpass.settings import Settings
from liqpass.x402.client import guarded
from x402 import x402ClientSync
from x402.http.clients import x402_requests
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.mechanisms.evm.signers import EthAccountSigner
from x402.schemas import PaymentPayload

_LONGEST_S = 60.0
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
            self.server.offering.ask(self)
        else:
            payment = json.loads(base64.b64decode(signature))
            self.server.offering.paid.append(payment)
            self.server.offering.reply(self, payment)

    def do_POST(self) -> None:
        self.server.offering.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def hang_up(self) -> None:
        """No answer at all."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

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

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no fault; told, it would be among what the client said in this process."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@dataclass
class Offering:
    """`required`: the 402; `paid`: the payments that came; `reply`: what is done with one.

    `bodies`: of every request that had one.
    """

    required: dict[str, Any]
    paid: list[Payment] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    reply: Reply = lambda request, _: request.reply(200, {}, b'{"result": "42"}')
    ask: Callable[[Request], None] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.ask is None:
            self.ask = lambda request: request.reply(402, {"PAYMENT-REQUIRED": packed(self.required)})

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


def keyfile(world: InsuredWorld, folder: Path, account: int) -> Path:
    """Its own, for the passphrase of the world."""
    path = folder / f"key-{account}.json"
    key = world.node.account(account).key
    path.write_text(json.dumps(Account.encrypt(key, PASSPHRASE, kdf="pbkdf2", iterations=1_000)))
    path.chmod(0o600)
    return path


def environment(world: InsuredWorld, folder: Path, **changes: str) -> dict[str, str]:
    """Of a client's or a stranger's commands."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIQPASS_")}
    ours = {
        "LIQPASS_RPC_URL": world.node.url,
        "LIQPASS_DEPLOYMENT": str(world.folder / "local.json"),
        "LIQPASS_RECEIPTS": str(receipts_file(folder)),
        "LIQPASS_JOURNAL_FOLDER": str(folder / "journal"),
        "LIQPASS_CLIENT_PASSPHRASE": PASSPHRASE,
        "LIQPASS_KEEPER_PASSPHRASE": PASSPHRASE,
    }
    return kept | ours | changes


def command(environment: dict[str, str], *arguments: str) -> Result:
    """`liqpass x402 …` in this process."""
    gone = {name: None for name in os.environ if name not in environment}
    return CliRunner(mix_stderr=False).invoke(
        main, ["x402", *arguments], env=gone | environment, catch_exceptions=False
    )


def pay(world: InsuredWorld, folder: Path, url: str, *options: str, **changes: str) -> Result:
    """`liqpass x402 pay URL` by the client's keyfile, for 0.10 USDC at most."""
    key = str(keyfile(world, folder, CLIENT))
    return command(
        environment(world, folder, **changes), "pay", url, "--max", "0.10", "--keyfile", key, *options
    )


def kept(world: InsuredWorld, folder: Path) -> list[Receipt]:
    with Receipts.open(receipts_file(folder)) as store:
        return store.of(world.terms)


@contextmanager
def process(
    environment: dict[str, str], *arguments: str, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """The same as a process of its own, killed at the end."""
    code = "from liqpass.entrypoints.cli import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "x402", *arguments],
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    too_long = threading.Timer(_LONGEST_S, running.kill)
    too_long.start()
    try:
        yield running
    finally:
        too_long.cancel()
        if running.poll() is None:
            running.kill()
        running.communicate()


def settles(facilitator: Running, provider: int = PROVIDER) -> Callable[[Payment], None]:
    """Settles a payment through the facilitator, as the provider's server would."""

    def settle(payment: Payment) -> None:
        payload = PaymentPayload.model_validate(payment)
        assert facilitator.client(provider).settle(payload, payload.accepted).success

    return settle


def around(world: InsuredWorld, payment: Payment) -> None:
    """Sends it straight to USDC, as whoever has seen the signature can."""
    signed = payment["payload"]["authorization"]
    names = ("from", "to", "value", "validAfter", "validBefore", "nonce")
    values = [signed[name] if name in {"from", "to", "nonce"} else int(signed[name]) for name in names]
    send = world.usdc.get_function_by_signature(
        "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"
    )
    world.send(send(*values, payment["payload"]["signature"]), STRANGER)


def refused(world: InsuredWorld, folder: Path, offer: dict[str, Any], **limits: Any) -> str:
    """Why a guarded client does not pay that offer; nothing is signed, kept or sent."""
    client, signer = sync_client(world)
    offering = Offering(offer)
    wanted: dict[str, Any] = {"most": "0.10"} | limits
    with (
        offering.serving() as url,
        guarded(client, settings=settings(world), receipts=receipts_file(folder), **wanted) as payments,
    ):
        with pytest.raises(Exception, match="Payment aborted") as caught:
            x402_requests(client).get(url, timeout=20)
        assert (signer.signed, payments.receipts(), offering.paid) == (0, [], [])
    return str(caught.value).split("Payment aborted: ")[1]


@contextmanager
def undone(world: InsuredWorld) -> Iterator[None]:
    """What happens on the chain meanwhile has not happened afterwards. Not for settlements."""
    snapshot = world.node.snapshot()
    try:
        yield
    finally:
        world.node.revert(snapshot)
