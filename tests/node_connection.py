"""A cheap connection to a test's own node: web3's, on `requests`, costs more than the node itself.

For the tests only: for the node that ape started, and for those that a test names with `own_node`. Commands
keep web3's wherever else they turn to: to a node that cuts a line, or answers with nonsense.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import ape_ethereum.provider
import ape_foundry.provider
import requests
from web3 import HTTPProvider
from web3._utils.http import DEFAULT_HTTP_TIMEOUT
from web3._utils.http_session_manager import HTTPSessionManager
from web3.types import RPCEndpoint

_own_urls: set[str] = set()


def pytest_configure() -> None:
    """Use it for every node that ape starts in this process, and for the tests' own."""
    ape_foundry.provider.HTTPProvider = NodeProvider
    ape_ethereum.provider.HTTPProvider = _provider_of


@contextmanager
def own_node(url: str) -> Iterator[None]:
    """Meanwhile ape's commands in this process use it for that node."""
    _own_urls.add(url)
    try:
        yield
    finally:
        _own_urls.remove(url)


def _provider_of(endpoint_uri: str, **named: Any) -> HTTPProvider:
    kind = NodeProvider if endpoint_uri in _own_urls else HTTPProvider
    return kind(endpoint_uri, **named)


class NodeConnection(HTTPSessionManager):
    """One socket a thread, a request in one packet.

    Fails as `requests` does: ConnectionError, ReadTimeout, HTTPError.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._kept = threading.local()

    def make_post_request(self, _url: Any, data: Any, **named: Any) -> bytes:
        try:
            status, answer = self._ask(data, named.get("timeout", DEFAULT_HTTP_TIMEOUT))
        except TimeoutError as error:
            self._drop()
            raise requests.ReadTimeout(str(error)) from error
        except (OSError, HTTPException) as error:
            self._drop()
            raise requests.ConnectionError(str(error)) from error
        if status != 200:
            raise requests.HTTPError(f"the node answered with status {status}")
        return answer

    def _ask(self, data: bytes, timeout_s: float) -> tuple[int, bytes]:
        """Status and body."""
        line = self._line(timeout_s)
        host, port = self._address
        head = f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        line.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        with HTTPResponse(line, method="POST") as response:
            response.begin()
            answer = response.read()
            if response.will_close:
                self._drop()
            return response.status, answer

    def _line(self, timeout_s: float) -> socket.socket:
        """The thread's socket; a new one if there is none, or if the node has closed it."""
        line: socket.socket | None = getattr(self._kept, "line", None)
        if line is not None and select.select([line], [], [], 0)[0]:
            self._drop()
            line = None
        if line is None:
            line = socket.create_connection(self._address, timeout_s)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._kept.line = line
        line.settimeout(timeout_s)
        return line

    def _drop(self) -> None:
        line: socket.socket | None = getattr(self._kept, "line", None)
        if line is not None:
            line.close()
            self._kept.line = None


class NodeProvider(HTTPProvider):
    """web3's, on such a connection. It asks for the chain's id once; web3 does before each call."""

    def __init__(self, url: str, **named: Any) -> None:
        super().__init__(
            url,
            cache_allowed_requests=True,
            cacheable_requests={RPCEndpoint("eth_chainId")},
            request_cache_validation_threshold=None,
            **named,
        )
        self._request_session_manager = NodeConnection(url)
