"""What a buyer signs instead of sending: EIP-2612 permits and EIP-3009 authorizations of USDC (EIP-712)."""

from __future__ import annotations

from typing import Any

import click
from ape.api import AccountAPI
from eth_account.messages import encode_typed_data
from web3.contract import Contract

from scripts._operator import RefusedError

_TYPES = {
    "Permit": {
        "owner": "address",
        "spender": "address",
        "value": "uint256",
        "nonce": "uint256",
        "deadline": "uint256",
    },
    "ReceiveWithAuthorization": {
        "from": "address",
        "to": "address",
        "value": "uint256",
        "validAfter": "uint256",
        "validBefore": "uint256",
        "nonce": "bytes32",
    },
}


def sign_typed(
    account: AccountAPI, usdc: Contract, chain_id: int, kind: str, message: dict[str, Any]
) -> bytes:
    """The 65-byte signature (r, s, v) over `message` of type `kind` under USDC's domain.

    Raises RefusedError when the account does not sign.
    """
    domain = {
        "name": usdc.functions.name().call(),
        "version": usdc.functions.version().call(),
        "chainId": chain_id,
        "verifyingContract": usdc.address,
    }
    fields = [{"name": name, "type": kind_of} for name, kind_of in _TYPES[kind].items()]
    # Shown here because ape shows a keyfile's owner only the two hashes.
    click.echo(f"{kind} for {domain['name']} {usdc.address} on chain {chain_id}, to be signed:")
    for name in _TYPES[kind]:
        value = message[name]
        click.echo(f"  {name:<12} {'0x' + value.hex() if isinstance(value, bytes) else value}")
    signature = account.sign_message(encode_typed_data(domain, {kind: fields}, message))
    if signature is None:
        raise RefusedError(f"{account.address} did not sign; nothing was sent")
    return bytes(signature.encode_rsv())
