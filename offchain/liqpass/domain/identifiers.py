"""The written forms of addresses, 32-byte values and UUIDs: one form each, so that equal means identical."""

import re

from eth_hash.auto import keccak

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_BYTES32 = re.compile(r"0x[0-9a-f]{64}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_ZERO = "0x" + "0" * 40


class IdentifierError(ValueError):
    """Text that is not the identifier it should be."""


def parse_address(text: object) -> str:
    """A nonzero address in lower case. Mixed case must carry a right EIP-55 checksum.

    Raises `IdentifierError`.
    """
    if not isinstance(text, str) or _ADDRESS.fullmatch(text) is None:
        raise IdentifierError(f"not an address: {text!r}")
    lower = text.lower()
    if lower == _ZERO:
        raise IdentifierError("the zero address is nobody's")
    if text != lower and text != checksum_address(lower):
        raise IdentifierError(f"address with a wrong checksum: {text}")
    return lower


def checksum_address(address: str) -> str:
    """The EIP-55 form of a lower-case address, for people."""
    digits = address[2:]
    marks = keccak(digits.encode("ascii")).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) >= 8 else digit for digit, mark in zip(digits, marks, strict=False)
    )


def parse_bytes32(text: object) -> bytes:
    """Read `0x` and 64 lower-case hex digits. Raises `IdentifierError`."""
    if not isinstance(text, str) or _BYTES32.fullmatch(text) is None:
        raise IdentifierError(f"not 32 bytes in lower-case hex: {text!r}")
    return bytes.fromhex(text[2:])


def format_bytes32(value: bytes) -> str:
    """`0x` and 64 lower-case hex digits."""
    if len(value) != 32:
        raise IdentifierError(f"{len(value)} bytes instead of 32")
    return "0x" + value.hex()


def parse_sha256(text: object) -> str:
    """64 lower-case hex digits without `0x`, unchanged. Raises `IdentifierError`."""
    if not isinstance(text, str) or _SHA256.fullmatch(text) is None:
        raise IdentifierError(f"not a SHA-256 in lower-case hex: {text!r}")
    return text


def parse_uuid(text: object) -> str:
    """A UUID of version 4 in lower case, unchanged. Raises `IdentifierError`."""
    if not isinstance(text, str) or _UUID4.fullmatch(text) is None:
        raise IdentifierError(f"not a UUID of version 4 in lower case: {text!r}")
    return text


def parse_number(text: object) -> int:
    """A decimal string without sign or leading zero, below 10^78. Raises `IdentifierError`."""
    if not isinstance(text, str) or _NUMBER.fullmatch(text) is None:
        raise IdentifierError(f"not a decimal string: {text!r}")
    return int(text)
