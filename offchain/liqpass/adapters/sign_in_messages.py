"""EIP-4361 texts, written and read with the package `siwe`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from eth_utils.address import to_checksum_address
from pydantic import ValidationError

from liqpass.ports.identity import SignInMessage, SignInMessageError

STATEMENT = "Sign in to LiqPass. This costs nothing and moves no money."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SiweMessages:
    """EIP-4361, version 1."""

    def __init__(self) -> None:
        # Its grammar takes a second to build, which only whoever signs in shall wait for.
        from siwe import SiweMessage  # noqa: PLC0415

        self._parser = SiweMessage

    def write(self, message: SignInMessage) -> str:
        """The text that a wallet signs, with our statement."""
        lines = [
            f"{message.domain} wants you to sign in with your Ethereum account:",
            to_checksum_address(message.address),
            "",
            STATEMENT,
            "",
            f"URI: {message.uri}",
            "Version: 1",
            f"Chain ID: {message.chain_id}",
            f"Nonce: {message.nonce}",
            f"Issued At: {_iso(message.issued_at_ms)}",
        ]
        if message.expires_at_ms is not None:
            lines.append(f"Expiration Time: {_iso(message.expires_at_ms)}")
        if message.not_before_ms is not None:
            lines.append(f"Not Before: {_iso(message.not_before_ms)}")
        return "\n".join(lines)

    def read(self, text: str) -> SignInMessage:
        """What a text says; what the parser would write otherwise is refused: two readers might differ."""
        try:
            parsed = self._parser.from_message(text)
            same = parsed.prepare_message() == text
        except (ValueError, ValidationError):
            same = False
        if not same:
            raise SignInMessageError("this is not an EIP-4361 message")
        return SignInMessage(
            domain=parsed.domain,
            address=parsed.address.lower(),
            uri=str(parsed.uri),
            chain_id=parsed.chain_id,
            nonce=parsed.nonce,
            issued_at_ms=_read(parsed.issued_at),
            expires_at_ms=None if parsed.expiration_time is None else _read(parsed.expiration_time),
            not_before_ms=None if parsed.not_before is None else _read(parsed.not_before),
        )


def _iso(time_ms: int) -> str:
    time = _EPOCH + timedelta(milliseconds=time_ms)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def _read(text: object) -> int:
    try:
        return (datetime.fromisoformat(str(text)) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, TypeError, OverflowError):
        raise SignInMessageError("a time in the message cannot be read") from None
