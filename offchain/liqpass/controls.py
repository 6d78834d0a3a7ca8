"""Use cases of the operator: pause, blocklist, key rotation, audit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from liqpass.credentials import buyer_key_row, credential_row
from liqpass.domain.audit import Anchor, AuditEntry, AuditFault, verify_chain
from liqpass.domain.identifiers import IdentifierError, parse_address, parse_sha256
from liqpass.free_text import free_text, required_text
from liqpass.ports import Clock, Store, Vault
from liqpass.records import Act, Blocked
from liqpass.refusals import InvalidInputError


class Controlling:
    """Everything that an operator switches; each act with its audit entry."""

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault

    def paused(self) -> str | None:
        """Why selling and batch building are stopped; None while they are not."""
        with self._store.read() as unit:
            return unit.controls.paused()

    def pause(self, *, actor: str, reason: str) -> None:
        """Stop quotes, orders and batch building at once; claims stay open. Raises InvalidInputError."""
        self._switch("PAUSED", True, actor, required_text(reason, "the reason for the pause"))

    def resume(self, *, actor: str, reason: str) -> None:
        """Sell and build batches again. Raises InvalidInputError."""
        self._switch("RESUMED", False, actor, free_text(reason, "the reason"))

    def block(self, kind: str, value: str, *, actor: str, reason: str) -> None:
        """Refuse a `wallet` (address) or OKX person (`main_uid_hmac`, 64 hex digits) from now on."""
        now_ms = self._clock.now_ms()
        why = free_text(reason, "the reason")
        blocked = Blocked(kind, _blockable(kind, value), why, now_ms)
        with self._store.write() as unit:
            unit.controls.block(blocked, Act(actor, "BLOCKED", now_ms, {"reason": why}))

    def unblock(self, kind: str, value: str, *, actor: str, reason: str) -> None:
        """Take an entry off the blocklist."""
        details = {"reason": free_text(reason, "the reason")}
        act = Act(actor, "UNBLOCKED", self._clock.now_ms(), details)
        with self._store.write() as unit:
            unit.controls.unblock(kind, _blockable(kind, value), act)

    def blocked(self) -> list[Blocked]:
        """The whole blocklist."""
        with self._store.read() as unit:
            return unit.controls.blocked()

    def rotate_keys(self, *, actor: str) -> int:
        """Seal every secret under the current master key; how many were sealed anew.

        Raises the vault's error, and changes nothing, where the master key of one is not given.
        """
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            secrets = unit.controls.credentials()
            for order_uuid, sealed in secrets:
                row = credential_row(order_uuid)
                unit.controls.put_credential(order_uuid, self._vault.reseal(sealed, row=row), now_ms)
            buyers = unit.controls.buyer_keys()
            for key in buyers:
                anew = self._vault.reseal(key.sealed, row=buyer_key_row(key.buyer))
                unit.controls.put_buyer_key(replace(key, sealed=anew))
            uid_key = unit.controls.uid_key()
            if uid_key is not None:
                unit.controls.put_uid_key(self._vault.reseal_uid_key(uid_key))
            count = len(secrets) + len(buyers) + (uid_key is not None)
            unit.controls.note("keys", Act(actor, "KEYS_ROTATED", now_ms, {"secrets": str(count)}))
            return count

    def verify_audit(self, anchor: Anchor | None) -> tuple[Anchor, AuditFault | None]:
        """The log's own count and head, and its first fault, if any; `anchor` finds truncation too."""
        with self._store.read() as unit:
            recorded = unit.audit.anchor()
            # The recorded head is an anchor as well: it catches a cut that forgot to change it.
            fault = verify_chain(unit.audit.entries(), anchor) or verify_chain(unit.audit.entries(), recorded)
            return recorded, fault

    def audit_entries(self, *, subject: str | None = None) -> list[AuditEntry]:
        """Entries in order, of one subject such as `order/<id>` or of all."""
        with self._store.read() as unit:
            entries: Iterator[AuditEntry] = unit.audit.entries(subject=subject)
            return list(entries)

    def _switch(self, action: str, is_on: bool, actor: str, reason: str) -> None:
        act = Act(actor, action, self._clock.now_ms(), {"reason": reason})
        with self._store.write() as unit:
            unit.controls.set_pause(is_on=is_on, reason=reason, act=act)


def _blockable(kind: str, value: str) -> str:
    try:
        if kind == "wallet":
            return parse_address(value)
        if kind == "main_uid_hmac":
            return parse_sha256(value)
    except IdentifierError as error:
        raise InvalidInputError(str(error)) from None
    raise InvalidInputError(f"{kind} cannot be blocked: use wallet or main_uid_hmac")
