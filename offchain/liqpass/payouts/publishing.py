"""What anybody who knows a claim's token may see: a payout with this evidence lies under an approved root.

The leaf is shown by its hash: neither trader, amount nor position can be read from it, and it is all that a
Merkle proof needs.
"""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.merkle import PayoutTree, leaf_hash
from liqpass.lookups import existing_batch
from liqpass.payouts.building import payouts_of
from liqpass.ports import Store
from liqpass.refusals import NotFoundError


@dataclass(frozen=True, slots=True)
class PublicProof:
    """Hashes are 0x and 64 hex digits; times unix milliseconds. What is not there yet is None or empty."""

    state: str
    evidence_hash: str | None
    fetched_at_ms: int | None
    chain_id: int | None = None
    vault: str | None = None
    batch_id: int | None = None
    payout_root: str | None = None
    leaf: str | None = None
    proof: tuple[str, ...] = ()
    transaction: str | None = None
    block: int | None = None
    confirmed_at_ms: int | None = None


class Publishing:
    """Reads; changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def proof(self, token: str) -> PublicProof:
        """The proof behind an unguessable token. Raises NotFoundError."""
        with self._store.read() as unit:
            claim = unit.claims.by_proof_token(token)
            if claim is None:
                raise NotFoundError("there is no such proof")
            bare = PublicProof(claim.state, claim.evidence_hash, claim.fetched_at_ms)
            if claim.batch_id is None:
                return bare
            batch = existing_batch(unit, claim.batch_id)
            items = unit.batches.items(batch.id)
            paid = unit.batches.payout_of(claim.policy_no)
        index = next((at for at, item in enumerate(items) if item.claim_id == claim.id), None)
        if index is None:
            return bare
        payouts = payouts_of(batch, items)
        settled = paid is not None and paid.batch_id == batch.id
        return PublicProof(
            state=claim.state,
            evidence_hash=items[index].evidence_hash,
            fetched_at_ms=claim.fetched_at_ms,
            chain_id=batch.chain_id,
            vault=batch.vault,
            batch_id=batch.id,
            payout_root=batch.payout_root,
            leaf=format_bytes32(leaf_hash(payouts[index])),
            proof=tuple(format_bytes32(node) for node in PayoutTree.of(payouts).proof(index)),
            transaction=paid.tx_hash if paid is not None and settled else None,
            block=paid.block if paid is not None and settled else None,
            confirmed_at_ms=paid.confirmed_at_ms if paid is not None and settled else None,
        )
