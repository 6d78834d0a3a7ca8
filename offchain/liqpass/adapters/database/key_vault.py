"""Sealed OKX secrets: AES-256-GCM under a key derived from the master key, bound to their row.

The master key never encrypts anything itself: HKDF-SHA256 derives the sealing key and its id.
Additional data binds a sealed value to its row: copied to another row it does not open. The key under which
OKX user ids are hashed is random and itself sealed here: it outlives a rotation, so that a person keeps the
same hash (limits per person and the check at claim time depend on it).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from liqpass.records import Sealed

KEY_BYTES = 32
NONCE_BYTES = 12
UID_KEY_ROW = "vault_keys/uid-hmac"


class KeyVaultError(Exception):
    """Root of the vault's errors; no message carries a secret."""


class WrongMasterKeyError(KeyVaultError):
    """The sealed value was made under a master key that is not among those given."""


class TamperedError(KeyVaultError):
    """The sealed value, or the row that it belongs to, is not the one that was sealed."""


def _derive(master: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"liqpass/{purpose}/1".encode()).derive(
        master
    )


def _key_id(master: bytes) -> str:
    # Derived, not a plain hash: the stored id must not help anybody to test guesses at the master key's uses.
    return _derive(master, "key-id").hex()[:16]


class KeyVault:
    """Seals under the first master key, opens under any of those given (rotation).

    Without any it can be built, so that commands which need no secret work, but neither seals nor opens.
    """

    def __init__(self, master_keys: Sequence[bytes]) -> None:
        for key in master_keys:
            if len(key) != KEY_BYTES:
                raise KeyVaultError(
                    f"a master key has {KEY_BYTES} bytes (64 hex digits), got {len(key)} bytes"
                )
        self._ciphers = {_key_id(key): AESGCM(_derive(key, "seal")) for key in master_keys}
        self._current = _key_id(master_keys[0]) if master_keys else ""

    def __repr__(self) -> str:
        return f"KeyVault(current={self._current})"

    def seal(self, plain: bytes, *, row: str) -> Sealed:
        """Encrypt `plain` for `row` (table and primary key)."""
        if not self._current:
            raise KeyVaultError("no master key: set LIQPASS_MASTER_KEY or LIQPASS_MASTER_KEY_FILE")
        nonce = secrets.token_bytes(NONCE_BYTES)
        data = self._ciphers[self._current].encrypt(nonce, plain, self._bound(self._current, row))
        return Sealed(self._current, nonce + data)

    def open(self, sealed: Sealed, *, row: str) -> bytes:
        """Decrypt; raises WrongMasterKeyError or TamperedError."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise WrongMasterKeyError(
                f"no master key with id {sealed.key_id} was given: set LIQPASS_MASTER_KEY or "
                "LIQPASS_PREVIOUS_MASTER_KEYS"
            )
        nonce, data = sealed.data[:NONCE_BYTES], sealed.data[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, data, self._bound(sealed.key_id, row))
        except (InvalidTag, ValueError):
            raise TamperedError(
                f"sealed value of {row} does not open: changed, or moved from another row"
            ) from None

    def reseal(self, sealed: Sealed, *, row: str) -> Sealed:
        """The same secret under the current key."""
        return self.seal(self.open(sealed, row=row), row=row)

    def new_uid_key(self) -> Sealed:
        """A fresh key for `uid_hmac`, sealed."""
        return self.seal(secrets.token_bytes(KEY_BYTES), row=UID_KEY_ROW)

    def reseal_uid_key(self, sealed: Sealed) -> Sealed:
        """The uid key under the current master key."""
        return self.reseal(sealed, row=UID_KEY_ROW)

    def uid_hmac(self, uid: str, *, uid_key: Sealed) -> str:
        """Keyed hash of an OKX user id: 64 hex digits; the id itself is never stored."""
        key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"liqpass/uid-hmac/1").derive(
            self.open(uid_key, row=UID_KEY_ROW)
        )
        return hmac.new(key, uid.encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def _bound(key_id: str, row: str) -> bytes:
        return f"liqpass|{key_id}|{row}".encode()
