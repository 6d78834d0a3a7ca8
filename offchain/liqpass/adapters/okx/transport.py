"""One GET to OKX over HTTPS. There is no other verb here, and no way to ask for one.

Guarantees: only the paths of `Endpoint` at the hosts of `OKX_HOSTS`; no redirect, no proxy or netrc from the
environment, no cookie kept; a body is read in pieces up to a limit of size and of time, never decompressed
(we ask for `identity`, so the bytes kept are the bytes sent, and no compression bomb can unfold).
"""

from __future__ import annotations

import functools
import re
import ssl
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Protocol

import httpx

from liqpass.adapters.okx.errors import NotAllowedError, OkxError, RetryableError, UnreadableError
from liqpass.adapters.okx.responses import MAX_BODY_BYTES, RawResponse
from liqpass.adapters.okx.signing import Credentials, signed_headers
from liqpass.origins import OKX_HOSTS

TIMEOUT_S = 10.0
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
_QUERY_TEXT = re.compile(r"[A-Za-z0-9_,.-]{1,128}")


class Clock(Protocol):
    """Milliseconds since 1970."""

    def now_ms(self) -> int: ...


class Endpoint(StrEnum):
    """Every path that can be asked for."""

    TIME = "/api/v5/public/time"
    ACCOUNT_CONFIG = "/api/v5/account/config"
    POSITIONS = "/api/v5/account/positions"
    POSITIONS_HISTORY = "/api/v5/account/positions-history"
    ORDER = "/api/v5/trade/order"
    ORDERS_HISTORY = "/api/v5/trade/orders-history"
    ORDERS_HISTORY_ARCHIVE = "/api/v5/trade/orders-history-archive"


def checked_base_url(base_url: str, *, allow_any_host: bool) -> str:
    """`base_url` if it is `https://` and a host of OKX's, else NotAllowedError.

    `allow_any_host` (set by bootstrap for chain id 31337 only) accepts any other origin, for the simulator.
    """
    if not allow_any_host and base_url not in {f"https://{host}" for host in OKX_HOSTS}:
        raise NotAllowedError(f"not a host of OKX: use https:// and one of {', '.join(OKX_HOSTS)}")
    if not _ORIGIN.fullmatch(base_url):
        raise NotAllowedError("the address of OKX must be an origin such as https://www.okx.com")
    return base_url


def path_with_query(endpoint: Endpoint, params: Mapping[str, str]) -> str:
    """The request path, in the order of `params`. Raises NotAllowedError for what is not on the list.

    Values may hold only characters that need no escaping, so that nothing between here and OKX can rewrite
    what was signed.
    """
    path = str(endpoint)
    if path not in {str(known) for known in Endpoint}:
        raise NotAllowedError("this path of OKX is not on the allow-list")
    for text in (*params, *params.values()):
        if not _QUERY_TEXT.fullmatch(text):
            raise NotAllowedError("a parameter for OKX holds characters that are not allowed")
    query = "&".join(f"{name}={value}" for name, value in params.items())
    return f"{path}?{query}" if query else path


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for the process: reading the certificates takes longer than a request."""
    return httpx.create_ssl_context(trust_env=False)


class Transport:
    """Sends one GET at a time and keeps what came back.

    `http_transport` replaces the network in tests; `monotonic_s` is the stopwatch of the time limit.
    """

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        *,
        allow_any_host: bool = False,
        http_transport: httpx.BaseTransport | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = checked_base_url(base_url, allow_any_host=allow_any_host)
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._http = httpx.Client(
            transport=http_transport,
            verify=_tls(),
            trust_env=False,
            follow_redirects=False,
            timeout=TIMEOUT_S,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "liqpass"},
        )

    def close(self) -> None:
        self._http.close()

    def get(
        self, endpoint: Endpoint, params: Mapping[str, str], credentials: Credentials | None, offset_ms: int
    ) -> RawResponse:
        """One GET, signed at our time + `offset_ms` if credentials are given.

        Raises NotAllowedError, RetryableError (network, time), UnreadableError (size, compression). Any HTTP
        status is an answer. The errors of httpx are dropped, not chained: their frames hold our headers.
        """
        url = httpx.URL(self._base_url + path_with_query(endpoint, params))
        path = url.raw_path.decode()
        requested_at_ms = self._clock.now_ms()
        outcome = self._send(url, credentials, requested_at_ms + offset_ms)
        if isinstance(outcome, OkxError):
            raise outcome
        status, body = outcome
        return RawResponse("GET", path, status, requested_at_ms, self._clock.now_ms(), body)

    def _send(
        self, url: httpx.URL, credentials: Credentials | None, time_ms: int
    ) -> tuple[int, bytes] | OkxError:
        headers = signed_headers(credentials, time_ms, url.raw_path) if credentials else {}
        deadline_s = self._monotonic_s() + TIMEOUT_S
        try:
            with self._http.stream("GET", url, headers=headers) as response:
                if response.headers.get("content-encoding", "identity") != "identity":
                    return UnreadableError("OKX answered compressed though we asked it not to")
                body = bytearray()
                for piece in response.iter_raw():
                    body += piece
                    if len(body) > MAX_BODY_BYTES:
                        return UnreadableError(f"OKX answered with more than {MAX_BODY_BYTES} bytes")
                    if self._monotonic_s() > deadline_s:
                        return RetryableError(f"OKX took more than {TIMEOUT_S:.0f} s to answer")
                return response.status_code, bytes(body)
        except httpx.TimeoutException:
            return RetryableError("OKX did not answer in time")
        except httpx.HTTPError as error:
            return RetryableError(f"OKX cannot be reached ({type(error).__name__})")
