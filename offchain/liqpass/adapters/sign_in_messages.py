"""EIP-4361 texts: exactly the ones that we write are read back.

The whole text comes from us (`POST …/sign-in/nonce`), so nothing else need be understood, and a text from a
stranger costs one anchored match. A general parser (siwe 4.4) spent a minute on 4,000 bytes of garbage.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from eth_utils.address import to_checksum_address

from liqpass.ports.identity import SignInMessage, SignInMessageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"
_TEXT = re.compile(
    r"(?P<domain>[a-z0-9.:\[\]-]{1,255}) wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9a-fA-F]{40})\n\n"
    r"(?P<statement>[ -~]{1,200})\n\n"
    r"URI: (?P<uri>https?://[a-z0-9.:\[\]-]{1,255})\n"
    r"Version: 1\n"
    r"Chain ID: (?P<chain_id>[1-9][0-9]{0,15})\n"
    r"Nonce: (?P<nonce>[0-9a-f]{32})\n"
    rf"Issued At: (?P<issued>{_TIME})\n"
    rf"Expiration Time: (?P<expires>{_TIME})",
    re.ASCII,
)


class Eip4361Messages:
    """EIP-4361, version 1, with statement and expiration time, without the other optional fields."""

    def write(self, message: SignInMessage) -> str:
        """The text that a wallet signs."""
        return (
            f"{message.domain} wants you to sign in with your Ethereum account:\n"
            f"{to_checksum_address(message.address)}\n\n"
            f"{message.statement}\n\n"
            f"URI: {message.uri}\n"
            "Version: 1\n"
            f"Chain ID: {message.chain_id}\n"
            f"Nonce: {message.nonce}\n"
            f"Issued At: {_iso(message.issued_at_ms)}\n"
            f"Expiration Time: {_iso(message.expires_at_ms)}"
        )

    def read(self, text: str) -> SignInMessage:
        """What a text says. Raises SignInMessageError for one that `write` could not have written."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise SignInMessageError("this is not a sign-in message of ours")
        message = SignInMessage(
            domain=found["domain"],
            address=found["address"].lower(),
            statement=found["statement"],
            uri=found["uri"],
            chain_id=int(found["chain_id"]),
            nonce=found["nonce"],
            issued_at_ms=_read(found["issued"]),
            expires_at_ms=_read(found["expires"]),
        )
        if self.write(message) != text:  # for example an address in other capitals than EIP-55's
            raise SignInMessageError("this is not a sign-in message of ours")
        return message


def _iso(time_ms: int) -> str:
    time = _EPOCH + timedelta(milliseconds=time_ms)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def _read(text: str) -> int:
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    except ValueError:
        raise SignInMessageError("a time in the message cannot be read") from None
