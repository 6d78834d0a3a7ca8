"""The pages of reviewers and operators. Everything that they change goes through the admin API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from liqpass.domain.claim_state import ClaimState
from liqpass.domain.evidence import Event
from liqpass.entrypoints.answers import parameters_answer
from liqpass.entrypoints.web.api.own import ClaimId
from liqpass.entrypoints.web.identity import ServiceOf, session_of
from liqpass.entrypoints.web.pages import actions, gauges, states
from liqpass.entrypoints.web.pages.desk import desk_page, desk_session
from liqpass.entrypoints.web.pages.failures import PageRoute
from liqpass.entrypoints.web.pages.networks import network_of
from liqpass.entrypoints.web.pages.rendering import duration, page
from liqpass.entrypoints.web.service import Realm
from liqpass.overseeing import Overview
from liqpass.refusals import InvalidInputError

router = APIRouter(prefix="/console", route_class=PageRoute)
DAYS = 14
PAGE = 50
_TABS = ("PENDING", "FAILED", "VERIFYING", "APPROVED", "BATCHED", "HELD", "PAID", "REJECTED")


@dataclass(frozen=True, slots=True)
class Tab:
    """One state of the queue; `count` None: not counted."""

    path: str
    label: str
    count: int | None
    current: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of the overview; `path` empty where there is no page of it."""

    label: str
    value: str
    path: str = ""


@router.get("/sign-in")
def sign_in(request: Request, service: ServiceOf, then: str = "/console") -> Response:
    """Where a role begins."""
    session = session_of(request, Realm.ADMIN)
    inside = then if then == "/console" or then.startswith("/console/") else "/console"
    if session is not None and session.address in service.access.reviewers | service.access.operators:
        return RedirectResponse(inside, 303)
    return page(request, "sign_in.html", realm=Realm.ADMIN, then=inside)


@router.get("")
def overview(request: Request, service: ServiceOf) -> Response:
    """Warnings, gauges, what waits, and the switches."""
    session = desk_session(request, service)
    if isinstance(session, Response):
        return session
    overseeing = service.use_cases.overseeing
    seen = overseeing.overview()
    days = overseeing.per_day(DAYS)
    ape = network_of(service.site.chain_id).ape
    return desk_page(
        request,
        service,
        session,
        "overview.html",
        alerts=overseeing.alerts(seen),
        gauges=gauges.gauges_of(seen),
        chart=gauges.chart(days),
        days=days,
        work=_work(seen),
        reasons=seen.book.open_by_reason,
        paused=seen.book.paused,
        pause_command=f"ape run pause --all --account GUARDIAN --network {ape}",
        parameters=service.parameters,
        parameter_rows=parameters_answer(service.parameters)["parameters"],
    )


def _work(seen: Overview) -> list[Row]:
    book = seen.book
    oldest_ms = book.oldest_pending_ms
    claims = [
        Row(shown.label, str(book.claims_by_state[state]), _path(status=state))
        for state, shown in states.CLAIMS.items()
        if state not in ("PAID", "REJECTED", "HELD")
    ]
    stuck = "no journals on this machine" if seen.stuck is None else str(len(seen.stuck))
    audit = "as it should be" if seen.audit.fault is None else f"fault at entry {seen.audit.fault.seq}"
    lag_ms = book.sync_lag_ms
    return [
        *claims,
        Row("Oldest review", "none waits" if oldest_ms is None else f"for {duration(oldest_ms // 1000)}"),
        Row("Held payouts", str(book.held), "/console/held"),
        Row("Unmatched payments", str(book.unmatched), "/console/unmatched"),
        Row("Open batches", str(len(book.open_batches)), "/console/batches"),
        Row("Dead fetches", str(book.dead_fetches)),
        Row("Stuck transactions", stuck),
        Row("Chain read until", "nothing read" if lag_ms is None else f"{duration(lag_ms // 1000)} ago"),
        Row("Audit log", f"{seen.audit.verified} of {seen.audit.count} entries verified, {audit}"),
    ]


@router.get("/claims")
def claims(  # noqa: PLR0917  # a query has that many parts
    request: Request,
    service: ServiceOf,
    status: str = "PENDING",
    verdict: Literal["", "ELIGIBLE", "NEEDS_REVIEW", "NOT_ELIGIBLE"] = "",
    search: Annotated[str, Query(max_length=66)] = "",
    cursor: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """The queue, a page at a time."""
    session = desk_session(request, service)
    if isinstance(session, Response):
        return session
    state = ClaimState(status) if status in _TABS else None
    overseeing, fault = service.use_cases.overseeing, ""
    wanted: dict[str, Any] = {"state": state, "verdict": verdict or None, "limit": PAGE}
    try:
        found = overseeing.queue(**wanted, search=search.strip(), cursor=cursor)
    except InvalidInputError as error:  # what was typed means nothing: the list stays, with the reason
        found, fault = overseeing.queue(**wanted, search="", cursor=""), str(error)
    asked = {"status": status, "verdict": verdict, "search": search}
    return desk_page(
        request,
        service,
        session,
        "claims.html",
        tabs=_tabs(found.counts, status),
        verdicts=states.VERDICTS,
        status=status,
        verdict=verdict,
        search=search,
        search_fault=fault,
        page=found,
        reset=_path(status=status),
        first_page=_path(**asked) if cursor else "",
        next_page=_path(**asked, cursor=found.next) if found.next else "",
    )


def _tabs(counts: Mapping[str, int], status: str) -> list[Tab]:
    tabs = [
        Tab(_path(status=name), states.CLAIMS[name].label, counts.get(name, 0), name == status)
        for name in _TABS
    ]
    return [*tabs, Tab(_path(status="ALL"), "All", None, status not in _TABS)]


def _path(**query: str) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"/console/claims?{urlencode(given)}" if given else "/console/claims"


@router.get("/claims/{claim_id}")
def claim(request: Request, service: ServiceOf, claim_id: ClaimId) -> Response:
    """One claim: recommendation, evidence, history, and what may be decided."""
    session = desk_session(request, service)
    if isinstance(session, Response):
        return session
    seen = service.use_cases.overseeing.claim(claim_id)
    counting = seen.claim.counting(seen.reviews)
    return desk_page(
        request,
        service,
        session,
        "claim.html",
        seen=seen,
        event=None if seen.claim.event is None else Event.from_json(json.loads(seen.claim.event)),
        reviews=[(review, review in counting) for review in seen.reviews],
        actions=actions.actions(seen.claim, seen.reviews, session.address),
        hint=actions.second_reviewer_hint(seen.claim, seen.reviews, session.address),
        own=actions.is_own(seen.claim, seen.order.buyer, session.address),
    )
