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

from liqpass.domain.batch_state import OPEN_STATES
from liqpass.domain.batching import BatchingError
from liqpass.domain.claim_state import ClaimState
from liqpass.domain.evidence import Event
from liqpass.entrypoints.answers import money, parameters_answer
from liqpass.entrypoints.web.api.own import BatchId, ClaimId
from liqpass.entrypoints.web.identity import ServiceOf, session_of
from liqpass.entrypoints.web.pages import actions, gauges, states
from liqpass.entrypoints.web.pages.failures import PageRoute
from liqpass.entrypoints.web.pages.networks import network_of
from liqpass.entrypoints.web.pages.rendering import duration, page
from liqpass.entrypoints.web.service import Realm, Service
from liqpass.overseeing import Overview
from liqpass.payouts.viewing import BatchView
from liqpass.ports import ChainError
from liqpass.records import Session
from liqpass.refusals import InvalidInputError, UseCaseError

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


@dataclass(frozen=True, slots=True)
class Command:
    """Who types what, and what it does."""

    who: str
    what: str
    line: str


def _session(request: Request, service: Service) -> Session | Response:
    """Whoever is signed in with a role; else the answer that leads to it."""
    session = session_of(request, Realm.ADMIN)
    if session is None:
        query = urlencode({"then": request.url.path})
        return RedirectResponse(f"/console/sign-in?{query}", 303)
    if session.address not in service.access.reviewers | service.access.operators:
        return page(request, "sign_in.html", realm=Realm.ADMIN, http_status=403, then="/console")
    return session


def _page(request: Request, service: Service, session: Session, template: str, **context: Any) -> Response:
    return page(
        request,
        f"console/{template}",
        realm=Realm.ADMIN,
        is_reviewer=session.address in service.access.reviewers,
        is_operator=session.address in service.access.operators,
        **context,
    )


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
    session = _session(request, service)
    if isinstance(session, Response):
        return session
    overseeing = service.use_cases.overseeing
    seen = overseeing.overview()
    days = overseeing.per_day(DAYS)
    ape = network_of(service.site.chain_id).ape
    return _page(
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
    session = _session(request, service)
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
    return _page(
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
    session = _session(request, service)
    if isinstance(session, Response):
        return session
    seen = service.use_cases.overseeing.claim(claim_id)
    counting = seen.claim.counting(seen.reviews)
    return _page(
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


@router.get("/held")
def held(request: Request, service: ServiceOf) -> Response:
    """Payouts that USDC refused."""
    session = _session(request, service)
    if isinstance(session, Response):
        return session
    found = service.use_cases.reviewing.listed(state=ClaimState.HELD)
    return _page(request, service, session, "held.html", claims=found)


@router.get("/unmatched")
def unmatched(request: Request, service: ServiceOf, *, resolved: bool = False) -> Response:
    """Payments that cover nothing."""
    session = _session(request, service)
    if isinstance(session, Response):
        return session
    found = service.use_cases.paying.unmatched(open_only=not resolved)
    return _page(request, service, session, "unmatched.html", payments=found, resolved=resolved)


@router.get("/batches")
def batches(request: Request, service: ServiceOf) -> Response:
    """What a batch built now would pay, carry over and leave out; and every batch."""
    session = _session(request, service)
    if isinstance(session, Response):
        return session
    draft, fault = None, ""
    try:
        draft = service.use_cases.building.plan()
    except (UseCaseError, ChainError, BatchingError) as error:
        fault = str(error)
    listed = service.use_cases.building.listed()
    why_not = ""
    if draft is not None:
        paused = service.controlling.paused()
        if session.address not in service.access.operators:
            why_not = "An operator builds the batch."
        elif paused is not None:
            why_not = f"Batch building is paused: {paused}"
        elif any(batch.id == draft.plan.batch_id for batch in listed):
            why_not = "Today's batch is built already: there is one a day."
        elif not draft.plan.planned:
            why_not = "There is nothing to pay today."
    return _page(
        request,
        service,
        session,
        "batches.html",
        draft=draft,
        plan_fault=fault,
        why_not=why_not,
        batches=listed,
        daily_cap=service.parameters.daily_cap,
    )


@router.get("/batches/{batch_id}")
def batch(request: Request, service: ServiceOf, batch_id: BatchId) -> Response:
    """One batch: what was frozen, who does what next, and what came of it."""
    session = _session(request, service)
    if isinstance(session, Response):
        return session
    found = service.use_cases.viewing.batch(batch_id)
    return _page(
        request,
        service,
        session,
        "batch.html",
        found=found,
        is_open=found.batch.state in OPEN_STATES,
        commands=_commands(found),
    )


def _commands(found: BatchView) -> list[Command]:
    batch = found.batch
    ape = network_of(batch.chain_id).ape
    checked = f"--file batch-{batch.id}.json" + (
        f" --allow-manual {len(found.manual)}" if found.manual else ""
    )
    by_hand = " It names how many orders were marked paid by hand." if found.manual else ""
    return [
        Command(
            "Approver",
            "Checks the file against the chain, decides every claim again, approves the root." + by_hand,
            f"ape run payout approve {checked} --account APPROVER --network {ape}",
        ),
        Command(
            "Treasury",
            "Brings what the batch pays into the vault, where it is not there.",
            f"ape run payout fund --amount {money(batch.total)} --account TREASURY --network {ape}",
        ),
        Command(
            "Payer",
            "Checks the same and pays. Run it again after an interruption: nothing is paid twice.",
            f"ape run payout execute {checked} --account PAYER --network {ape}",
        ),
        Command(
            "Payer, at the end",
            "Empties the vault into the treasury.",
            f"ape run sweep --account PAYER --network {ape}",
        ),
    ]
