"""Who signed what."""

from typing import Protocol


class SignatureCheck(Protocol):
    """Verifies signatures of accounts and, by EIP-1271, of contract wallets. May raise ChainError."""

    def signed_by(self, address: str, message: str, signature: str) -> bool:
        """Whether `address` (lower case) signed `message` (EIP-191); `signature` is 0x hex."""

    def authorized_by(self, address: str, digest: bytes, signature: str) -> bool:
        """Whether USDC would take `signature` for one of `address` over an EIP-712 hash of its domain."""
