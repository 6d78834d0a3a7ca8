"""The Safe Transaction-Builder's JSON (format version 1.0): what a Safe's owners import, review and sign.

Calldata is given whole (`data`, with `contractMethod` null), so what they sign is byte for byte what was
checked here; Safe's interface decodes it from the verified source.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class SafeCall:
    """One call by the Safe; `value` in wei."""

    to: str
    value: int
    data: bytes


def write_safe_batch(
    calls: Sequence[SafeCall],
    *,
    chain_id: int,
    safe: str,
    name: str,
    description: str,
    created_at_ms: int,
) -> str:
    """The file's text; the Safe executes all calls in their order in one transaction."""
    meta = {
        "name": name,
        "description": description,
        "txBuilderVersion": "1.17.1",
        "createdFromSafeAddress": to_checksum_address(safe),
        "createdFromOwnerAddress": "",
    }
    document: dict[str, object] = {
        "version": VERSION,
        "chainId": str(chain_id),
        "createdAt": created_at_ms,
        "meta": meta,
        "transactions": [
            {
                "to": to_checksum_address(call.to),
                "value": str(call.value),
                "data": "0x" + call.data.hex(),
                "contractMethod": None,
                "contractInputsValues": None,
            }
            for call in calls
        ],
    }
    meta["checksum"] = checksum(document)
    return json.dumps(document, indent=2) + "\n"


def checksum(document: dict[str, object]) -> str:
    """What Safe's interface compares: keccak of the key-sorted form, the name left out.

    Source: safe-global/safe-react-apps, apps/tx-builder/src/lib/checksum.ts.
    """
    meta = document["meta"]
    assert isinstance(meta, dict)  # noqa: S101 - built above
    return "0x" + keccak(text=_serialized({**document, "meta": {**meta, "name": None}})).hex()


def _serialized(value: object) -> str:
    if isinstance(value, list):
        return "[" + ",".join(_serialized(item) for item in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value)
        text = "{" + json.dumps(keys, separators=(",", ":"), ensure_ascii=False)
        return text + "".join(_serialized(value[key]) + "," for key in keys) + "}"
    return json.dumps(value, ensure_ascii=False)
