"""One HTTP request by a client of the SDK, paid for where it is asked for and a guard lets it.

No redirect is followed: what another address asks for is another's offer.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import httpx
from x402 import x402ClientSync
from x402.http.x402_http_client import x402HTTPClientSync
from x402.schemas import PaymentError, PaymentPayload, PaymentRequired, PaymentRequirements

from liqpass.adapters.x402.guard import Guard
from liqpass.domain.x402.guarding import InsurableOffer
from liqpass.domain.x402.insurance import X402Error
from liqpass.domain.x402.insured_settlement import (
    PaymentRefusedError,
    RefusalCode,
    read_authorization,
)

log = logging.getLogger("liqpass.x402.client")
PAYMENT_REQUIRED = 402
MAX_OPTIONS = 16  # of an offer: the node is asked about each
_MAX_OFFER_BYTES = 65_536  # of a 402's body, which only tells version 1 from no offer at all
_SHOWN = 200
# What the SDK raises for JSON of another shape; pydantic's errors are ValueErrors.
_UNREADABLE = (ValueError, AttributeError, TypeError, RecursionError)


class RequestError(X402Error):
    """A request that got no answer, or one that nothing can be paid for; nothing was signed."""


class LostAnswerError(X402Error):
    """A payment left and no whole answer came: it may have been taken.

    `client` and `nonce` are the signature's.
    """

    def __init__(self, reason: str, client: str, nonce: bytes) -> None:
        super().__init__(reason)
        self.client, self.nonce = client, nonce


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of whom."""

    method: str
    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One way to pay, and what the guard says of it."""

    option: PaymentRequirements
    said: InsurableOffer | PaymentRefusedError


@dataclass(frozen=True, slots=True)
class Paid:
    """An answer to a payment, its body not read yet. `nonce` and `client` are the signature's."""

    response: httpx.Response
    client: str
    nonce: bytes

    def body(self) -> Iterator[bytes]:
        """As it comes in, which may be without end. Raises LostAnswerError where it breaks off."""
        try:
            yield from self.response.iter_bytes()
        except (httpx.HTTPError, KeyboardInterrupt) as fault:
            raise LostAnswerError(type(fault).__name__, self.client, self.nonce) from None


