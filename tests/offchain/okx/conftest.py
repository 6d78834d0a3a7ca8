"""One simulator for the session on a port of its own, reset before each test; clients that never sleep."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from liqpass.adapters.okx.client import OkxClient
from liqpass.adapters.okx.signing import Credentials
from liqpass.adapters.okx.simulator.server import SimulatorServer
from liqpass.adapters.okx.simulator.simulation import Simulation
from okx_doubles import NOW_MS, Scripted, SetClock, Stopwatch, envelope


@pytest.fixture(scope="session")
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture(scope="session")
def running(stopwatch: Stopwatch) -> Iterator[tuple[SimulatorServer, SetClock]]:
    clock = SetClock()
    with SimulatorServer(Simulation(clock, monotonic_s=stopwatch)) as server:
        yield server, clock


@pytest.fixture
def clock(running: tuple[SimulatorServer, SetClock], stopwatch: Stopwatch) -> SetClock:
    running[1].time_ms = NOW_MS
    stopwatch.step_s = 1.0
    return running[1]


@pytest.fixture
def server(running: tuple[SimulatorServer, SetClock], clock: SetClock) -> SimulatorServer:
    running[0].simulation.reset()
    return running[0]


@pytest.fixture
def sleeps() -> list[float]:
    return []


@pytest.fixture
def reader(server: SimulatorServer) -> Credentials:
    return server.exchange.account("trader-1").keys["reader"].credentials


@pytest.fixture
def connect(
    server: SimulatorServer, clock: SetClock, sleeps: list[float]
) -> Iterator[Callable[..., OkxClient]]:
    """connect(credentials, clock=…) → a client of the simulator."""
    opened: list[OkxClient] = []

    def make(credentials: Credentials, own_clock: SetClock | None = None) -> OkxClient:
        client = OkxClient(
            server.url, credentials, own_clock or clock, allow_any_host=True, sleep=sleeps.append
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def client(connect: Callable[..., OkxClient], reader: Credentials) -> OkxClient:
    return connect(reader)


@pytest.fixture
def scripted(sleeps: list[float]) -> Callable[..., tuple[OkxClient, Scripted]]:
    """scripted(answer, …) → a client of www.okx.com whose network gives these answers, and that network."""

    def make(*answers: httpx.Response | Exception) -> tuple[OkxClient, Scripted]:
        network = Scripted(list(answers))
        client = OkxClient(
            "https://www.okx.com",
            Credentials("key", "secret", "phrase"),
            SetClock(),
            sleep=sleeps.append,
            http_transport=network,
        )
        return client, network

    return make


@pytest.fixture(name="envelope")
def envelope_factory() -> Callable[..., httpx.Response]:
    return envelope
