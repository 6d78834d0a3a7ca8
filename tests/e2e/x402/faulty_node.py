"""A node behind a line that fails as it is told to: so many requests of a method, each in one way."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from eth_utils.crypto import keccak

ANY = "any method"


class Fault(StrEnum):
    """What becomes of one request. Those that hold it end when the client gives it up."""

    HOLD = "the node never sees it, and nobody answers"
    HOLD_ANSWER = "the node does it, and nobody answers"
    REFUSE = "503, and the node never sees it"
    REFUSE_AFTER = "the node does it, and the answer is a 503"
    RESET = "the connection is reset, and the node never sees it"
    RESET_AFTER = "the node does it, and the connection is reset"
    FORGET = "accepted, and never seen again: of eth_sendRawTransaction"
    HIDE = "null: a node that has not heard of it yet"
    LAST = "answered after every other request that came before `release`"


@dataclass
class FaultyNode:
    """`url` answers as the node at `target` does, but for the faults. A batch counts as its first request."""

    target: str
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    _faults: list[tuple[str, Fault]] = field(default_factory=list)
    _skip: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _released: threading.Event = field(default_factory=threading.Event)
    forgotten: list[str] = field(default_factory=list)

    def fails(self, fault: Fault, method: str = ANY, *, times: int = 1, after: int = 0) -> None:
        """The next so many requests of a method, `after` others of it have passed."""
        with self._lock:
            self._faults = [(method, fault)] * times
            self._skip = after

    def heals(self) -> None:
        with self._lock:
            self._faults = []

    @property
    def is_well(self) -> bool:
        """Whether all faults have happened."""
        return not self._faults

    def release(self) -> None:
        """Answer those that are to be last."""
        self._released.set()

    def fault_of(self, method: str) -> Fault | None:
        with self._lock:
            self.asked[method] += 1
            if not self._faults or self._faults[0][0] not in (ANY, method):
                return None
            if self._skip:
                self._skip -= 1
                return None
            return self._faults.pop(0)[1]

    def wait_for_release(self) -> None:
        assert self._released.wait(20)

    @classmethod
    @contextmanager
    def before(cls, target: str) -> Iterator[FaultyNode]:
        node = cls(target)
        server = _Server(("127.0.0.1", 0), type("_Bound", (_Line,), {"node": node}))
        node.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield node
        finally:
            node.release()
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client may give up."""


class _Line(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    node: FaultyNode

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.upstream = requests.Session()

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        asked = json.loads(body)
        fault = self.node.fault_of((asked[0] if isinstance(asked, list) else asked)["method"])
        if fault in (Fault.FORGET, Fault.HIDE):
            result = None
            if fault is Fault.FORGET:
                self.node.forgotten.append(asked["params"][0])
                result = "0x" + keccak(hexstr=asked["params"][0]).hex()
            self._answer(200, json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode())
            return
        if fault in (Fault.HOLD, Fault.REFUSE, Fault.RESET):
            self._fail(fault)
            return
        found = self.upstream.post(self.node.target, data=body, headers={"content-type": "application/json"})
        if fault in (Fault.HOLD_ANSWER, Fault.REFUSE_AFTER, Fault.RESET_AFTER):
            self._fail(fault)
            return
        if fault is Fault.LAST:
            self.node.wait_for_release()
        self._answer(found.status_code, found.content)

    def _fail(self, fault: Fault) -> None:
        if fault in (Fault.REFUSE, Fault.REFUSE_AFTER):
            self._answer(503, b"")
            return
        self.close_connection = True
        if fault in (Fault.HOLD, Fault.HOLD_ANSWER):
            self.rfile.read(1)  # until the client closes it
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing: what was asked is counted."""
