"""Every error as problem details (RFC 9457) with a stable code; no message quotes what came in."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from liqpass.adapters.database.engine import DatabaseError
from liqpass.domain.batching import BatchingError
from liqpass.domain.evidence import EvidenceError
from liqpass.domain.machine import IllegalTransition
from liqpass.ports import ChainError, OkxFetchError
from liqpass.ports.idempotency import IdempotencyError, InFlightError
from liqpass.records import StaleStateError
from liqpass.refusals import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PausedError,
    RefusedError,
    UseCaseError,
)

MEDIA_TYPE = "application/problem+json"
MAX_FAULTS = 20  # told of one request
log = logging.getLogger("liqpass.web")


class FieldFault(BaseModel):
    """What is wrong with one field of the request."""

    field: str = Field(examples=["body.premiumAmountUsdc"])
    message: str = Field(examples=["Input should be a valid string"])


class ProblemAnswer(BaseModel):
    """RFC 9457. `code` is stable; `reasons` are stable codes too; `detail` is for a person."""

    model_config = ConfigDict(populate_by_name=True)

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["order 5b0c… is COVERED"])
    code: str = Field(examples=["PURCHASE_ORDER_ALREADY_PAID"])
    reasons: list[str] = Field(default_factory=list, examples=[["PURCHASE_ORDER_ALREADY_PAID"]])
    request_id: str = Field("", alias="requestId", examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    errors: list[FieldFault] | None = Field(None, examples=[None])


class Problem(Exception):  # noqa: N818  # the RFC's own word
    """An answer that is an error. Routes and dependencies raise it."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        reasons: Sequence[str] = (),
        errors: list[FieldFault] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.reasons = [str(reason) for reason in reasons]
        self.errors = errors
        self.headers = dict(headers or {})
        super().__init__(detail)

    def response(self, request_id: str) -> Response:
        """As it is sent."""
        answer = ProblemAnswer(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            reasons=self.reasons,
            requestId=request_id,
            errors=self.errors,
        )
        content = answer.model_dump_json(by_alias=True, exclude_none=True)
        return Response(content, self.status, self.headers, MEDIA_TYPE)


# The first that fits. What the outside world does is 502 or 503: the request may be sent again.
_USE_CASE: tuple[tuple[type[UseCaseError], int, str], ...] = (
    (NotFoundError, 404, "NOT_FOUND"),
    (PausedError, 409, "SALES_PAUSED"),
    (ConflictError, 409, "CONFLICT"),
    (RefusedError, 422, "REFUSED"),
    (InvalidInputError, 422, "INVALID_INPUT"),
)
_RETRY = {"Retry-After": "5"}


def problem_of(error: Exception) -> Problem | None:
    """The answer to an expected error; None for a fault of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, UseCaseError):
        status, code = next(
            ((status, code) for kind, status, code in _USE_CASE if isinstance(error, kind)), (422, "REFUSED")
        )
        first = str(error.reasons[0]) if error.reasons else code
        return Problem(status, first, str(error), reasons=[str(reason) for reason in error.reasons])
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        return _of_framework(error)
    return _conflict(error) or _outside(error)


def problem_response(request: Request, error: Exception) -> Response:
    """The answer to any error; a fault of ours is logged by its kind and place, never with its values."""
    request_id = str(request.scope.get("liqpass_request_id", ""))
    problem = problem_of(error)
    if problem is None:
        log.error("fault %s request %s", type(error).__name__, request_id, exc_info=_without_values(error))
        problem = Problem(500, "INTERNAL", "something went wrong on our side; nothing was half done")
    return problem.response(request_id)


def _conflict(error: Exception) -> Problem | None:
    if isinstance(error, IllegalTransition):
        return Problem(409, "ILLEGAL_TRANSITION", str(error))
    if isinstance(error, StaleStateError):
        return Problem(409, "STALE_STATE", f"another was faster: {error}")
    if isinstance(error, InFlightError):
        return Problem(409, "IDEMPOTENCY_IN_FLIGHT", str(error), headers=_RETRY)
    if isinstance(error, IdempotencyError):
        return Problem(422, "IDEMPOTENCY_KEY_REUSED", str(error))
    if isinstance(error, (BatchingError, EvidenceError)):
        return Problem(409, "CONFLICT", str(error))
    return None


def _outside(error: Exception) -> Problem | None:
    if isinstance(error, OkxFetchError):
        if error.key_broken:
            return Problem(422, "OKX_KEY_BROKEN", str(error), reasons=[error.code])
        return Problem(502, "OKX_UNREADABLE", str(error), reasons=[error.code], headers=_RETRY)
    if isinstance(error, ChainError):
        return Problem(503, "CHAIN_UNAVAILABLE", str(error), headers=_RETRY)
    if isinstance(error, (OperationalError, PoolTimeoutError, DatabaseError)):
        # SQLAlchemy's own text quotes statements with their parameters.
        return Problem(503, "DATABASE_UNAVAILABLE", "the database does not answer now", headers=_RETRY)
    return None


def _invalid(error: RequestValidationError) -> Problem:
    # Only places and rules: the input itself may be a secret.
    faults = [
        FieldFault(field=".".join(str(part) for part in fault["loc"]), message=str(fault["msg"]))
        for fault in error.errors()[:MAX_FAULTS]
    ]
    return Problem(422, "INVALID_REQUEST", "the request does not have the form that is asked", errors=faults)


def _of_framework(error: HTTPException) -> Problem:
    codes = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
    code = codes.get(error.status_code, HTTPStatus(error.status_code).name)
    return Problem(error.status_code, code, HTTPStatus(error.status_code).phrase, headers=error.headers)


def _without_values(error: Exception) -> BaseException:
    # The traceback tells where; the message may quote a row or a request.
    bare = RuntimeError(f"{type(error).__name__}, message withheld")
    return bare.with_traceback(error.__traceback__)
