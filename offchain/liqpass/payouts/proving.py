"""Verifying one payout's evidence from bundle, proof and chain alone."""

from __future__ import annotations

from dataclasses import dataclass

from liqpass.domain.evidence import EvidenceError, parse_bundle
from liqpass.domain.identifiers import (
    IdentifierError,
    format_bytes32,
    parse_address,
    parse_bytes32,
    parse_number,
)
from liqpass.domain.merkle import MerkleError, Payout, verify_proof
from liqpass.domain.money import MoneyError, parse_base_units
from liqpass.domain.strict_json import StrictJsonError, parse_strict
from liqpass.ports import ChainReader
from liqpass.refusals import InvalidInputError

SCHEMA = "liqpass.proof/1"
MAX_BYTES = 64 * 1024
MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Proof:
    """A payout's leaf, its Merkle proof and where to look: what `liqpass evidence export` writes."""

    chain_id: int
    vault: str
    payout: Payout
    payout_root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    passed: bool
    note: str = ""


def parse_proof(data: bytes) -> Proof:
    """Read a proof file. Raises InvalidInputError."""
    try:
        value = parse_strict(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, numbers=False)
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise InvalidInputError(f"not a proof of schema {SCHEMA}")
        nodes = value["proof"]
        if not isinstance(nodes, list):
            raise InvalidInputError("the proof is not a list")
        payout = Payout(
            parse_number(value["batchId"]),
            parse_number(value["policyNo"]),
            parse_address(value["recipient"]),
            parse_base_units(value["amount"]),
            parse_bytes32(value["evidenceHash"]),
        )
        return Proof(
            parse_number(value["chainId"]),
            parse_address(value["vault"]),
            payout,
            parse_bytes32(value["payoutRoot"]),
            tuple(parse_bytes32(node) for node in nodes),
        )
    except (StrictJsonError, IdentifierError, MoneyError, MerkleError) as error:
        raise InvalidInputError(f"the proof cannot be read: {error}") from None
    except KeyError as error:
        raise InvalidInputError(f"the proof lacks {error}") from None


def verify(bundle: bytes, proof: Proof, chain: ChainReader) -> list[Check]:
    """Everything that can be checked, each with its outcome; raises EvidenceError for a malformed bundle.

    `chain` is the reader of the vault that the verifier trusts: the proof's own address only has to agree.
    """
    parsed = parse_bundle(bundle)
    if parsed.canonical() != bundle:
        raise EvidenceError("the bundle is not in canonical form")
    payout = proof.payout
    final = chain.final_block()
    batch = chain.batch(payout.batch_id, final)
    paid = payout.policy_no in chain.paid_policies([payout.policy_no], final)
    log = next(
        (
            log
            for log in chain.payout_logs(payout.batch_id, final.number)
            if not log.failed and log.policy_no == payout.policy_no
        ),
        None,
    )
    as_logged = log is not None and (log.recipient, log.amount, log.evidence_hash) == (
        payout.recipient,
        payout.amount,
        format_bytes32(payout.evidence_hash),
    )
    root = format_bytes32(proof.payout_root)
    return [
        Check("the bundle's hash is the leaf's evidence hash", parsed.evidence_hash == payout.evidence_hash),
        Check("the bundle is of the leaf's policy", parsed.policy_no == payout.policy_no),
        Check("leaf and proof give the payout root", verify_proof(proof.payout_root, payout, proof.proof)),
        Check(
            "the proof is of this chain and vault",
            (chain.chain_id(), chain.vault()) == (proof.chain_id, proof.vault),
        ),
        Check(
            "the vault holds this root for the batch",
            batch is not None and batch.payout_root == root,
            "" if batch is None else f"approved by {batch.approver}",
        ),
        Check("the vault's paid bit is set", paid, f"as of block {final.number}"),
        Check(
            "the vault paid this leaf's recipient and amount",
            as_logged,
            "" if log is None else f"transaction {log.tx_hash}",
        ),
    ]
