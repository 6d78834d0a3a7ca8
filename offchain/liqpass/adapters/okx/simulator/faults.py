"""Answers that go wrong on demand: the next requests to a path fail or come back damaged."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum

from liqpass.adapters.okx.simulator.gate import RefusalError
from liqpass.adapters.okx.simulator.rows import Row

OVERSIZE_BYTES = 2 << 20


class Damage(StrEnum):
    """What may happen to an answer."""

    CODE = "code"
    HTML = "html"
    REDIRECT = "redirect"
    OVERSIZE = "oversize"
    CUT = "cut"
    DUPLICATE_KEY = "duplicate_key"
    NUMBER = "number"


@dataclass(slots=True)
class Fault:
    """Strikes the next `count` requests whose path ends with `path`.

    `code` and `status` are for CODE (status also for HTML); `column` names the field of the first row that is
    doubled (with the value "0" first) by DUPLICATE_KEY or becomes a bare number by NUMBER.
    """

    damage: Damage
    path: str = ""
    count: int = 1
    code: str = "50001"
    status: int = 200
    column: str = "uTime"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    location: str | None = None


@dataclass(slots=True)
class Faults:
    """All that is armed, in the order of arming."""

    armed: list[Fault] = field(default_factory=list)

    def strike(self, path: str) -> Fault | None:
        """The fault for a request to `path`, used up by one."""
        for fault in self.armed:
            if path.endswith(fault.path):
                fault.count -= 1
                if fault.count <= 0:
                    self.armed.remove(fault)
                return fault
        return None


def success(rows: list[Row]) -> Reply:
    """OKX's envelope of a good answer."""
    return Reply(200, _json({"code": "0", "data": rows, "msg": ""}))


def refused(refusal: RefusalError) -> Reply:
    """OKX's envelope of a refusal; refused authentication comes without `data`."""
    envelope: Row = {"code": refusal.code, "msg": refusal.message}
    if refusal.status != 401:
        envelope["data"] = []
    return Reply(refusal.status, _json(envelope))


def instead_of_answer(fault: Fault) -> Reply | None:
    """The answer for faults that replace it before the key is looked at; None for those that damage it."""
    if fault.damage is Damage.CODE:
        return refused(RefusalError(fault.code, "Simulated failure", fault.status))
    if fault.damage is Damage.HTML:
        return Reply(fault.status, b"<!DOCTYPE html><html><body>Just a moment...</body></html>", "text/html")
    if fault.damage is Damage.REDIRECT:
        return Reply(302, b"", location="https://www.okx.com/elsewhere")
    if fault.damage is Damage.OVERSIZE:
        return Reply(200, b'{"code":"0","msg":"' + b"x" * OVERSIZE_BYTES + b'","data":[]}')
    return None


def damaged(reply: Reply, fault: Fault) -> Reply:
    """`reply` with its body cut in half, a key doubled or a string turned into a number."""
    body = reply.body
    if fault.damage is Damage.CUT:
        return Reply(reply.status, body[: len(body) // 2])
    name = re.escape(fault.column).encode()
    if fault.damage is Damage.NUMBER:
        return Reply(reply.status, re.sub(rb'"%s":"(-?[0-9.]+)"' % name, rb'"%s":\1' % name, body, count=1))
    return Reply(reply.status, re.sub(rb'"%s":' % name, rb'"%s":"0","%s":' % (name, name), body, count=1))


def _json(value: Row) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
