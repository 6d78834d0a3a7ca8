"""Where the clients of one provider pay: the contract's `paymentAddress`, without asking a chain.

Each is an EIP-1167 clone of the PaymentAddress that X402InsuranceV2 creates first of all, in its constructor;
CREATE2 makes it with the provider as salt. All of that follows from two addresses: neither the chain nor the
compiler takes part.
"""

from __future__ import annotations

from eth_utils.crypto import keccak

from liqpass.domain.identifiers import parse_address
from liqpass.domain.x402.insurance import Insurance

# OpenZeppelin's Clones: the creation code on either side of the implementation's address.
_CLONE_HEAD = bytes.fromhex("3d602d80600a3d3981f3363d3d373d3d3d363d73")
_CLONE_TAIL = bytes.fromhex("5af43d82803e903d91602b57fd5bf3")


def payment_address(insurance: Insurance, provider: str) -> str:
    """`payTo` of every payment to `provider` that can be insured, in lower case. Raises `IdentifierError`."""
    contract = bytes.fromhex(insurance.contract[2:])
    salt = bytes.fromhex(parse_address(provider)[2:]).rjust(32, b"\0")
    clone = _CLONE_HEAD + _first_created_by(contract) + _CLONE_TAIL
    return "0x" + keccak(b"\xff" + contract + salt + keccak(clone))[12:].hex()


def _first_created_by(contract: bytes) -> bytes:
    """CREATE with nonce 1, where contracts begin: keccak256(rlp([contract, 1]))."""
    return keccak(b"\xd6\x94" + contract + b"\x01")[12:]
