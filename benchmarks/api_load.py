"""Requests over real HTTP from several connections at once, and how long each took."""

from __future__ import annotations

import http.client
import json
import queue
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from eth_account import Account
from eth_account.messages import encode_defunct


class LoadError(Exception):
    """A request was not answered as it has to be."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `headers` name who asks."""

    method: str
    path: str
    headers: dict[str, str]
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that each answer took, and the seconds of all together."""

    took_s: tuple[float, ...]
    all_s: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.took_s) / self.all_s

    @property
    def p50_ms(self) -> float:
        """The median."""
        return statistics.median(self.took_s) * 1000

    @property
    def p99_ms(self) -> float:
        """Of a hundred answers, ninety-nine came by then."""
        ordered = sorted(self.took_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000


class Connection:
    """One that is kept alive."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def send(self, request: Request) -> tuple[http.client.HTTPResponse, bytes]:
        """The answer. Raises LoadError unless it is 200."""
        headers = {"Content-Type": "application/json"} | request.headers
        self._connection.request(request.method, request.path, request.body, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise LoadError(f"{request.method} {request.path}: {answer.status} {body[:300].decode()}")
        return answer, body

    def signed_in(self, prefix: str, key: str) -> dict[str, str]:
        """Sign in with this private key under `/api` or `/admin`; the headers of that session."""
        address = str(Account.from_key(key).address)
        asked = Request("POST", f"{prefix}/sign-in/nonce", {}, json.dumps({"address": address}))
        text = json.loads(self.send(asked)[1])["message"]
        signature = "0x" + bytes(Account.sign_message(encode_defunct(text=text), key).signature).hex()
        body = json.dumps({"message": text, "signature": signature})
        answer, said = self.send(Request("POST", f"{prefix}/sign-in", {}, body))
        return {
            "Cookie": str(answer.headers["set-cookie"]).split(";")[0],
            "X-CSRF-Token": json.loads(said)["csrfToken"],
        }

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def load(url: str, requests: Sequence[Request], *, connections: int) -> Timing:
    """Send all, each connection one after another. Raises LoadError where one was refused."""
    waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
    for request in requests:
        waiting.put(request)
    took_s: list[float] = []
    faults: list[Exception] = []

    def work() -> None:
        with Connection(url) as connection:
            while True:
                try:
                    request = waiting.get_nowait()
                except queue.Empty:
                    return
                began = time.perf_counter()
                try:
                    connection.send(request)
                except (LoadError, OSError, http.client.HTTPException) as error:
                    faults.append(error)
                    return
                took_s.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise LoadError(str(faults[0]))
    return Timing(tuple(took_s), time.perf_counter() - began)
