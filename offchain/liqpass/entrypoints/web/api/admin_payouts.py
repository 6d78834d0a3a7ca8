"""What an operator does once a day: plan, build, export, report; payments that cover nothing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from liqpass.adapters.chain.safe_files import approval_file
from liqpass.entrypoints.answers import batch_answer, plan_answer, unmatched_answer
from liqpass.entrypoints.shapes.payouts import (
    BatchAnswer,
    BatchesAnswer,
    PlanAnswer,
    ResolvedAnswer,
    UnmatchedAnswer,
)
from liqpass.entrypoints.web.api.forms import ADMIN_PROBLEMS, ResolveForm, Wallet, problems
from liqpass.entrypoints.web.api.own import BatchId
from liqpass.entrypoints.web.identity import Admin, Operator, ServiceOf
from liqpass.entrypoints.web.routes import ApiRoute

router = APIRouter(prefix="/admin", tags=["payouts"], route_class=ApiRoute)
_FILES = problems(401, 403, 404, 422)


def _file(kind: str, description: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string"} if kind == "text/csv" else {"type": "object"}
    return {200: {"description": description, "content": {kind: {"schema": schema}}}, **_FILES}


def _download(data: bytes | str, name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)


@router.get("/payout/plan", responses={**_FILES, **problems(409)})
def plan(service: ServiceOf, admin: Admin) -> PlanAnswer:  # noqa: ARG001
    """What a batch built now would pay, carry over and leave out, with the reasons."""
    return plan_answer(service.use_cases.building.plan())


@router.post("/payout/batch", responses=ADMIN_PROBLEMS)
def build(service: ServiceOf, operator: Operator) -> PlanAnswer:
    """Freeze today's batch: claims approved before the cut-off, by approval time, up to the daily cap."""
    return plan_answer(service.use_cases.building.build(actor=operator.address))


@router.get("/payout/batches", responses=_FILES)
def batches(service: ServiceOf, admin: Admin) -> BatchesAnswer:  # noqa: ARG001
    """Batches, newest first."""
    return {"batches": [batch_answer(batch) for batch in service.use_cases.building.listed()]}


@router.get("/payout/batches/{batch_id}", responses=_FILES)
def batch(service: ServiceOf, admin: Admin, batch_id: BatchId) -> BatchAnswer:  # noqa: ARG001
    """A batch and its payouts."""
    return batch_answer(*service.use_cases.building.show(batch_id))


@router.get(
    "/payout/batches/{batch_id}/export.json",
    response_class=Response,
    responses={
        **_file("application/json", "batch-YYYYMMDD.json with every bundle: what approver and payer check"),
        **problems(409),
    },
)
def export(service: ServiceOf, operator: Operator, batch_id: BatchId) -> Response:
    """The file that the signers work from; the export is in the audit log with the file's hash."""
    data = service.use_cases.exporting.batch_file(batch_id, actor=operator.address)
    return _download(data, f"batch-{batch_id}.json", "application/json")


@router.get(
    "/payout/batches/{batch_id}/safe.json",
    response_class=Response,
    responses=_file("application/json", "Safe Transaction-Builder JSON"),
)
def safe(
    service: ServiceOf,
    operator: Operator,  # noqa: ARG001
    batch_id: BatchId,
    safe: Annotated[Wallet, Query(description="the Safe that holds APPROVER")],
) -> Response:
    """`approveBatch` for a Safe. Check the export first: `ape run payout approve --file … --dry-run`."""
    found, _ = service.use_cases.building.show(batch_id)
    text = approval_file(found, safe=safe, created_at_ms=service.clock.now_ms())
    return _download(text, f"approve-{batch_id}.json", "application/json")


@router.get(
    "/payout/batches/{batch_id}/report.csv",
    response_class=Response,
    responses=_file("text/csv", "RFC 4180; no cell is a formula; the last line is the audit anchor"),
)
def report_csv(service: ServiceOf, operator: Operator, batch_id: BatchId) -> Response:
    """The day's report."""
    report = service.use_cases.reporting.report(batch_id, actor=operator.address)
    return _download(report.as_csv(), f"report-{batch_id}.csv", "text/csv; charset=utf-8")


@router.get(
    "/payout/batches/{batch_id}/report.json",
    response_class=Response,
    responses=_file("application/json", "schema liqpass.report/1"),
)
def report_json(service: ServiceOf, operator: Operator, batch_id: BatchId) -> Response:
    """The day's report."""
    report = service.use_cases.reporting.report(batch_id, actor=operator.address)
    return _download(report.as_json(), f"report-{batch_id}.json", "application/json")


@router.get("/payments/unmatched", responses=_FILES)
def unmatched(service: ServiceOf, admin: Admin, *, resolved: bool = False) -> UnmatchedAnswer:  # noqa: ARG001
    """Payments that cover nothing, oldest first; with `resolved` those that were dealt with too."""
    rows = service.use_cases.paying.unmatched(open_only=not resolved)
    return {"payments": [unmatched_answer(row) for row in rows]}


@router.post("/payments/unmatched/resolve", responses=ADMIN_PROBLEMS)
def resolve(service: ServiceOf, operator: Operator, form: ResolveForm) -> ResolvedAnswer:
    """Close a payment with what was done about it, for example the refund's transaction."""
    service.use_cases.paying.resolve_unmatched(
        form.transaction, form.log_index, actor=operator.address, resolution=form.resolution
    )
    return {
        "transaction": form.transaction.lower(),
        "logIndex": form.log_index,
        "resolution": form.resolution,
    }
