"""What OKX says about the account behind a key, as far as binding needs it."""

from __future__ import annotations

from dataclasses import dataclass, field

from liqpass.adapters.okx.errors import UnreadableError
from liqpass.adapters.okx.responses import RawResponse, rows_of
from liqpass.domain.okx_records import READ_ONLY


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """`uid` is the account, `main_uid` groups its sub-accounts: both identify a person: neither is printed.

    `permissions` is the set in `perm`. `response` holds uid, IP and label: it never enters evidence.
    """

    uid: str = field(repr=False)
    main_uid: str = field(repr=False)
    permissions: frozenset[str]
    account_level: str
    position_mode: str
    response: RawResponse = field(repr=False)

    @property
    def read_only(self) -> bool:
        """True only for exactly `read_only`: a key that may also trade or withdraw is not."""
        return self.permissions == READ_ONLY


def read_account_config(raw: RawResponse) -> AccountConfig:
    """Reads the one row of `/account/config`. Raises UnreadableError if a field that we need is no string."""
    rows = rows_of(raw)
    if len(rows) != 1:
        raise UnreadableError(f"OKX described {len(rows)} accounts instead of one")
    uid, main_uid, perm, level, mode = (
        rows[0].get(name) for name in ("uid", "mainUid", "perm", "acctLv", "posMode")
    )
    if not (isinstance(uid, str) and isinstance(main_uid, str) and uid and main_uid):
        raise UnreadableError("OKX described the account without its uid")
    if not (isinstance(perm, str) and isinstance(level, str) and isinstance(mode, str)):
        raise UnreadableError("OKX described the account without its permissions or modes")
    permissions = frozenset(part.strip() for part in perm.split(",") if part.strip())
    return AccountConfig(uid, main_uid, permissions, level, mode, raw)
