"""Error pages: in words, with the request's id, and without anything that came in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from liqpass.entrypoints.web.identity import realm_of
from liqpass.entrypoints.web.pages.rendering import rendered
from liqpass.entrypoints.web.problems import problem_of, problem_response

_API = ("/api/", "/admin", "/internal", "/quote", "/purchase", "/claim", "/healthz", "/readyz", "/metrics")


@dataclass(frozen=True, slots=True)
class _Words:
    heading: str
    text: str
    retry: bool = False


_NOT_FOUND = _Words("Page not found", "There is nothing at this address, or it is not yours to see.")
_WORDS = {
    401: _Words("Sign in first", "This page belongs to somebody: sign in with your wallet to see it."),
    403: _Words("Not allowed", "Your wallet does not have the role that this page needs."),
    404: _NOT_FOUND,
    405: _Words("This page cannot be sent to", "Scripts must be on in your browser for its forms to work."),
    422: _NOT_FOUND,
    429: _Words("Too many requests", "Wait a minute, then try again.", retry=True),
    503: _Words(
        "Not available right now",
        "Something that this page needs does not answer. Nothing is lost; try again in a moment.",
        retry=True,
    ),
}
_WORDS[502] = _WORDS[503]
_FAULT = _Words(
    "Something went wrong on our side",
    "We have made a note of it. Nothing was half done; try again, and tell us if it stays.",
    retry=True,
)


def error_response(request: Request, error: Exception) -> Response:
    """An error as its caller reads it: a page for a person at a page's address, else problem details."""
    if request.url.path.startswith(_API) or "text/html" not in request.headers.get("accept", "text/html"):
        return problem_response(request, error)
    return error_page(request, error)


def error_page(request: Request, error: Exception) -> Response:
    """The page of an error. It reads no session: the database may be what failed."""
    problem = problem_of(error)
    if problem is None:
        problem_response(request, error)  # logs the fault without its values
    status = 500 if problem is None else problem.status
    words = _WORDS.get(status, _FAULT)
    context = {
        "heading": words.heading,
        "text": words.text,
        "retry": words.retry and request.method == "GET",
        "path": request.url.path,
        "request_id": str(request.scope.get("liqpass_request_id", "")),
    }
    status = 404 if words is _NOT_FOUND else status
    return HTMLResponse(rendered(request, "error.html", None, realm_of(request), context), status)


class PageRoute(APIRoute):
    """A route of a page: whatever it raises becomes an error page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, wrapped."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:  # noqa: BLE001  # each becomes a page here, a fault of ours a logged 500
                return error_page(request, error)

        return answer
