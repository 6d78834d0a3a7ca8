"""The HTTP face: OKX's paths under /api/v5, the simulator's own under /sim (loopback only)."""

from __future__ import annotations

import ipaddress

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from liqpass.adapters.okx.simulator.accounts import SimulatorError
from liqpass.adapters.okx.simulator.actions import read_action
from liqpass.adapters.okx.simulator.faults import Reply, damaged, instead_of_answer, refused, success
from liqpass.adapters.okx.simulator.gate import RefusalError, authenticate
from liqpass.adapters.okx.simulator.queries import SIGNED
from liqpass.adapters.okx.simulator.rows import position_row
from liqpass.adapters.okx.simulator.simulation import Simulation

TIME = "/api/v5/public/time"
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def simulator_app(simulation: Simulation) -> Starlette:
    """The application over one simulation."""

    def okx(request: Request) -> Response:
        with simulation.lock:
            reply = _answer(simulation, request)
        headers = {} if reply.location is None else {"location": reply.location}
        return Response(reply.body, reply.status, headers, reply.content_type)

    async def act(request: Request) -> Response:
        if not _from_loopback(request):
            return JSONResponse({"error": "only from this machine"}, 403)
        document = await request.body()

        def apply() -> dict[str, object]:
            with simulation.lock:
                return read_action(document).apply(simulation)

        try:
            return JSONResponse(await run_in_threadpool(apply))
        except SimulatorError as error:
            return JSONResponse({"error": str(error)}, 422)

    def state(request: Request) -> Response:
        if not _from_loopback(request):
            return JSONResponse({"error": "only from this machine"}, 403)
        with simulation.lock:
            return JSONResponse(_state(simulation))

    return Starlette(
        routes=[
            *(Route(path, okx, methods=VERBS) for path in (TIME, *SIGNED)),
            Route("/sim/actions", act, methods=["POST"]),
            Route("/sim/state", state, methods=["GET"]),
        ]
    )


def _answer(simulation: Simulation, request: Request) -> Reply:
    path = request.url.path
    fault = simulation.faults.strike(path)
    if fault is not None and (reply := instead_of_answer(fault)) is not None:
        return reply
    try:
        reply = _rows(simulation, request, path)
    except RefusalError as refusal:
        return refused(refusal)
    return reply if fault is None else damaged(reply, fault)


def _rows(simulation: Simulation, request: Request, path: str) -> Reply:
    exchange = simulation.exchange
    if request.method != "GET":
        raise RefusalError("50115", "Invalid request method.", 405)
    if path == TIME:
        simulation.rates.spend(request.client.host if request.client else "", path)
        return success([{"ts": str(exchange.now_ms())}])
    raw_path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    account, key = authenticate(
        exchange, request.method, raw_path + (b"?" + query if query else b""), request.headers
    )
    simulation.rates.spend(account.uid, path)
    return success(SIGNED[path](exchange, account, key, request.query_params))


def _from_loopback(request: Request) -> bool:
    return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback


def _state(simulation: Simulation) -> dict[str, object]:
    exchange = simulation.exchange
    return {
        "nowMs": str(exchange.now_ms()),
        "accounts": {
            account.name: {
                "positions": [position_row(position) for position in account.positions.values()],
                "historyRows": len(account.history),
                "orderRows": len(account.orders),
            }
            for account in exchange.accounts.values()
        },
        "armed": len(simulation.faults.armed),
    }
