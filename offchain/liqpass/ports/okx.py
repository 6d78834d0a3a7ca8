"""OKX as the use cases see it: an account behind a read-only key."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from liqpass.records import OkxResponse


class OkxFetchError(Exception):
    """OKX could not be read. `code` is a stable word; `key_broken`: the buyer must bind another key."""

    def __init__(self, code: str, message: str, *, key_broken: bool = False) -> None:
        self.code = code
        self.key_broken = key_broken
        super().__init__(message)


@dataclass(frozen=True, slots=True, repr=False)
class OkxCredentials:
    """A key, its secret and its passphrase; `demo` says that it belongs to OKX's demo trading."""

    api_key: str
    secret: str
    passphrase: str
    demo: bool

    def __repr__(self) -> str:
        return "OkxCredentials(hidden)"


@dataclass(frozen=True, slots=True, repr=False)
class OkxIdentity:
    """Whose account it is, and what the key may do. The ids identify a person: never stored or printed."""

    uid: str
    main_uid: str
    permissions: frozenset[str]

    def __repr__(self) -> str:
        return "OkxIdentity(hidden)"


class OkxAccount(Protocol):
    """One account. Every method may raise OkxFetchError; answers are exact bytes."""

    def identity(self) -> OkxIdentity:
        """The account behind the key."""

    def positions(self) -> OkxResponse:
        """All open positions, unfiltered: a filter would hide a hedge."""

    def order(self, inst_id: str, ord_id: str) -> OkxResponse:
        """One order."""

    def claim_responses(self, inst_id: str, pos_id: str, begin_ms: int) -> list[OkxResponse]:
        """Everything that a decision on one position needs, each list to its last page.

        Orders from `begin_ms` on, which must not be after the position's cTime less a second.
        """


class OkxAccounts(Protocol):
    """Opens accounts."""

    def open(self, credentials: OkxCredentials) -> AbstractContextManager[OkxAccount]:
        """The account behind these credentials; raises OkxFetchError for credentials that cannot be sent."""