class Payer:
    """Over one HTTP connection. Made with a client that `guard` is installed on.

    No body is read whole: it may be of any size, and more when unpacked.
    """

    def __init__(self, http: httpx.Client, client: x402ClientSync) -> None:
        self._http, self._client, self._headers = http, client, x402HTTPClientSync(client)

    def ask(self, request: Request) -> httpx.Response:
        """Without payment, its body not read yet. Raises RequestError for no answer, or a redirect."""
        try:
            response = self._send(request, {})
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise RequestError(_unanswered(request.url, fault)) from None
        if response.has_redirect_location:
            to = shown(response.headers["location"])
            raise RequestError(f"it redirects to {to}: nothing is paid there without being asked")
        return response

    @staticmethod
    def body(response: httpx.Response) -> Iterator[bytes]:
        """As it comes in. Raises RequestError where it breaks off."""
        try:
            yield from response.iter_bytes()
        except httpx.HTTPError as fault:
            raise RequestError(f"the answer broke off: {type(fault).__name__}") from None

    def offer(self, response: httpx.Response) -> PaymentRequired:
        """What a 402 asks for. Raises RequestError where that is nothing of x402 version 2."""
        try:
            body = json.loads(_beginning(response))
        except (*_UNREADABLE, httpx.HTTPError):
            body = None
        try:
            required = self._headers.get_payment_required_response(response.headers.get, body)
            required.model_dump_json()  # a payment repeats it: what cannot be written is not signed for
        except _UNREADABLE:
            raise RequestError("it answers 402 without an offer of x402") from None
        if not isinstance(required, PaymentRequired):
            raise RequestError(f"{RefusalCode.VERSION}: only x402 version 2 is insured")
        if len(required.accepts) > MAX_OPTIONS:
            raise RequestError(f"the offer has {len(required.accepts)} options, {MAX_OPTIONS} are allowed")
        return required

    def pay(self, request: Request, required: PaymentRequired, option: PaymentRequirements) -> Paid:
        """Sign that option and ask again with it.

        Raises the SDK's PaymentError where the guard aborts, LostAnswerError where no answer comes.
        """
        only = required.model_copy(update={"accepts": [option]})
        try:
            payload = self._client.create_payment_payload(only)
        except (X402Error, PaymentError):
            raise
        except _UNREADABLE as fault:
            raise RequestError(f"the offer cannot be signed: {type(fault).__name__}") from None
        if not isinstance(payload, PaymentPayload):
            raise RequestError(f"{RefusalCode.VERSION}: only x402 version 2 is insured")
        signed = read_authorization(payload.payload)
        try:
            response = self._send(request, self._headers.encode_payment_signature_header(payload))
            self._hear(payload, response)
        except (httpx.HTTPError, KeyboardInterrupt) as fault:
            raise LostAnswerError(type(fault).__name__, signed.client, signed.nonce) from None
        return Paid(response, signed.client, signed.nonce)

    def _hear(self, payload: PaymentPayload, response: httpx.Response) -> None:
        try:
            self._headers.process_payment_result(payload, response.headers.get, response.status_code)
        except _UNREADABLE as fault:  # what was paid for has come all the same
            log.warning("what the answer says of its payment cannot be read: %s", type(fault).__name__)

    def refusal(self, response: httpx.Response) -> str | None:
        """Why a payment was not taken, in the server's words; None where it gives none."""
        header, said = response.headers.get, None
        with contextlib.suppress(*_UNREADABLE):  # refused before it was settled
            said = self._headers.get_payment_settle_response(header).error_reason
        if not said and response.status_code == PAYMENT_REQUIRED:
            with contextlib.suppress(*_UNREADABLE):
                said = self._headers.get_payment_required_response(header, None).error
        return shown(said) if said else None

    def _send(self, request: Request, payment: dict[str, str]) -> httpx.Response:
        headers = [*request.headers, *payment.items()]
        asked = self._http.build_request(request.method, request.url, headers=headers, content=request.body)
        return self._http.send(asked, stream=True)


def verdicts(guard: Guard, required: PaymentRequired, payer: str | None) -> list[Verdict]:
    """Each option of an offer with what the guard says of it to `payer` (lower case), or to nobody."""
    found = []
    for option in required.accepts:
        try:
            found.append(Verdict(option, guard.check(required, option, payer)))
        except PaymentRefusedError as refusal:
            found.append(Verdict(option, refusal))
    return found


def _beginning(response: httpx.Response) -> bytes:
    """Of the body as it was sent, which is then given up. Raises httpx.HTTPError."""
    found = b""
    with contextlib.closing(response):
        for piece in response.iter_raw(_MAX_OFFER_BYTES):
            found += piece
            if len(found) >= _MAX_OFFER_BYTES:
                break
    return found


def for_a_terminal(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A body without what a terminal would obey: it could hide or forge what is told of the payment."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        text = decoder.decode(piece)
        yield "".join(each for each in text if each.isprintable() or each in "\n\t").encode()


def shown(text: str) -> str:
    """Text of a server's for a terminal: printable, and not endless."""
    return "".join(each for each in text if each.isprintable())[:_SHOWN]


def _unanswered(url: str, fault: Exception) -> str:
    """Without the path and the query of `url`: they may hold what its owner keeps to himself."""
    try:
        where = httpx.URL(url).netloc.decode("ascii")
    except httpx.InvalidURL:
        where = "there"
    if isinstance(fault, httpx.ConnectError):
        return f"no connection to {where}: is the address right, and its server running?"
    return f"no answer from {where}: {type(fault).__name__}"
