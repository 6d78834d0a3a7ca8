"""Signing in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes `typing`'s own from Python 3.12 on

from liqpass.entrypoints.shapes.values import Address, Time, exact

SIGN_IN_EXAMPLE = "localhost:8000 wants you to sign in with your Ethereum account:\n…"


@exact
class NonceAnswer(TypedDict):
    """The EIP-4361 text to sign (personal_sign); it holds a nonce that counts once, for ten minutes."""

    message: Annotated[str, Field(examples=[SIGN_IN_EXAMPLE])]


@exact
class SessionAnswer(TypedDict):
    """Who is signed in. `csrfToken` comes back as X-CSRF-Token with each change."""

    address: Address | None
    roles: Annotated[list[str], Field(examples=[["reviewer"]])]
    csrfToken: Annotated[str | None, Field(examples=["mU2x…"])]
    expiresAt: Time | None
