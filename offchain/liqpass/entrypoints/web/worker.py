"""What a worker process runs: the application over the settings, one factory a part."""

from __future__ import annotations

from fastapi import FastAPI

from liqpass.bootstrap import Application
from liqpass.entrypoints.logs import log_to_stderr
from liqpass.entrypoints.web.app import create_app
from liqpass.entrypoints.web.service import Part, Service
from liqpass.settings import read_settings


def all_app() -> FastAPI:
    """Both applications on one origin."""
    return _app(Part.ALL)


def public_app() -> FastAPI:
    """The buyers' application."""
    return _app(Part.PUBLIC)


def admin_app() -> FastAPI:
    """The admin application and /internal."""
    return _app(Part.ADMIN)


def _app(part: Part) -> FastAPI:
    log_to_stderr()
    return create_app(Service.of(Application(read_settings())), part=part)
