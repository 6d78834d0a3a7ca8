"""The public proof of one payout, behind an unguessable token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from liqpass.domain.identifiers import checksum_address
from liqpass.entrypoints.answers import iso
from liqpass.entrypoints.shapes.payouts import ProofAnswer
from liqpass.entrypoints.web.api.forms import problems
from liqpass.entrypoints.web.identity import ServiceOf
from liqpass.entrypoints.web.routes import ApiRoute
from liqpass.payouts.publishing import PublicProof

router = APIRouter(tags=["proof"], route_class=ApiRoute)
Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{16,64}$", examples=["3mJr7AoUXx2Wqd8fGk1n"])]


@router.get("/api/proof/{token}", responses=problems(404, 422))
def proof(service: ServiceOf, token: Token) -> ProofAnswer:
    """Evidence hash, root, leaf, Merkle proof and transaction; nothing about the trader or the position."""
    return proof_answer(service.use_cases.publishing.proof(token))


def proof_answer(proof: PublicProof) -> ProofAnswer:
    """As JSON."""
    return {
        "state": proof.state,
        "evidenceHash": proof.evidence_hash,
        "fetchedAt": iso(proof.fetched_at_ms),
        "chainId": proof.chain_id,
        "vault": None if proof.vault is None else checksum_address(proof.vault),
        "batchId": proof.batch_id,
        "payoutRoot": proof.payout_root,
        "leaf": proof.leaf,
        "proof": list(proof.proof),
        "transaction": proof.transaction,
        "block": proof.block,
        "confirmedAt": iso(proof.confirmed_at_ms),
    }
