"""Who may see the console, and what every page of it knows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from liqpass.entrypoints.web.identity import session_of
from liqpass.entrypoints.web.pages.rendering import page
from liqpass.entrypoints.web.service import Realm, Service
from liqpass.records import Session


def desk_session(request: Request, service: Service) -> Session | Response:
    """Whoever is signed in with a role; else the answer that leads to it."""
    session = session_of(request, Realm.ADMIN)
    if session is None:
        query = urlencode({"then": request.url.path})
        return RedirectResponse(f"/console/sign-in?{query}", 303)
    if session.address not in service.access.reviewers | service.access.operators:
        return page(request, "sign_in.html", realm=Realm.ADMIN, http_status=403, then="/console")
    return session


def desk_page(
    request: Request, service: Service, session: Session, template: str, **context: Any
) -> Response:
    """A page of the console for this session; it knows which roles look at it."""
    return page(
        request,
        f"console/{template}",
        realm=Realm.ADMIN,
        is_reviewer=session.address in service.access.reviewers,
        is_operator=session.address in service.access.operators,
        **context,
    )
