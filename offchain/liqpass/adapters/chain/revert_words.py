"""Words for the custom errors of our contracts, from the ABIs that the package ships."""

from __future__ import annotations

import functools
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from liqpass.adapters.chain.contracts import abi_of
from liqpass.adapters.chain.reverts import revert_reason

_OURS = (
    "Checkout",
    "PayoutVault",
    "LiqPassAccessManager",
    "X402InsuranceV2",
    "OpenParametric",
    "MockFeed",
)


def our_errors(data: bytes) -> str | None:
    """`Name(argument value, …)` of a custom error of ours, None for anything else."""
    error = _errors().get(data[:4])
    if error is None:
        return None
    inputs = error["inputs"]
    try:
        values = decode([parameter["type"] for parameter in inputs], data[4:])
    except DecodingError:
        return None
    words = ", ".join(
        f"{parameter['name']} {_text(value)}" for parameter, value in zip(inputs, values, strict=True)
    )
    return f"{error['name']}({words})"


def reason_of(data: bytes, message: str) -> str:
    """Our errors' words, else what `revert_reason` makes of it."""
    return revert_reason(data, message, our_errors)


@functools.cache
def _errors() -> dict[bytes, dict[str, Any]]:
    found = {}
    for name in _OURS:
        for entry in abi_of(name):
            if entry["type"] == "error":
                types = ",".join(parameter["type"] for parameter in entry["inputs"])
                found[keccak(text=f"{entry['name']}({types})")[:4]] = entry
    return found


def _text(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
