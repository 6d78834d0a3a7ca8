"""Words for revert data."""

from __future__ import annotations

from collections.abc import Callable

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

# Gives words for the errors of our contracts, or None for data that it does not know.
RevertDecoder = Callable[[bytes], str | None]

_ERROR = bytes.fromhex("08c379a0")  # Error(string)
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)


def revert_reason(data: bytes, message: str, decoder: RevertDecoder | None) -> str:
    """The decoder's words; else Error(string)'s or Panic(uint256)'s; else the data or the node's message."""
    if decoder is not None and data and (words := decoder(data)) is not None:
        return words
    try:
        if data[:4] == _ERROR:
            return str(decode(["string"], data[4:])[0])
        if data[:4] == _PANIC:
            return f"Panic(0x{decode(['uint256'], data[4:])[0]:02x})"
    except (DecodingError, UnicodeDecodeError):
        pass
    return f"0x{data.hex()}" if data else message
