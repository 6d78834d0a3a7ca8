"""What a provider, or its delivery key, signs to confirm a service (EIP-712)."""

from __future__ import annotations

from typing import Any

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from liqpass.domain.x402.commitments import bytes32
from liqpass.domain.x402.insurance import Insurance

DOMAIN_NAME = "X402InsuranceV2"
DOMAIN_VERSION = "1"
PRIMARY_TYPE = "ServiceConfirmation"
_TYPES = {
    "EIP712Domain": [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ],
    PRIMARY_TYPE: [{"name": "requestCommitment", "type": "bytes32"}],
}


def confirmation_data(insurance: Insurance, commitment: bytes) -> dict[str, Any]:
    """JSON for `eth_signTypedData_v4`: wallets take integers of any size only as decimal strings.

    Raises `CommitmentError`.
    """
    return {
        "types": {kind: [dict(field) for field in fields] for kind, fields in _TYPES.items()},
        "primaryType": PRIMARY_TYPE,
        "domain": {
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "chainId": str(insurance.chain_id),
            "verifyingContract": to_checksum_address(insurance.contract),
        },
        "message": {"requestCommitment": "0x" + bytes32(commitment, "commitment").hex()},
    }


def confirmation_digest(insurance: Insurance, commitment: bytes) -> bytes:
    """The contract's `confirmationDigest`: the 32 bytes that are signed. Raises `CommitmentError`."""
    signable = encode_typed_data(full_message=confirmation_data(insurance, commitment))
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def sign_service_confirmation(account: LocalAccount, insurance: Insurance, commitment: bytes) -> bytes:
    """The signature that `confirmService` takes: 65 bytes r, s, v, with s in the lower half and v 27 or 28.

    It says that the service was delivered and gives up the client's claim: sign it after serving, not before.
    Whoever holds it can send it. Raises `CommitmentError`.
    """
    signed = account.sign_typed_data(full_message=confirmation_data(insurance, commitment))
    return bytes(signed.signature)
