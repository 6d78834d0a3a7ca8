"""The public proof of one payout, behind an unguessable token."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from liqpass.domain.identifiers import checksum_address
from liqpass.entrypoints.answers import iso
from liqpass.entrypoints.web.api.forms import HASH_EXAMPLE, TIME_EXAMPLE, WALLET_EXAMPLE, problems
from liqpass.entrypoints.web.identity import ServiceOf
from liqpass.entrypoints.web.routes import ApiRoute
from liqpass.payouts.publishing import PublicProof

router = APIRouter(tags=["proof"], route_class=ApiRoute)
Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{16,64}$", examples=["3mJr7AoUXx2Wqd8fGk1n"])]


class ProofAnswer(BaseModel):
    """Hash the leaf up with `proof` (sorted pairs, keccak-256) and compare with the root in the vault."""

    state: str = Field(examples=["PAID"])
    evidence_hash: str | None = Field(alias="evidenceHash", examples=[HASH_EXAMPLE])
    fetched_at: str | None = Field(alias="fetchedAt", examples=[TIME_EXAMPLE])
    chain_id: int | None = Field(alias="chainId", examples=[8453])
    vault: str | None = Field(examples=[WALLET_EXAMPLE])
    batch_id: int | None = Field(alias="batchId", examples=[20260122])
    payout_root: str | None = Field(alias="payoutRoot", examples=[HASH_EXAMPLE])
    leaf: str | None = Field(examples=[HASH_EXAMPLE])
    proof: list[str] = Field(examples=[[HASH_EXAMPLE]])
    transaction: str | None = Field(examples=[HASH_EXAMPLE])
    block: int | None = Field(examples=[12345678])
    confirmed_at: str | None = Field(alias="confirmedAt", examples=[TIME_EXAMPLE])


@router.get("/api/proof/{token}", response_model=ProofAnswer, responses=problems(404, 422))
def proof(service: ServiceOf, token: Token) -> dict[str, Any]:
    """Evidence hash, root, leaf, Merkle proof and transaction; nothing about the trader or the position."""
    return proof_answer(service.use_cases.publishing.proof(token))


def proof_answer(proof: PublicProof) -> dict[str, Any]:
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
