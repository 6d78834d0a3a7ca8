"""Signing in and out, for the public and for the admin application."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from liqpass.domain.identifiers import checksum_address
from liqpass.entrypoints.answers import iso
from liqpass.entrypoints.shapes.sessions import NonceAnswer, SessionAnswer
from liqpass.entrypoints.web.api.forms import NonceForm, SignInForm, problems
from liqpass.entrypoints.web.identity import (
    ServiceOf,
    check_origin,
    drop_session_cookie,
    session_of,
    set_session_cookie,
)
from liqpass.entrypoints.web.problems import Problem
from liqpass.entrypoints.web.rate import COSTLY
from liqpass.entrypoints.web.routes import SessionRoute
from liqpass.entrypoints.web.service import Access, Realm
from liqpass.identity import same_secret
from liqpass.records import Session


@cache  # as long-lived as the other routers, which are made once: making one takes 50 ms
def sessions_router(realm: Realm) -> APIRouter:
    """Sign-in of one realm: /api/… for buyers, /admin/… for those with a role."""
    prefix, name = ("/admin", "admin") if realm is Realm.ADMIN else ("/api", "buyer")
    router = APIRouter(prefix=prefix, tags=[f"sign-in ({name})"], route_class=SessionRoute)

    @router.post(
        "/sign-in/nonce",
        responses=problems(403, 408, 413, 415, 422),
        name=f"{name}_nonce",
    )
    def nonce(request: Request, service: ServiceOf, form: NonceForm) -> NonceAnswer:
        """The text that this wallet signs to sign in."""
        check_origin(request, realm)
        origin = service.access.origin(realm)
        return {"message": service.signing_in.message(form.address, origin=origin, realm=realm)}

    @router.post(
        "/sign-in",
        responses=problems(403, 408, 413, 415, 422),
        dependencies=[COSTLY],
        name=f"{name}_sign_in",
    )
    def sign_in(request: Request, response: Response, service: ServiceOf, form: SignInForm) -> SessionAnswer:
        """Begin a session, in a cookie. The message's nonce counts once."""
        check_origin(request, realm)
        message = service.signing_in.signer(
            form.message, form.signature, origin=service.access.origin(realm), realm=realm
        )
        if realm is Realm.ADMIN and not _roles(service.access, message.address, realm):
            raise Problem(403, "ROLE_MISSING", "this wallet is neither reviewer nor operator")
        token, session = service.signing_in.begin(message, realm=realm)
        lasts_s = (session.expires_at_ms - session.created_at_ms) // 1000
        set_session_cookie(response, realm, token, max_age_s=lasts_s)
        return session_answer(session, service.access, realm)

    @router.post(
        "/sign-out",
        responses=problems(403, 408, 413, 415, 422),
        name=f"{name}_sign_out",
    )
    def sign_out(request: Request, response: Response, service: ServiceOf) -> SessionAnswer:
        """End the session; without one, nothing happens."""
        session = session_of(request, realm)
        if session is not None:
            check_origin(request, realm)
            if not same_secret(request.headers.get("x-csrf-token", ""), session.csrf.encode()):
                raise Problem(403, "CSRF_TOKEN_WRONG", "X-CSRF-Token is missing or not that of this session")
            service.signing_in.end(session)
        drop_session_cookie(response, realm)
        return session_answer(None, service.access, realm)

    @router.get("/session", responses=problems(), name=f"{name}_session")
    def session(request: Request, service: ServiceOf) -> SessionAnswer:
        """Who is signed in; all null where nobody is."""
        return session_answer(session_of(request, realm), service.access, realm)

    return router


def session_answer(session: Session | None, access: Access, realm: Realm) -> SessionAnswer:
    """A session as its holder may see it."""
    if session is None:
        return {"address": None, "roles": [], "csrfToken": None, "expiresAt": None}
    return {
        "address": checksum_address(session.address),
        "roles": _roles(access, session.address, realm),
        "csrfToken": session.csrf,
        "expiresAt": iso(session.expires_at_ms),
    }


def _roles(access: Access, address: str, realm: Realm) -> list[str]:
    if realm is Realm.PUBLIC:
        return ["buyer"]
    roles = (("reviewer", access.reviewers), ("operator", access.operators))
    return [role for role, wallets in roles if address in wallets]
