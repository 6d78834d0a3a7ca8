"""Batches of payouts as the vault takes them, built with the service's own Merkle tree."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

from eth_abi.abi import encode
from eth_hash.auto import keccak
from eth_utils import to_checksum_address
from liqpass.domain.merkle import Payout, PayoutTree
from liqpass.domain.money import Usdc

LEAF_TYPES = ("uint256", "uint256", "address", "uint256", "bytes32")
Struct: TypeAlias = tuple[int, int, str, int, bytes]


def evidence_hash(policy_no: int) -> bytes:
    """A distinct, recognisable hash for each policy."""
    return sha256(f"evidence of policy {policy_no}".encode()).digest()


def payout(batch_id: int, policy_no: int, recipient: Any, amount: int) -> Payout:
    """One payout of `amount` base units."""
    address = getattr(recipient, "address", recipient)
    return Payout(batch_id, policy_no, address.lower(), Usdc(amount), evidence_hash(policy_no))


def struct(item: Payout) -> Struct:
    """The payout as the contract's tuple."""
    return (
        item.batch_id,
        item.policy_no,
        to_checksum_address(item.recipient),
        item.amount,
        item.evidence_hash,
    )


@dataclass(frozen=True)
class Batch:
    """A day's payouts and their tree."""

    batch_id: int
    tree: PayoutTree

    @property
    def root(self) -> bytes:
        return self.tree.root

    @property
    def total(self) -> int:
        return sum(item.amount for item in self.tree.payouts)

    @property
    def terms(self) -> tuple[int, bytes, int]:
        """Arguments of `approveBatch`."""
        return self.batch_id, self.root, self.total

    def execution(
        self, indices: Iterable[int] | None = None
    ) -> tuple[int, list[Struct], list[bytes], list[bool]]:
        """Arguments of `executeBatch` for these payouts, or for all."""
        chosen = range(len(self.tree.payouts)) if indices is None else indices
        multiproof = self.tree.multiproof(list(chosen))
        structs = [struct(item) for item in multiproof.payouts]
        return self.batch_id, structs, list(multiproof.proof), list(multiproof.flags)


def batch_of(batch_id: int, *items: tuple[int, Any, int]) -> Batch:
    """A batch of (policy number, recipient, amount)."""
    return Batch(batch_id, PayoutTree.of([payout(batch_id, *item) for item in items]))


def hostile_leaf(item: Struct) -> bytes:
    """The leaf of any tuple, also of one that the service refuses to build a payout from."""
    return keccak(keccak(encode(LEAF_TYPES, item)))


def node(left: bytes, right: bytes) -> bytes:
    """A parent in OpenZeppelin's trees: the keccak of its sorted children."""
    return keccak(min(left, right) + max(left, right))
