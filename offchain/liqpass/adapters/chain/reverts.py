"""Words for revert data."""

from __future__ import annotations

from collections.abc import Callable

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

# Gives words for the errors of our contracts, or None for data that it does not know.
RevertDecoder = Callable[[bytes], str | None]

_ERROR = bytes.fromhex("08c379a0")  # Error(string)
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)
_MOST = 500  # characters of a reason that any contract may have written


def revert_reason(data: bytes, message: str, decoder: RevertDecoder | None) -> str:
    """The decoder's words; else Error(string)'s or Panic(uint256)'s; else the data or the node's message."""
    if decoder is not None and data and (words := decoder(data)) is not None:
        return words
    try:
        if data[:4] == _ERROR:
            return _line(decode(["string"], data[4:])[0])
        if data[:4] == _PANIC:
            return f"Panic(0x{decode(['uint256'], data[4:])[0]:02x})"
    except (DecodingError, UnicodeDecodeError):
        pass
    return _line(f"0x{data.hex()}" if data else message)


def _line(text: str) -> str:
    """One line for a log, printable whatever is in it."""
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return shown if len(shown) <= _MOST else f"{shown[:_MOST]}…"
