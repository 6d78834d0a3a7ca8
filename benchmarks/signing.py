"""What payers and providers sign in the benchmarks (EIP-712): Circle's own messages under USDC's domain."""

from __future__ import annotations

from typing import Any

from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes

from benchmarks.stage import Stage

FOREVER = 2**48  # a time bound far away, in unix seconds

_AUTHORIZATION = {
    "from": "address",
    "to": "address",
    "value": "uint256",
    "validAfter": "uint256",
    "validBefore": "uint256",
    "nonce": "bytes32",
}
_TYPES = {
    "TransferWithAuthorization": _AUTHORIZATION,
    "ReceiveWithAuthorization": _AUTHORIZATION,
    "Permit": {
        "owner": "address",
        "spender": "address",
        "value": "uint256",
        "nonce": "uint256",
        "deadline": "uint256",
    },
}


def authorization(stage: Stage, kind: str, to: str, amount: int, nonce: bytes) -> bytes:
    """The buyer's EIP-3009 signature of `kind` over `amount` (USDC base units)."""
    buyer = stage.actors.buyer
    message = {
        "from": buyer.address,
        "to": to,
        "value": amount,
        "validAfter": 0,
        "validBefore": FOREVER,
        "nonce": nonce,
    }
    return signed(stage, buyer, kind, message)


def signed(stage: Stage, signer: LocalAccount, kind: str, message: dict[str, Any]) -> bytes:
    """The 65-byte signature over a message of USDC's of type `kind`."""
    domain = {
        "name": stage.usdc.functions.name().call(),
        "version": stage.usdc.functions.version().call(),
        "chainId": stage.node.chain_id,
        "verifyingContract": stage.usdc.address,
    }
    types = {kind: [{"name": name, "type": type_} for name, type_ in _TYPES[kind].items()]}
    return bytes(HexBytes(signer.sign_typed_data(domain, types, message).signature))
