"""What a buyer signs instead of sending: EIP-2612 permits and EIP-3009 authorizations of USDC (EIP-712)."""

from __future__ import annotations

from typing import Any

import click
from ape.api import AccountAPI
from eth_account.messages import encode_typed_data
from liqpass.adapters.chain.premium_calls import RECEIVE_WITH_AUTHORIZATION, read_domain, typed_data
from liqpass.ports import ChainError
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
    "ReceiveWithAuthorization": RECEIVE_WITH_AUTHORIZATION,
}


def sign_typed(
    account: AccountAPI, usdc: Contract, chain_id: int, kind: str, message: dict[str, Any]
) -> bytes:
    """The 65-byte signature (r, s, v) over `message` of type `kind` under USDC's domain.

    Raises RefusedError when the account does not sign, or the token would refuse what is signed.
    """
    try:
        domain = read_domain(usdc, chain_id)
    except ChainError as error:
        raise RefusedError(f"{error}; nothing was sent") from None
    # Shown here because ape shows a keyfile's owner only the two hashes.
    click.echo(f"{kind} for {domain.name} {usdc.address} on chain {chain_id}, to be signed:")
    for name in _TYPES[kind]:
        value = message[name]
        click.echo(f"  {name:<12} {'0x' + value.hex() if isinstance(value, bytes) else value}")
    signature = account.sign_message(
        encode_typed_data(full_message=typed_data(domain, kind, _TYPES[kind], message))
    )
    if signature is None:
        raise RefusedError(f"{account.address} did not sign; nothing was sent")
    return bytes(signature.encode_rsv())
