"""For monitors: whether the process lives, whether it can serve, and Prometheus metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response
from typing_extensions import TypedDict  # pydantic takes `typing`'s own from Python 3.12 on

from liqpass.adapters.database.migrate import current, head
from liqpass.entrypoints.shapes.values import exact
from liqpass.entrypoints.web.api.forms import problems
from liqpass.entrypoints.web.api.metrics import CONTENT_TYPE, exposition
from liqpass.entrypoints.web.identity import ServiceOf
from liqpass.entrypoints.web.problems import Problem
from liqpass.entrypoints.web.routes import ApiRoute

router = APIRouter(tags=["monitoring"], route_class=ApiRoute)
# The business in figures: not where buyers are served alone.
metrics_router = APIRouter(tags=["monitoring"], route_class=ApiRoute)


@exact
class Health(TypedDict):
    """`ok`."""

    status: Annotated[str, Field(examples=["ok"])]


@router.get("/healthz", responses=problems())
def healthz() -> Health:
    """The process answers; nothing else is asked."""
    return {"status": "ok"}


@router.get("/readyz", responses=problems())
def readyz(service: ServiceOf) -> Health:
    """The database answers at this version's schema, and the clock runs (locally: the node)."""
    found = current(service.engine)
    if found != head():
        raise Problem(503, "SCHEMA_DIFFERS", "the database is of another version: liqpass db upgrade")
    service.clock.now_ms()
    return {"status": "ok"}


@metrics_router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus text format, amounts in USDC",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **problems(),
    },
)
def metrics(service: ServiceOf) -> Response:
    """What Prometheus scrapes; every figure is read from the book, so any worker may answer."""
    return Response(exposition(service), media_type=CONTENT_TYPE)
