"""An insured payment as the document and the specification have it, computed apart from the contracts."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from amounts import DEFAULT_TIMEOUT_MINUTES, PENALTY_RATE, USDC
from eth_abi.abi import encode
from eth_account import Account
from eth_hash.auto import keccak

BOND = 1_000 * USDC
CLIENT_FUNDS = 10 * USDC
PRICE = 100_000
"""0.10 USDC, the document's payment."""
PENALTY = 2_000
LOCK = 102_000
TIMEOUT_S = DEFAULT_TIMEOUT_MINUTES * 60
MAX_TIMEOUT_MINUTES = 10_080
NOTICE_S = 7 * 86_400
IDLE_S = 180 * 86_400
UNLIMITED = 2**96 - 1
NOBODY = "0x" + "00" * 20
REQUEST = b"\x01" * 32
"""A commitment that a client chooses: bit 255 is clear."""
NONCE = b"\x0c" * 32


class Status(IntEnum):
    NONE, OPEN, CONFIRMED, CLAIMED, REFUNDED = range(5)


class Standing(IntEnum):
    ACTIVE, EXITING, LIQUIDATED = range(3)


class Notice(IntEnum):
    NONE, UNHEALTHY, IDLE = range(3)


@dataclass(frozen=True)
class Held:
    """USDC that can move in these tests, in base units."""

    client: int = CLIENT_FUNDS
    provider: int = 0
    treasury: int = 0
    insurance: int = BOND


def penalty_of(amount: int, rate: int = PENALTY_RATE) -> int:
    """The penalty on a payment in base units, rounded up; `rate` in basis points."""
    return -(-amount * rate // 10_000)


def settlement_commitment(insurance: Any, provider: Any, client: Any, nonce: bytes) -> bytes:
    """keccak of chain, contract and payment, with bit 255 set."""
    types = ["uint256", "address", "address", "address", "bytes32"]
    terms = [insurance.provider.chain_id, insurance.address, provider.address, client.address, nonce]
    hashed = bytearray(keccak(encode(types, terms)))
    hashed[0] |= 0x80
    return bytes(hashed)


def sign_confirmation(insurance: Any, commitment: bytes, key_of: Any) -> bytes:
    """`key_of`'s EIP-712 signature of ServiceConfirmation(commitment)."""
    signed = Account.sign_typed_data(
        key_of.private_key,
        domain_data={
            "name": "X402InsuranceV2",
            "version": "1",
            "chainId": insurance.provider.chain_id,
            "verifyingContract": insurance.address,
        },
        message_types={"ServiceConfirmation": [{"name": "requestCommitment", "type": "bytes32"}]},
        message_data={"requestCommitment": commitment},
    )
    return bytes(signed.signature)
