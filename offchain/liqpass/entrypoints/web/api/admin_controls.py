"""Pause, parameters, overview."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from liqpass.adapters.chain.safe_files import pause_file
from liqpass.entrypoints.answers import parameters_answer
from liqpass.entrypoints.oversight_answers import overview_answer, per_day_answer
from liqpass.entrypoints.shapes.oversight import OverviewAnswer, PauseAnswer, RulesAnswer
from liqpass.entrypoints.web.api.forms import ADMIN_PROBLEMS, PauseForm, Wallet, problems
from liqpass.entrypoints.web.identity import Admin, Operator, ServiceOf
from liqpass.entrypoints.web.routes import ApiRoute

router = APIRouter(prefix="/admin", tags=["operating"], route_class=ApiRoute)
PAUSE_COMMAND = "ape run pause --all --account GUARDIAN --network NETWORK"
_READ = problems(401, 403, 422)


@router.get("/overview", responses=_READ)
def overview(
    service: ServiceOf,
    admin: Admin,  # noqa: ARG001
    days: Annotated[int, Query(ge=1, le=90)] = 14,
) -> OverviewAnswer:
    """Gauges, warnings, and claims and payouts a UTC day."""
    overseeing = service.use_cases.overseeing
    return {
        **overview_answer(overseeing.overview()),
        "perDay": per_day_answer(overseeing.per_day(days)),
        "paused": service.controlling.paused(),
    }


@router.get("/parameters", responses=_READ)
def parameters(service: ServiceOf, admin: Admin) -> RulesAnswer:  # noqa: ARG001
    """The rules in force: amounts in USDC, durations in seconds."""
    return parameters_answer(service.parameters)


@router.post("/pause", responses=ADMIN_PROBLEMS)
def pause(service: ServiceOf, operator: Operator, form: PauseForm) -> PauseAnswer:
    """Stop or resume quotes, orders and batch building at once; claims stay open. The chain is stopped by the
    GUARDIAN: the answer says how."""
    switch = service.controlling.pause if form.paused else service.controlling.resume
    switch(actor=operator.address, reason=form.reason)
    return {
        "paused": service.controlling.paused(),
        "onChain": {"command": PAUSE_COMMAND, "safeFile": "/admin/pause/safe.json?safe=0x…"},
    }


@router.get(
    "/pause/safe.json",
    response_class=Response,
    responses={
        200: {
            "description": "Safe Transaction-Builder JSON",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        **_READ,
    },
)
def pause_safe(
    service: ServiceOf,
    operator: Operator,  # noqa: ARG001
    safe: Annotated[Wallet, Query(description="the Safe that holds GUARDIAN")],
) -> Response:
    """`pause` of Checkout and PayoutVault for a Safe."""
    text = pause_file(service.site, safe=safe, created_at_ms=service.clock.now_ms())
    headers = {"Content-Disposition": 'attachment; filename="pause.json"'}
    return Response(text, media_type="application/json", headers=headers)
