"""OKX credentials of orders and of buyers: sealed for their row, opened only to fetch."""

from __future__ import annotations

import json

from liqpass.ports import OkxCredentials, UnitOfWork, Vault
from liqpass.records import BuyerKey, Sealed


def credential_row(order_uuid: str) -> str:
    """The row that an order's credential is sealed for."""
    return f"okx_credentials/{order_uuid}"


def seal_credentials(
    unit: UnitOfWork, vault: Vault, order_uuid: str, value: OkxCredentials, now_ms: int
) -> None:
    """Keep a credential for an order, replacing an earlier one."""
    unit.controls.put_credential(
        order_uuid, vault.seal(_plain(value), row=credential_row(order_uuid)), now_ms
    )


def open_credentials(unit: UnitOfWork, vault: Vault, order_uuid: str) -> OkxCredentials | None:
    """The order's credential, None where it was erased."""
    sealed = unit.controls.credential(order_uuid)
    if sealed is None:
        return None
    return _read(vault.open(sealed, row=credential_row(order_uuid)))


def buyer_key_row(buyer: str) -> str:
    """The row that a buyer's key is sealed for."""
    return f"okx_keys/{buyer}"


def seal_buyer_key(vault: Vault, buyer: str, value: OkxCredentials) -> Sealed:
    """A buyer's key as it is stored."""
    return vault.seal(_plain(value), row=buyer_key_row(buyer))


def open_buyer_key(vault: Vault, key: BuyerKey) -> OkxCredentials:
    """A buyer's key as OKX takes it."""
    return _read(vault.open(key.sealed, row=buyer_key_row(key.buyer)))


def hash_uid(unit: UnitOfWork, vault: Vault, uid: str) -> str:
    """Keyed hash of an OKX user id; a new book's first call makes the key, so it must write."""
    key = unit.controls.uid_key()
    if key is None:
        key = vault.new_uid_key()
        unit.controls.put_uid_key(key)
    return vault.uid_hmac(uid, uid_key=key)


def _plain(value: OkxCredentials) -> bytes:
    return json.dumps([value.api_key, value.secret, value.passphrase, value.demo]).encode()


def _read(plain: bytes) -> OkxCredentials:
    api_key, secret, passphrase, demo = json.loads(plain)
    return OkxCredentials(api_key, secret, passphrase, demo)
