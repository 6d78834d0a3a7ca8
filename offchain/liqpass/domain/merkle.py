"""The payout tree: byte for byte OpenZeppelin's StandardMerkleTree over our five-field payouts.

Leaves are sorted by hash and laid out from the end of one array in which node i has the children 2i+1 and
2i+2; a node is the keccak of its sorted children. `@openzeppelin/merkle-tree` 1.0.8 is the test's oracle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_hash.auto import keccak

from liqpass.domain.identifiers import parse_address
from liqpass.domain.money import Usdc, usdc


class MerkleError(ValueError):
    """Payouts or indices that no tree can be built or proven for."""


@dataclass(frozen=True, slots=True)
class Payout:
    """One payment: `recipient` lower-case, `amount` in base units, `evidence_hash` 32 bytes."""

    batch_id: int
    policy_no: int
    recipient: str
    amount: Usdc
    evidence_hash: bytes

    def __post_init__(self) -> None:
        for name in ("batch_id", "policy_no"):
            if not 0 <= getattr(self, name) < 2**256:
                raise MerkleError(f"{name} is not a uint256: {getattr(self, name)}")
        if parse_address(self.recipient) != self.recipient:
            raise MerkleError(f"recipient is not in lower case: {self.recipient}")
        usdc(self.amount)
        if len(self.evidence_hash) != 32:
            raise MerkleError(f"evidence hash of {len(self.evidence_hash)} bytes instead of 32")


@dataclass(frozen=True, slots=True)
class Multiproof:
    """What `executeBatch` takes: payouts in the proof's order, the proof's nodes, its flags."""

    payouts: tuple[Payout, ...]
    proof: tuple[bytes, ...]
    flags: tuple[bool, ...]


def leaf_hash(payout: Payout) -> bytes:
    """keccak256(keccak256(abi.encode(batchId, policyNo, recipient, amount, evidenceHash)))."""
    encoded = (
        payout.batch_id.to_bytes(32, "big")
        + payout.policy_no.to_bytes(32, "big")
        + bytes.fromhex(payout.recipient[2:]).rjust(32, b"\0")
        + payout.amount.to_bytes(32, "big")
        + payout.evidence_hash
    )
    return keccak(keccak(encoded))


@dataclass(frozen=True, slots=True)
class PayoutTree:
    """A tree over `payouts` in the caller's order; indices below are positions in that order."""

    payouts: tuple[Payout, ...]
    nodes: tuple[bytes, ...]
    places: tuple[int, ...]  # place in `nodes` of each payout's leaf

    @classmethod
    def of(cls, payouts: Sequence[Payout]) -> "PayoutTree":
        """Build the tree. Raises `MerkleError` without payouts."""
        if not payouts:
            raise MerkleError("a tree needs at least one payout")
        leaves = sorted((leaf_hash(payout), index) for index, payout in enumerate(payouts))
        size = 2 * len(leaves) - 1
        nodes = [b""] * size
        places = [0] * len(leaves)
        for rank, (leaf, index) in enumerate(leaves):
            nodes[size - 1 - rank] = leaf
            places[index] = size - 1 - rank
        for place in range(size - 1 - len(leaves), -1, -1):
            nodes[place] = _node(nodes[2 * place + 1], nodes[2 * place + 2])
        return cls(tuple(payouts), tuple(nodes), tuple(places))

    @property
    def root(self) -> bytes:
        """The payout root: what the approver approves."""
        return self.nodes[0]

    def proof(self, index: int) -> tuple[bytes, ...]:
        """Sibling hashes from the leaf of `payouts[index]` up to the root."""
        place = self._place(index)
        siblings = []
        while place > 0:
            siblings.append(self.nodes[_sibling(place)])
            place = (place - 1) // 2
        return tuple(siblings)

    def multiproof(self, indices: Sequence[int]) -> Multiproof:
        """One proof for several payouts. Raises `MerkleError` for an index twice or out of range."""
        place_to_index = {self._place(index): index for index in indices}
        if len(place_to_index) != len(indices):
            raise MerkleError("an index is given twice")
        places = sorted(place_to_index, reverse=True)
        queue = list(places)
        proof: list[bytes] = []
        flags: list[bool] = []
        head = 0
        while head < len(queue) and queue[head] > 0:
            place = queue[head]
            head += 1
            sibling = _sibling(place)
            paired = head < len(queue) and queue[head] == sibling
            flags.append(paired)
            if paired:
                head += 1
            else:
                proof.append(self.nodes[sibling])
            queue.append((place - 1) // 2)
        if not places:
            proof.append(self.root)
        payouts = tuple(self.payouts[place_to_index[place]] for place in places)
        return Multiproof(payouts, tuple(proof), tuple(flags))

    def _place(self, index: int) -> int:
        if not 0 <= index < len(self.places):
            raise MerkleError(f"index {index} is outside 0..{len(self.places) - 1}")
        return self.places[index]


def verify_proof(root: bytes, payout: Payout, proof: Sequence[bytes]) -> bool:
    """As MerkleProof.verify does on chain."""
    node = leaf_hash(payout)
    for sibling in proof:
        node = _node(node, sibling)
    return node == root


def _node(left: bytes, right: bytes) -> bytes:
    return keccak(left + right if left < right else right + left)


def _sibling(place: int) -> int:
    return place + 1 if place % 2 else place - 1
