"""What a request pays for: written down before the SDK asks for its settlement, with what it heard of that.

The SDK calls this in the task of the request. What the headers of its answer say may be from elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from x402 import x402ResourceServer
from x402.schemas import SettleResponse
from x402.schemas.hooks import AbortResult, SettleContext, SettleResultContext, VerifyContext

from liqpass.adapters.x402.asked_payments import Asking, Heard
from liqpass.adapters.x402.insured_service import InsuredService
from liqpass.adapters.x402.settle_refusals import failed_unsent, refused_unsent
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.x402.insured_settlement import read_authorization

log = logging.getLogger("liqpass.x402")
# A client counts by its own clock. The SDK's signs as of ten minutes ago: further ahead it pays nobody.
_CLOCKS_DIFFER_S = 600


@dataclass
class Paying:
    """One request. `settled`: what was settled for it, and is not entered yet."""

    service: InsuredService
    settled: list[SettleResponse] = field(default_factory=list)
    asking: Asking | None = None
    heard: Heard = Heard.NOTHING

    def end(self) -> None:
        """The request is over."""
        if self.asking is None:
            return
        self.service.asked.end(self.asking, self.heard)
        if self.asking.admitted and self.heard is Heard.NOTHING:
            name = format_bytes32(self.asking.commitment)
            log.warning("not heard of commitment=%s: it is refunded if it was settled", name)


# The request of this task.
PAYING: ContextVar[Paying] = ContextVar("paying")


def watch_settlements(server: x402ResourceServer) -> None:
    """Those of requests that are in PAYING; others of the same server are not touched."""
    settle = server.settle_payment

    async def watched(*arguments: Any, **named: Any) -> SettleResponse:
        # The SDK's hooks are not told what the facilitator's client raises.
        try:
            answer = await settle(*arguments, **named)
        except Exception as error:
            _remember_refusal(unsent=failed_unsent(error))
            raise
        _remember_refusal(unsent=refused_unsent(answer))
        return answer

    server.settle_payment = watched  # type: ignore[method-assign]
    server.on_before_verify(_check_validity)
    server.on_before_settle(_ask)
    server.on_after_settle(_remember)


def _check_validity(context: VerifyContext) -> AbortResult | None:
    """Not what could be settled when nobody here knows of it any more, and be claimed. In either flow."""
    if PAYING.get(None) is None:
        return None
    longest_s = context.requirements.max_timeout_seconds
    left_s = read_authorization(context.payment_payload.payload).valid_before_s - int(time.time())
    if left_s <= longest_s + _CLOCKS_DIFFER_S:
        return None
    log.warning("signed for too long left_s=%d asked_s=%d", left_s, longest_s)
    return AbortResult(f"signed for longer than the {longest_s} s asked for")


async def _ask(context: SettleContext) -> AbortResult | None:
    """Not what has an end already. What this raises is a 402, with nothing settled."""
    paying = PAYING.get(None)
    if paying is None or paying.asking is not None:
        return None
    payload = context.payment_payload
    # In the upfront flow nobody has looked at it yet, and what cannot be sent is not to be looked after.
    json.dumps(payload.model_dump(by_alias=True), allow_nan=False, ensure_ascii=False).encode()
    signed = read_authorization(payload.payload)
    paying.asking = asking = Asking(paying.service.commitment(signed))
    # It waits for the disk, which the event loop must not.
    ask = paying.service.asked.ask
    if await asyncio.to_thread(ask, asking, signed.valid_before_s):
        return None
    log.warning("asked for again commitment=%s: it buys nothing", format_bytes32(asking.commitment))
    return AbortResult("this payment was answered, or given back, before")


def _remember(context: SettleResultContext) -> None:
    if context.result.success and (paying := PAYING.get(None)) is not None:
        paying.settled.append(context.result)


def _remember_refusal(*, unsent: bool) -> None:
    if unsent and (paying := PAYING.get(None)) is not None:
        paying.heard = Heard.UNSENT
