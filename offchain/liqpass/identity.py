"""Signing in with a wallet (EIP-4361) and the sessions that follow."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from liqpass.domain.identifiers import IdentifierError, parse_address
from liqpass.domain.reasons import Reason
from liqpass.ports import Clock, SignatureCheck, Store
from liqpass.ports.identity import SignInMessage, SignInMessageError, SignInMessages
from liqpass.records import Act, Session
from liqpass.refusals import InvalidInputError, RefusedError

# What a wallet shows: a text that was signed for one application must not open the other.
STATEMENTS = {
    "public": "Sign in to LiqPass. This costs nothing and moves no money.",
    "admin": "Sign in to the console of LiqPass, to review or operate. It costs nothing and moves no money.",
}
NONCE_MS = 600_000  # how long a message may lie in a wallet before it is signed
CLOCK_SKEW_MS = 60_000  # a wallet's clock may be ahead of ours
MAX_TEXT = 4_096  # characters of a message or signature; a contract wallet's signature is long


class SigningIn:
    """Nonces, sessions; `realm` keeps those of the public and the admin application apart."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        messages: SignInMessages,
        signatures: SignatureCheck,
        *,
        chain_id: int,
        session_s: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._messages = messages
        self._signatures = signatures
        self._chain_id = chain_id
        self._session_s = session_s

    def message(self, address: str, *, origin: str, realm: str) -> str:
        """The text for this wallet to sign, with a new nonce. Raises InvalidInputError."""
        try:
            wallet = parse_address(address)
        except IdentifierError as error:
            raise InvalidInputError(str(error)) from None
        now_ms = self._clock.now_ms()
        nonce = secrets.token_hex(16)
        with self._store.write() as unit:
            unit.sessions.add_nonce(nonce, now_ms + NONCE_MS)
        return self._messages.write(
            SignInMessage(
                domain=urlsplit(origin).netloc,
                address=wallet,
                statement=STATEMENTS[realm],
                uri=origin,
                chain_id=self._chain_id,
                nonce=nonce,
                issued_at_ms=now_ms,
                expires_at_ms=now_ms + NONCE_MS,
            )
        )

    def signer(self, text: str, signature: str, *, origin: str, realm: str) -> SignInMessage:
        """What the message says, if it is for us, in time and signed by its wallet. The nonce stays unused.

        Raises RefusedError with a SIGN_IN_ reason, ChainError where only the chain knows the wallet.
        """
        if len(text) > MAX_TEXT or len(signature) > MAX_TEXT:
            raise RefusedError("message or signature is too long", Reason.SIGN_IN_MALFORMED)
        try:
            message = self._messages.read(text)
        except SignInMessageError as error:
            raise RefusedError(str(error), Reason.SIGN_IN_MALFORMED) from None
        now_ms = self._clock.now_ms()
        checks = (
            (message.domain == urlsplit(origin).netloc, Reason.SIGN_IN_WRONG_DOMAIN),
            (message.uri == origin, Reason.SIGN_IN_WRONG_DOMAIN),
            (message.statement == STATEMENTS[realm], Reason.SIGN_IN_WRONG_DOMAIN),
            (message.chain_id == self._chain_id, Reason.SIGN_IN_WRONG_CHAIN),
            (now_ms < message.expires_at_ms, Reason.SIGN_IN_EXPIRED),
            (message.issued_at_ms <= now_ms + CLOCK_SKEW_MS, Reason.SIGN_IN_EXPIRED),
            (now_ms < message.issued_at_ms + NONCE_MS, Reason.SIGN_IN_EXPIRED),
        )
        for passed, reason in checks:
            if not passed:
                raise RefusedError("the message is not for signing in here and now", reason)
        if not self._signatures.signed_by(message.address, text, signature):
            raise RefusedError(
                f"the message is not signed by {message.address}", Reason.SIGN_IN_WRONG_SIGNATURE
            )
        return message

    def begin(self, message: SignInMessage, *, realm: str) -> tuple[str, Session]:
        """A session for a message that `signer` has passed, and its token, which is stored nowhere.

        Raises RefusedError (SIGN_IN_NONCE_UNKNOWN) for a nonce that is used, over or not ours.
        """
        now_ms = self._clock.now_ms()
        token = secrets.token_urlsafe(32)
        session = Session(
            token_sha256=_hashed(token),
            address=message.address,
            realm=realm,
            csrf=secrets.token_urlsafe(32),
            created_at_ms=now_ms,
            expires_at_ms=now_ms + self._session_s * 1000,
        )
        with self._store.write() as unit:
            if not unit.sessions.use_nonce(message.nonce, now_ms):
                raise RefusedError("this nonce was used before, or is over", Reason.SIGN_IN_NONCE_UNKNOWN)
            unit.sessions.add(session, Act(message.address, "SIGNED_IN", now_ms, {"realm": realm}))
        return token, session

    def session(self, token: str, *, realm: str) -> Session | None:
        """The session of a token, None where there is none in this realm, or none any more."""
        if len(token) > MAX_TEXT:
            return None
        with self._store.read() as unit:
            session = unit.sessions.get(_hashed(token))
        if session is None or session.realm != realm or session.expires_at_ms <= self._clock.now_ms():
            return None
        return session

    def end(self, session: Session) -> None:
        """Sign out: the token is worth nothing from now on."""
        act = Act(session.address, "SIGNED_OUT", self._clock.now_ms(), {"realm": session.realm})
        with self._store.write() as unit:
            unit.sessions.drop(session, act)

    def purge(self) -> int:
        """Forget nonces and sessions that are over; how many."""
        with self._store.write() as unit:
            return unit.sessions.purge(self._clock.now_ms())


def same_secret(given: str, wanted: bytes) -> bool:
    """Compare in constant time; any text may come in, also one that is not ASCII."""
    return hmac.compare_digest(given.encode("utf-8", errors="surrogatepass"), wanted)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", errors="surrogatepass")).hexdigest()
