"""HTTP/1.1 as uvicorn speaks it, for connections that do ask something.

uvicorn waits for ever for the first request of a connection, and counts it against the limit of connections:
a few hundred silent ones from one address would shut everybody else out.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0  # in which the head of the first request must have come whole


class PromptProtocol(H11Protocol):
    """Closes a connection whose first request does not come in time; keep-alive bounds the later ones."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._silence = self.loop.call_later(HEAD_S, self._close_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop it."""
        self._silence.cancel()
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        asked: Any = self.scope
        if asked is None and not self.transport.is_closing():
            self.transport.close()
