"""The 32 bytes that name an insured request. Bit 255, the highest, says which way it was insured.

Both ways hash the same five words: keccak256(abi.encode(uint256 chainId, address contract, address provider,
address client, bytes32 nonce)). `purchaseInsurance` takes the hash with bit 255 clear, `settleAndInsure`
makes it with bit 255 set, so that neither can take a commitment of the other.
"""

from __future__ import annotations

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from liqpass.domain.identifiers import parse_address
from liqpass.domain.x402.insurance import Insurance, X402Error

_WORDS = ("uint256", "address", "address", "address", "bytes32")
_SETTLED = 1 << 255


class CommitmentError(X402Error):
    """Bytes that are no commitment, or not of the wanted way."""


def calculate_commitment(insurance: Insurance, *, provider: str, client: str, nonce: bytes) -> bytes:
    """The `requestCommitment` of `purchaseInsurance`; client and provider compute the same.

    `nonce`: 32 bytes that the client draws anew for each request and sends along with it. They must be
    random: whoever guesses them can lock the commitment first, and the contract takes each only once.
    Raises `CommitmentError` or `IdentifierError`.
    """
    hashed = _hash(insurance, provider, client, nonce)
    return request_commitment((hashed & ~_SETTLED).to_bytes(32, "big"))


def settlement_commitment(insurance: Insurance, *, provider: str, client: str, nonce: bytes) -> bytes:
    """The contract's `settlementCommitment`; `nonce`: 32 bytes, that of the client's EIP-3009 signature.

    Raises `CommitmentError` or `IdentifierError`.
    """
    hashed = _hash(insurance, provider, client, nonce)
    return (hashed | _SETTLED).to_bytes(32, "big")


def request_commitment(commitment: bytes) -> bytes:
    """`commitment` if `purchaseInsurance` takes it: not zero, bit 255 clear. Raises `CommitmentError`."""
    if is_settlement(commitment):
        raise CommitmentError(f"bit 255 is set, as only settleAndInsure does: 0x{commitment.hex()}")
    if not any(commitment):
        raise CommitmentError("zero is no commitment")
    return commitment


def is_settlement(commitment: bytes) -> bool:
    """Whether `settleAndInsure` made it. Raises `CommitmentError` for anything but 32 bytes."""
    return bytes32(commitment, "commitment")[0] >= 0x80


def bytes32(value: bytes, name: str) -> bytes:
    """`value` unchanged. Raises `CommitmentError`, which calls it `name`, for anything but 32 bytes."""
    if not isinstance(value, bytes):
        raise CommitmentError(f"{name} is not bytes: {value!r}")
    if len(value) != 32:
        raise CommitmentError(f"{name} of {len(value)} bytes instead of 32")
    return value


def _hash(insurance: Insurance, provider: str, client: str, nonce: bytes) -> int:
    words = (
        insurance.chain_id,
        insurance.contract,
        parse_address(provider),
        parse_address(client),
        bytes32(nonce, "nonce"),
    )
    return int.from_bytes(keccak(encode(_WORDS, words)), "big")
