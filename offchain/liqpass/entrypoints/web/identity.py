"""Who is asking: session cookies, roles, the internal key; changes must come from our own pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyCookie, APIKeyHeader
from starlette.requests import Request
from starlette.responses import Response

from liqpass.entrypoints.web.problems import Problem
from liqpass.entrypoints.web.service import Realm, Service
from liqpass.identity import same_secret
from liqpass.records import Session

# `__Host-`: sent to this very host only, over https (or to localhost), and no subdomain can set it.
COOKIES = {Realm.PUBLIC: "__Host-liqpass", Realm.ADMIN: "__Host-liqpass-admin"}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_buyer_cookie = APIKeyCookie(
    name=COOKIES[Realm.PUBLIC], scheme_name="buyer", description="POST /api/sign-in", auto_error=False
)
_admin_cookie = APIKeyCookie(
    name=COOKIES[Realm.ADMIN], scheme_name="admin", description="POST /admin/sign-in", auto_error=False
)
_internal_header = APIKeyHeader(name="x-internal-key", scheme_name="internal", auto_error=False)


def service_of(request: Request) -> Service:
    """The service behind the application that serves this request."""
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(service_of)]


def session_of(request: Request, realm: Realm) -> Session | None:
    """The session that the request's cookie names, read once a request."""
    known: dict[Realm, Session | None] = request.scope.setdefault("liqpass_sessions", {})
    if realm not in known:
        token = request.cookies.get(COOKIES[realm])
        service = service_of(request)
        known[realm] = None if not token else service.signing_in.session(token, realm=realm)
    return known[realm]


def client_of(request: Request) -> str:
    """The client's address: the proxy's word where the proxy is trusted (`LIQPASS_TRUSTED_PROXIES`)."""
    return request.client.host if request.client is not None else "unknown"


def realm_of(request: Request) -> Realm:
    """Whose pages this path belongs to."""
    path = request.url.path
    return Realm.ADMIN if path.startswith(("/admin", "/console")) else Realm.PUBLIC


def caller_of(request: Request) -> str | None:
    """Whose Idempotency-Keys these are: the internal caller's, or a wallet's in one realm; None: nobody's."""
    if request.url.path.startswith("/internal"):
        return "internal" if _has_internal_key(request) else None
    session = session_of(request, realm_of(request))
    return None if session is None else f"{session.realm}/{session.address}"


def check_origin(request: Request, realm: Realm) -> None:
    """Refuse a change that another site's page asks for. Raises Problem.

    Browsers send Origin with every POST; a caller that is no browser sends none and has no cookie to misuse.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != service_of(request).access.origin(realm):
        raise Problem(403, "CROSS_SITE", "this request comes from another site's page")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "CROSS_SITE", "this request comes from another site's page")


def _require(request: Request, realm: Realm) -> Session:
    session = session_of(request, realm)
    if session is None:
        raise Problem(401, "SIGN_IN_REQUIRED", "sign in with your wallet")
    if request.method not in _SAFE:
        check_origin(request, realm)
        if not same_secret(request.headers.get("x-csrf-token", ""), session.csrf.encode()):
            raise Problem(403, "CSRF_TOKEN_WRONG", "X-CSRF-Token is missing or not that of this session")
    return session


def buyer(request: Request, _cookie: Annotated[str | None, Security(_buyer_cookie)]) -> Session:
    """Somebody who signed in with a wallet."""
    return _require(request, Realm.PUBLIC)


def admin(request: Request, _cookie: Annotated[str | None, Security(_admin_cookie)]) -> Session:
    """Somebody who signed in to the admin application and still has a role there."""
    session = _require(request, Realm.ADMIN)
    access = service_of(request).access
    if session.address not in access.reviewers | access.operators:
        raise Problem(403, "ROLE_MISSING", "this wallet has no role here any more")
    return session


def reviewer(request: Request, session: Annotated[Session, Depends(admin)]) -> Session:
    """A reviewer: decides claims."""
    if session.address not in service_of(request).access.reviewers:
        raise Problem(403, "ROLE_MISSING", "this takes the role reviewer (LIQPASS_REVIEWERS)")
    return session


def operator(request: Request, session: Annotated[Session, Depends(admin)]) -> Session:
    """An operator: builds batches, pauses, resolves payments."""
    if session.address not in service_of(request).access.operators:
        raise Problem(403, "ROLE_MISSING", "this takes the role operator (LIQPASS_OPERATORS)")
    return session


def internal(request: Request, _key: Annotated[str | None, Security(_internal_header)]) -> str:
    """A caller with the internal key; its name in the audit log."""
    if not _has_internal_key(request):
        raise Problem(401, "INTERNAL_KEY_WRONG", "x-internal-key is missing or wrong")
    return "internal"


def _has_internal_key(request: Request) -> bool:
    wanted = service_of(request).access.internal_key
    # Compared also where none is set, so that the answer's time tells nothing.
    same = same_secret(request.headers.get("x-internal-key", ""), wanted or b"\x00" * 32)
    return same and wanted is not None


Buyer = Annotated[Session, Depends(buyer)]
Admin = Annotated[Session, Depends(admin)]
Reviewer = Annotated[Session, Depends(reviewer)]
Operator = Annotated[Session, Depends(operator)]
Internal = Annotated[str, Depends(internal)]


def set_session_cookie(response: Response, realm: Realm, token: str, *, max_age_s: int) -> None:
    """Give the browser its session."""
    response.set_cookie(
        COOKIES[realm], token, max_age=max_age_s, path="/", secure=True, httponly=True, samesite="strict"
    )


def drop_session_cookie(response: Response, realm: Realm) -> None:
    """Take it back."""
    response.delete_cookie(COOKIES[realm], path="/", secure=True, httponly=True, samesite="strict")
