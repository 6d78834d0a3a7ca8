"""The console's pages of what an operator does once a day: held payouts, unmatched payments, batches."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from liqpass.domain.batch_state import OPEN_STATES
from liqpass.domain.batching import BatchingError
from liqpass.domain.claim_state import ClaimState
from liqpass.entrypoints.answers import money
from liqpass.entrypoints.web.api.own import BatchId
from liqpass.entrypoints.web.identity import ServiceOf
from liqpass.entrypoints.web.pages.desk import desk_page, desk_session
from liqpass.entrypoints.web.pages.failures import PageRoute
from liqpass.entrypoints.web.pages.networks import network_of
from liqpass.payouts import BatchView
from liqpass.ports import ChainError
from liqpass.refusals import UseCaseError

router = APIRouter(prefix="/console", route_class=PageRoute)


@dataclass(frozen=True, slots=True)
class Command:
    """Who types what, and what it does."""

    who: str
    what: str
    line: str


@router.get("/held")
def held(request: Request, service: ServiceOf) -> Response:
    """Payouts that USDC refused."""
    session = desk_session(request, service)
    if isinstance(session, Response):
        return session
    found = service.use_cases.reviewing.listed(state=ClaimState.HELD)
    return desk_page(request, service, session, "held.html", claims=found)


@router.get("/unmatched")
def unmatched(request: Request, service: ServiceOf, *, resolved: bool = False) -> Response:
    """Payments that cover nothing."""
    session = desk_session(request, service)
    if isinstance(session, Response):
        return session
    found = service.use_cases.paying.unmatched(open_only=not resolved)
    return desk_page(request, service, session, "unmatched.html", payments=found, resolved=resolved)


@router.get("/batches")
def batches(request: Request, service: ServiceOf) -> Response:
    """What a batch built now would pay, carry over and leave out; and every batch."""
    session = desk_session(request, service)
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
    return desk_page(
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
    session = desk_session(request, service)
    if isinstance(session, Response):
        return session
    found = service.use_cases.viewing.batch(batch_id)
    return desk_page(
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
