"""The request that is being served, so that whatever it changes can be traced back to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("liqpass_request_id", default=None)


def current_request_id() -> str | None:
    """The id, None outside any request (command line, housekeeping)."""
    return _current.get()


@contextmanager
def serving_request(request_id: str) -> Iterator[None]:
    """Everything inside, threads that copy this context included, belongs to the request."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
