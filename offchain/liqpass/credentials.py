"""An order's OKX credential: sealed for its row, opened only to fetch."""

from __future__ import annotations

import json

from liqpass.ports import OkxCredentials, UnitOfWork, Vault


def credential_row(order_uuid: str) -> str:
    """The row that an order's credential is sealed for."""
    return f"okx_credentials/{order_uuid}"


def seal_credentials(
    unit: UnitOfWork, vault: Vault, order_uuid: str, value: OkxCredentials, now_ms: int
) -> None:
    """Keep a credential for an order, replacing an earlier one."""
    plain = json.dumps([value.api_key, value.secret, value.passphrase, value.demo]).encode()
    unit.controls.put_credential(order_uuid, vault.seal(plain, row=credential_row(order_uuid)), now_ms)


def open_credentials(unit: UnitOfWork, vault: Vault, order_uuid: str) -> OkxCredentials | None:
    """The order's credential, None where it was erased."""
    sealed = unit.controls.credential(order_uuid)
    if sealed is None:
        return None
    api_key, secret, passphrase, demo = json.loads(vault.open(sealed, row=credential_row(order_uuid)))
    return OkxCredentials(api_key, secret, passphrase, demo)


def hash_uid(unit: UnitOfWork, vault: Vault, uid: str) -> str:
    """Keyed hash of an OKX user id; a new book's first call makes the key, so it must write."""
    key = unit.controls.uid_key()
    if key is None:
        key = vault.new_uid_key()
        unit.controls.put_uid_key(key)
    return vault.uid_hmac(uid, uid_key=key)
