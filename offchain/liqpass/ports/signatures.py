"""Who signed a text."""

from typing import Protocol


class SignatureCheck(Protocol):
    """Verifies EIP-191 signatures of accounts and, by EIP-1271, of contract wallets."""

    def signed_by(self, address: str, message: str, signature: str) -> bool:
        """Whether `address` (lower case) signed `message`; `signature` is 0x hex. May raise ChainError."""
