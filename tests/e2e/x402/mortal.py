"""Facilitator and provider as processes that kill themselves at a step they are told of, and start again."""

from __future__ import annotations

import logging
import mmap
import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from insured_world import HTTP, PROVIDER, SETTLER, InsuredWorld
from liqpass.adapters.chain.bond_reader import BondReader
from liqpass.adapters.chain.events import Event, EventKind
from liqpass.adapters.chain.policy import Policy
from liqpass.adapters.chain.rpc import Web3Rpc
from liqpass.adapters.chain.signer import LocalSigner
from liqpass.adapters.x402.facilitator import InsuredFacilitator
from liqpass.adapters.x402.insured_api import commitment_of, insure
from liqpass.adapters.x402.insured_service import InsuredService
from liqpass.adapters.x402.payment_checks import Site
from liqpass.domain.x402.insured_settlement import InsuredProvider
from liqpass.entrypoints.x402.app import facilitator_app
from liqpass.entrypoints.x402.metrics import Figures
from shop import UPFRONT, over_http, priced, resource_server
from starlette.datastructures import Headers
from web3 import HTTPProvider, Web3
from x402.http.types import RouteConfig

SECOND_SETTLER = 9
# Each event of the journal, each call to the node, the answer while it leaves, what is written down of it.
BEFORE_CALL, AFTER_CALL = "before a call to the node", "after a call to the node"
BEFORE_ANSWER, AFTER_ANSWER, ANSWERED = "before the answer leaves", "as the answer has left", "after it all"
WRITTEN, WORKING = "written down as answered", "while it works"
_SENDING = [
    str(kind)
    for kind in (
        EventKind.PLANNED,
        EventKind.SIGNED,
        EventKind.SENDING,
        EventKind.ANSWERED,
        EventKind.SEEN,
        EventKind.CONFIRMED,
        EventKind.FINAL,
    )
]
_ANY = [*_SENDING, BEFORE_CALL, AFTER_CALL, BEFORE_ANSWER, AFTER_ANSWER, ANSWERED]
STEPS = {"facilitator": [*_ANY, WRITTEN], "provider": [*_ANY, WORKING]}


class Doom:
    """A step, in memory that parent and child share: the child dies when it comes there for the n-th time."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 128)

    def at(self, step: str, nth: int) -> None:
        self._shared[:128] = f"{nth}:{step}".encode().ljust(128, b"\0")

    def none(self) -> None:
        self._shared[:128] = bytes(128)

    def come_to(self, step: str) -> None:
        told = self._shared[:128].rstrip(b"\0").decode()
        left, _, where = told.partition(":")
        if where != step:
            return
        if int(left) <= 1:
            os.kill(os.getpid(), signal.SIGKILL)
        self.at(step, int(left) - 1)


class _DyingProvider(HTTPProvider):
    """A node's line on which the process may die before a question, or before it reads the answer."""

    def __init__(self, url: str, doom: Doom) -> None:
        super().__init__(url, request_kwargs={"timeout": 20}, exception_retry_configuration=None)
        self._doom = doom

    def make_request(self, method: Any, params: Any) -> Any:
        self._doom.come_to(BEFORE_CALL)
        answer = super().make_request(method, params)
        self._doom.come_to(AFTER_CALL)
        return answer


@dataclass
class Mortal:
    """One process at one address, again and again. `serve` runs in the child and never returns."""

    serve: Callable[[socket.socket, Doom], None]
    log: Path
    doom: Doom = field(default_factory=Doom)
    port: int = 0
    pid: int = 0
    ended: int | None = None  # a pipe's end, which can be read once the process, at the other, is gone

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        self.doom.none()
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        ended, alive = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                logging.basicConfig(filename=self.log, level=logging.INFO, force=True)
                self.serve(listening, self.doom)
            finally:
                os._exit(1)
        listening.close()
        os.close(alive)
        self.ended = ended
        assert HTTP.get(f"{self.url}/healthz").status_code == 200

    def dies_within(self, seconds: float) -> bool:
        """Whether it has died, or does so within that time."""
        return bool(select.select([self.ended], [], [], seconds)[0])

    def kill(self) -> None:
        """kill -9, dead or not."""
        if self.ended is not None:
            os.kill(self.pid, signal.SIGKILL)  # dead or not, its id is free only after the next line
            os.waitpid(self.pid, 0)
            os.close(self.ended)
            self.ended = None


