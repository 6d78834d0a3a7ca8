"""Signing in, as the use case sees it: EIP-4361 messages, and the rows of nonces and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from liqpass.records import Act, Session


@dataclass(frozen=True, slots=True)
class SignInMessage:
    """What an EIP-4361 message says. `address` in lower case, times in unix milliseconds."""

    domain: str
    address: str
    statement: str
    uri: str
    chain_id: int
    nonce: str
    issued_at_ms: int
    expires_at_ms: int


class SignInMessageError(Exception):
    """A text that is no EIP-4361 message."""


class SignInMessages(Protocol):
    """Writes and reads EIP-4361 texts."""

    def write(self, message: SignInMessage) -> str:
        """The text that a wallet signs."""

    def read(self, text: str) -> SignInMessage:
        """What a text says. Raises SignInMessageError for anything that `write` could not have written."""


class Sessions(Protocol):
    """Nonces and sessions; signing in and out have audit entries."""

    def add_nonce(self, nonce: str, expires_at_ms: int) -> None: ...

    def use_nonce(self, nonce: str, now_ms: int) -> bool: ...

    def add(self, session: Session, act: Act) -> None: ...

    def get(self, token_sha256: str) -> Session | None: ...

    def drop(self, session: Session, act: Act) -> None: ...

    def purge(self, now_ms: int) -> int: ...
