"""The whole error tree of the OKX adapter, and which OKX code belongs to which class.

No message carries OKX's own `msg`: it may quote the key or an address (50110 does both). It carries the code,
and a sentence that a user can act on.
"""

from __future__ import annotations


class OkxError(Exception):
    """Root of everything this adapter raises; `code` is OKX's, or None where OKX sent none."""

    def __init__(self, message: str, code: str | None = None) -> None:
        self.code = code
        super().__init__(message if code is None else f"{message} (OKX code {code})")


class NotAllowedError(OkxError):
    """Refused before anything was sent: host, path or parameter is not on the allow-list."""


class InvalidCredentialsError(OkxError):
    """A key, secret or passphrase that cannot be a header value; refused before anything was sent."""


class RetryableError(OkxError):
    """OKX or the network is busy; raised only after all bounded attempts were used up."""


class UnreadableError(RetryableError):
    """An answer that is not the JSON it should be: HTML, cut, duplicate keys, too large, a redirect."""


class ClockSkewError(RetryableError):
    """OKX refused our timestamp, also after one resynchronisation."""


class AccountFrozenError(OkxError):
    """A liquidation is in progress and the account is frozen: try later, never a reason to reject."""


class KeyBrokenError(OkxError):
    """The key does not work any more, or not from here: its owner must bind another."""


class DataError(OkxError):
    """OKX refused our parameters, or does not know the instrument or order."""


class PagingError(OkxError):
    """The pages of a list cannot be proved complete (tied cursors, wrong order, too many)."""


class UnknownCodeError(OkxError):
    """A code of no class that we know."""


RETRY_CODES = frozenset({"50001", "50004", "50011", "50013", "50026", "50040"})
CLOCK_CODES = frozenset({"50102", "50112"})
KEY_CODES = frozenset(
    {
        "50035",
        "50100",
        "50101",
        "50103",
        "50104",
        "50105",
        "50106",
        "50107",
        "50110",
        "50111",
        "50113",
        "50114",
        "50119",
        "50120",
    }
)
DATA_CODES = frozenset({"51000", "51001", "51603", "50014", "50015"})
FROZEN_CODES = frozenset({"50020", "50021", "50022"})

_KEY_HINTS = {
    "50101": "the key belongs to the other environment (demo or production)",
    "50105": "the passphrase is wrong",
    "50110": "the key is bound to IP addresses that do not include ours",
    "50113": "the secret does not belong to the key",
    "50119": "OKX does not know the key on this host",
    "50120": "the key lacks the permission to read",
}


def error_for(code: str) -> OkxError:
    """The error for a `code` other than "0" (facts/okx.md, section Errors)."""
    if code in RETRY_CODES:
        return RetryableError("OKX is busy or limits our rate", code)
    if code in CLOCK_CODES:
        return ClockSkewError("OKX refuses the time of our request", code)
    if code in KEY_CODES:
        hint = _KEY_HINTS.get(code, "OKX refuses the key")
        return KeyBrokenError(f"{hint}; bind a new read-only key", code)
    if code in FROZEN_CODES:
        return AccountFrozenError("the account is frozen while OKX liquidates; try again later", code)
    if code in DATA_CODES:
        return DataError("OKX does not accept the parameters or knows no such record", code)
    return UnknownCodeError("OKX answered with an error that is not known here", code)