def _dying_site(world: InsuredWorld, doom: Doom) -> Site:
    provider = _DyingProvider(world.node.url, doom)
    web3 = Web3(provider)
    web3.middleware_onion.remove("validation")  # as `reading_web3` does
    reader = BondReader(web3, world.insurance.address, first_block=0)
    return Site(Web3Rpc(provider, tries=2), web3, reader, world.terms, reader.usdc())


def _run(app: Any, listening: socket.socket, doom: Doom, watches: Callable[[Any], bool]) -> None:
    """Serve; `watches` says at whose answers it may die."""

    async def dying(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                doom.come_to(BEFORE_ANSWER)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                doom.come_to(AFTER_ANSWER)

        watched = watches(scope)
        await app(scope, receive, sending if watched else send)
        if watched:
            doom.come_to(ANSWERED)

    config = uvicorn.Config(dying, log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


def mortal_facilitator(world: InsuredWorld) -> Mortal:
    """Two lanes; its journals outlive it."""

    def serve(listening: socket.socket, doom: Doom) -> None:
        figures = Figures()
        with InsuredFacilitator.open(
            _dying_site(world, doom),
            [LocalSigner(world.node.account(settler)) for settler in (SETTLER, SECOND_SETTLER)],
            Policy.local(),
            journal_folder=world.folder / "settlers",
            on_event=lambda event: doom.come_to(str(event.kind)),
            on_answer=lambda answered: doom.come_to(WRITTEN) if answered.what == "settle" else None,
        ) as insured:
            app = facilitator_app(insured, world.served(), figures)
            _run(app, listening, doom, lambda scope: scope["path"] in ("/verify", "/settle"))

    return Mortal(serve, world.folder / "facilitator.log")


def mortal_provider(world: InsuredWorld, facilitator: Mortal, *, grace_s: float) -> Mortal:
    """Routes of each kind; what was worked is in `worked`, a commitment a line; its journals outlive it."""

    def serve(listening: socket.socket, doom: Doom) -> None:
        app = FastAPI()
        server = resource_server(over_http(facilitator.url))
        worked = os.open(world.folder / "worked", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

        def on_event(event: Event) -> None:
            doom.come_to(str(event.kind))

        with InsuredService.open(
            _dying_site(world, doom),
            InsuredProvider(world.address(PROVIDER).lower(), 7),
            LocalSigner(world.node.account(PROVIDER)),
            Policy.local(),
            folder=world.folder / "service",
            on_event=on_event,
            every_s=0.05,
            grace_s=grace_s,
        ) as service:
            insure(app, _routes(world), server, service)

            def work(request: Request) -> bytes:
                commitment = commitment_of(request, service)
                os.write(worked, commitment.hex().encode() + b"\n")
                doom.come_to(WORKING)
                return commitment

            @app.get("/work")
            async def simple(request: Request) -> dict[str, str]:
                return {"done": work(request).hex()}

            @app.get("/broken")
            async def broken(request: Request) -> Response:
                work(request)
                return Response(status_code=503)

            @app.get("/job", status_code=202)
            async def job(request: Request) -> dict[str, str]:
                return {"job": work(request).hex()}

            @app.get("/prompt", status_code=202)
            def prompt(request: Request) -> dict[str, str]:
                commitment = work(request)
                service.delivered(commitment)  # before the 202 has left
                return {"job": commitment.hex()}

            @app.post("/done/{job}", status_code=204)
            def done(job: str) -> None:
                service.delivered(bytes.fromhex(job))

            @app.get("/healthz")
            async def healthz() -> None:
                """It serves."""

            _run(app, listening, doom, lambda scope: "payment-signature" in Headers(scope=scope))

    return Mortal(serve, world.folder / "provider.log")


def _routes(world: InsuredWorld) -> dict[str, RouteConfig]:
    paid = partial(priced, world, world.address(PROVIDER), valid_s=3600)
    upfront = {f"GET /{name}": paid(**UPFRONT) for name in ("broken", "job", "prompt")}
    return {"GET /work": paid(), **upfront}
