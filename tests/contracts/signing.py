"""EIP-712 signatures that USDC takes: EIP-2612 permits and EIP-3009 authorizations."""

from typing import Any

from eth_account import Account

AUTHORIZATION_FIELDS = [
    {"name": "from", "type": "address"},
    {"name": "to", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "validAfter", "type": "uint256"},
    {"name": "validBefore", "type": "uint256"},
    {"name": "nonce", "type": "bytes32"},
]
TYPES = {
    "Permit": [
        {"name": "owner", "type": "address"},
        {"name": "spender", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ],
    "ReceiveWithAuthorization": AUTHORIZATION_FIELDS,
    "TransferWithAuthorization": AUTHORIZATION_FIELDS,
    "CancelAuthorization": [
        {"name": "authorizer", "type": "address"},
        {"name": "nonce", "type": "bytes32"},
    ],
}


def sign(usdc: Any, kind: str, message: dict[str, Any], key_of: Any) -> bytes:
    """The 65-byte signature of `key_of` over `message` of type `kind` for this token on this chain."""
    signed = Account.sign_typed_data(
        key_of.private_key,
        domain_data={
            "name": usdc.name(),
            "version": usdc.version(),
            "chainId": usdc.provider.chain_id,
            "verifyingContract": usdc.address,
        },
        message_types={kind: TYPES[kind]},
        message_data={name: getattr(value, "address", value) for name, value in message.items()},
    )
    return bytes(signed.signature)


def sign_permit(
    usdc: Any,
    owner: Any,
    spender: Any,
    value: int,
    deadline: int,
    *,
    nonce: int | None = None,
    key_of: Any = None,
) -> bytes:
    """A permit by `owner`, signed by `key_of` where the owner is a smart wallet."""
    message = {
        "owner": owner,
        "spender": spender,
        "value": value,
        "nonce": usdc.nonces(owner) if nonce is None else nonce,
        "deadline": deadline,
    }
    return sign(usdc, "Permit", message, key_of or owner)


def sign_authorization(
    usdc: Any,
    kind: str,
    payer: Any,
    to: Any,
    value: int,
    valid_after: int,
    valid_before: int,
    nonce: bytes,
    *,
    key_of: Any = None,
) -> bytes:
    """An EIP-3009 authorization; `kind` is ReceiveWithAuthorization or TransferWithAuthorization."""
    message = {
        "from": payer,
        "to": to,
        "value": value,
        "validAfter": valid_after,
        "validBefore": valid_before,
        "nonce": bytes(nonce),
    }
    return sign(usdc, kind, message, key_of or payer)


def sign_cancellation(usdc: Any, authorizer: Any, nonce: bytes, *, key_of: Any = None) -> bytes:
    """An EIP-3009 cancellation of a nonce."""
    message = {"authorizer": authorizer, "nonce": bytes(nonce)}
    return sign(usdc, "CancelAuthorization", message, key_of or authorizer)
