"""Switches, blocklist, parameter sets and sealed secrets in the database."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from liqpass.adapters.database.audit_log import AuditRows
from liqpass.adapters.database.tables import (
    blocklist,
    buyer_keys,
    okx_credentials,
    orders,
    parameter_sets,
    switches,
    vault_keys,
)
from liqpass.records import Act, Blocked, BuyerKey, Sealed


class ControlRows:
    """What an operator sets, each change with its audit entry; sealed secrets go in and out sealed."""

    def __init__(self, connection: Connection, audit: AuditRows) -> None:
        self._connection = connection
        self._audit = audit

    def paused(self) -> str | None:
        """The reason why selling and batch building are stopped, None while they are not."""
        row = self._connection.execute(
            select(switches.c.is_on, switches.c.reason).where(switches.c.name == "pause")
        ).one_or_none()
        return str(row.reason) if row is not None and row.is_on else None

    def set_pause(self, *, is_on: bool, reason: str, act: Act) -> None:
        """Stop or resume selling and batch building."""
        self._connection.execute(delete(switches).where(switches.c.name == "pause"))
        self._connection.execute(
            insert(switches).values(name="pause", is_on=is_on, reason=reason, changed_at_ms=act.at_ms)
        )
        self._audit.append("switch/pause", act)

    def block(self, blocked: Blocked, act: Act) -> None:
        """Put a wallet (kind `wallet`) or OKX person (kind `main_uid_hmac`) on the blocklist."""
        self.unblock_silently(blocked.kind, blocked.value)
        self._connection.execute(insert(blocklist).values(**asdict(blocked)))
        self._audit.append(f"blocklist/{blocked.kind}/{blocked.value}", act)

    def unblock(self, kind: str, value: str, act: Act) -> None:
        """Take an entry off the blocklist."""
        self.unblock_silently(kind, value)
        self._audit.append(f"blocklist/{kind}/{value}", act)

    def unblock_silently(self, kind: str, value: str) -> None:
        """Take an entry off without an audit entry of its own (the caller writes one)."""
        self._connection.execute(
            delete(blocklist).where(blocklist.c.kind == kind, blocklist.c.value == value)
        )

    def blocked(self) -> list[Blocked]:
        """The whole blocklist."""
        query = select(blocklist).order_by(blocklist.c.kind, blocklist.c.value)
        return [Blocked(**row) for row in self._connection.execute(query).mappings()]

    def is_blocked(self, kind: str, value: str) -> bool:
        """Whether this wallet or person is on the blocklist."""
        query = select(blocklist.c.kind).where(blocklist.c.kind == kind, blocklist.c.value == value)
        return self._connection.execute(query).first() is not None

    def keep_parameters(self, version: str, json: str, at_ms: int) -> None:
        """Keep a set of parameters for ever: claims are judged by those that their order was sold under."""
        if self.parameters(version) is None:
            self._connection.execute(
                insert(parameter_sets).values(version=version, json=json, first_used_at_ms=at_ms)
            )

    def parameters(self, version: str) -> str | None:
        """A set of parameters as canonical JSON."""
        query = select(parameter_sets.c.json).where(parameter_sets.c.version == version)
        return self._connection.execute(query).scalar_one_or_none()

    def put_credential(self, order_id: str, sealed: Sealed, at_ms: int) -> None:
        """Keep an order's sealed OKX credential, replacing an earlier one."""
        self._connection.execute(delete(okx_credentials).where(okx_credentials.c.order_id == order_id))
        self._connection.execute(
            insert(okx_credentials).values(
                order_id=order_id, key_id=sealed.key_id, sealed=sealed.data, stored_at_ms=at_ms
            )
        )

    def credential(self, order_id: str) -> Sealed | None:
        """An order's sealed OKX credential."""
        row = self._connection.execute(
            select(okx_credentials).where(okx_credentials.c.order_id == order_id)
        ).one_or_none()
        return None if row is None else Sealed(row.key_id, row.sealed)

    def drop_credential(self, order_id: str) -> None:
        """Erase an order's credential: it is kept no longer than a claim can need it."""
        self._connection.execute(delete(okx_credentials).where(okx_credentials.c.order_id == order_id))

    def credentials(self) -> list[tuple[str, Sealed]]:
        """Every order's sealed credential."""
        query = select(okx_credentials).order_by(okx_credentials.c.order_id)
        return [(row.order_id, Sealed(row.key_id, row.sealed)) for row in self._connection.execute(query)]

    def put_buyer_key(self, key: BuyerKey) -> None:
        """Keep a buyer's sealed key, replacing an earlier one."""
        self._connection.execute(delete(buyer_keys).where(buyer_keys.c.buyer == key.buyer))
        self._connection.execute(
            insert(buyer_keys).values(
                buyer=key.buyer,
                key_id=key.sealed.key_id,
                sealed=key.sealed.data,
                uid_hmac=key.uid_hmac,
                main_uid_hmac=key.main_uid_hmac,
                stored_at_ms=key.stored_at_ms,
            )
        )

    def buyer_key(self, buyer: str) -> BuyerKey | None:
        """A buyer's sealed key."""
        row = self._connection.execute(select(buyer_keys).where(buyer_keys.c.buyer == buyer)).one_or_none()
        return None if row is None else _buyer_key(row)

    def buyer_keys(self) -> list[BuyerKey]:
        """Every buyer's sealed key."""
        return [_buyer_key(row) for row in self._connection.execute(select(buyer_keys))]

    def drop_keys_of(self, buyer: str) -> list[str]:
        """Erase a buyer's key and the copies of every order of theirs; the orders that had one."""
        theirs = select(orders.c.id).where(orders.c.buyer == buyer)
        query = select(okx_credentials.c.order_id).where(okx_credentials.c.order_id.in_(theirs))
        held = sorted(self._connection.execute(query).scalars())
        self._connection.execute(delete(okx_credentials).where(okx_credentials.c.order_id.in_(theirs)))
        self._connection.execute(delete(buyer_keys).where(buyer_keys.c.buyer == buyer))
        return held

    def drop_spent_credentials(self, *, covered: str, ended_before_ms: int) -> list[str]:
        """Erase the keys of orders in the state `covered` whose cover ended before; the orders."""
        spent = select(orders.c.id).where(orders.c.state == covered, orders.c.end_ms < ended_before_ms)
        query = select(okx_credentials.c.order_id).where(okx_credentials.c.order_id.in_(spent))
        held = sorted(self._connection.execute(query).scalars())
        self._connection.execute(delete(okx_credentials).where(okx_credentials.c.order_id.in_(held)))
        return held

    def uid_key(self) -> Sealed | None:
        """The sealed key under which OKX user ids are hashed."""
        row = self._connection.execute(select(vault_keys)).one_or_none()
        return None if row is None else Sealed(row.key_id, row.sealed)

    def put_uid_key(self, sealed: Sealed) -> None:
        """Keep the uid key: the first one, or the same one sealed under a newer master key."""
        if self.uid_key() is None:
            self._connection.execute(
                insert(vault_keys).values(name="uid-hmac", key_id=sealed.key_id, sealed=sealed.data)
            )
        else:
            self._connection.execute(update(vault_keys).values(key_id=sealed.key_id, sealed=sealed.data))

    def note(self, subject: str, act: Act) -> None:
        """An audit entry for an act that changes no row of its own (an export, a rotation)."""
        self._audit.append(subject, act)


def _buyer_key(row: Row[Any]) -> BuyerKey:
    return BuyerKey(
        row.buyer, Sealed(row.key_id, row.sealed), row.uid_hmac, row.main_uid_hmac, row.stored_at_ms
    )
