"""Runs the simulator: in a background thread for tests and the demo, in the foreground for the command."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import uvicorn

from liqpass.adapters.okx.simulator.accounts import SimulatorError
from liqpass.adapters.okx.simulator.app import simulator_app
from liqpass.adapters.okx.simulator.exchange import Exchange
from liqpass.adapters.okx.simulator.faults import Faults
from liqpass.adapters.okx.simulator.simulation import Simulation

START_LIMIT_S = 10.0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


class SimulatorServer:
    """The simulator on a port of its own (0: any free one).

    As a context manager it serves from a background thread: `url`, `exchange` and `faults` are there inside.
    Change `exchange` and `faults` between requests, or while holding `simulation.lock`.
    """

    def __init__(self, simulation: Simulation, host: str = "127.0.0.1", port: int = 0) -> None:
        self.simulation = simulation
        self._socket = _bound(host, port)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self._started = threading.Event()
        self._server = self._configured(self._started.set)
        self._thread = threading.Thread(target=self._run, name="okx-simulator", daemon=True)

    @property
    def exchange(self) -> Exchange:
        return self.simulation.exchange

    @property
    def faults(self) -> Faults:
        return self.simulation.faults

    def serve(self, ready: Callable[[], None]) -> None:
        """Serves in this thread until Ctrl-C or SIGTERM; calls `ready` when requests are answered."""
        self._server = self._configured(ready)
        self._run()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(START_LIMIT_S):
            raise SimulatorError("the simulator did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(START_LIMIT_S)

    def _configured(self, ready: Callable[[], None]) -> _Server:
        config = uvicorn.Config(
            simulator_app(self.simulation),
            log_level="error",
            access_log=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
        )
        return _Server(config, ready)

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it an answer waits 40 ms for an ACK.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SimulatorError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return bound
