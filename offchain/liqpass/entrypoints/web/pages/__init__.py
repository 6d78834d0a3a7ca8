"""Server-rendered pages: GET only, changes go through the JSON API."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from liqpass.entrypoints.web.pages.console import router as console_router
from liqpass.entrypoints.web.pages.console_payouts import router as payouts_router
from liqpass.entrypoints.web.pages.proof import router as proof_router
from liqpass.entrypoints.web.pages.user import router as user_router
from liqpass.entrypoints.web.service import Part

STATIC = Path(__file__).parent / "static"


class _Static(StaticFiles):
    """Styles and scripts. Browsers keep them and ask whether they have changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or 304 for one that the browser has."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def add_pages(app: FastAPI, part: Part) -> None:
    """Put the pages of this part, and what they load, into the application."""
    if part is not Part.ADMIN:
        app.include_router(user_router, include_in_schema=False)
        app.include_router(proof_router, include_in_schema=False)
    if part is not Part.PUBLIC:
        app.include_router(console_router, include_in_schema=False)
        app.include_router(payouts_router, include_in_schema=False)
    app.mount("/static", _Static(directory=STATIC), name="static")
