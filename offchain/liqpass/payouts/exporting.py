"""The exported batch file: everything the approver and the payer need beside the chain."""

from __future__ import annotations

from liqpass.domain.batch_file import BatchFile
from liqpass.domain.batch_json import write_batch_file
from liqpass.domain.canonical import sha256_hex
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.merkle import PayoutTree
from liqpass.domain.money import format_usdc, usdc
from liqpass.lookups import existing_batch, existing_claim, existing_order, parameters_of
from liqpass.payouts.building import payouts_of
from liqpass.payouts.file_items import file_item
from liqpass.ports import Clock, Store
from liqpass.records import Act, Site
from liqpass.refusals import ConflictError

PROOF_SCHEMA = "liqpass.proof/1"


class Exporting:
    """Writes what leaves the service; each export is in the audit log with its hash."""

    def __init__(self, store: Store, clock: Clock, site: Site) -> None:
        self._store = store
        self._clock = clock
        self._site = site

    def batch_file(self, batch_id: int, *, actor: str) -> bytes:
        """`batch-YYYYMMDD.json` with its bundles. Raises NotFoundError."""
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            batch = existing_batch(unit, batch_id)
            rows = unit.batches.items(batch_id)
            orders = [existing_order(unit, existing_claim(unit, row.claim_id).order_id) for row in rows]
            file = BatchFile.build(
                batch_id=batch.id,
                chain_id=batch.chain_id,
                vault=batch.vault,
                checkout=self._site.checkout,
                created_at_ms=batch.built_at_ms,
                parameters=[parameters_of(unit, order) for order in orders],
                items=[file_item(unit, row) for row in rows],
            )
            if format_bytes32(file.payout_root) != batch.payout_root:
                raise ConflictError(f"the rows of batch {batch_id} no longer give its payout root")
            data = write_batch_file(file)
            details = {"sha256": sha256_hex(data), "root": batch.payout_root}
            unit.controls.note(f"batch/{batch.id}", Act(actor, "BATCH_EXPORTED", now_ms, details))
        return data

    def proof(self, claim_id: str) -> dict[str, object]:
        """Leaf and Merkle proof of a claim in its batch, schema `liqpass.proof/1`.

        Raises NotFoundError, ConflictError for a claim that is in no batch.
        """
        with self._store.read() as unit:
            claim = existing_claim(unit, claim_id)
            if claim.batch_id is None:
                raise ConflictError(f"claim {claim_id} is {claim.state} and in no batch")
            batch = existing_batch(unit, claim.batch_id)
            items = unit.batches.items(batch.id)
        index = next(index for index, item in enumerate(items) if item.claim_id == claim_id)
        tree = PayoutTree.of(payouts_of(batch, items))
        item = items[index]
        return {
            "schema": PROOF_SCHEMA,
            "chainId": str(batch.chain_id),
            "vault": batch.vault,
            "batchId": str(batch.id),
            "policyNo": str(item.policy_no),
            "recipient": item.recipient,
            "amount": str(item.amount),
            "amountUsdc": format_usdc(usdc(item.amount)),
            "evidenceHash": item.evidence_hash,
            "payoutRoot": batch.payout_root,
            "proof": [format_bytes32(node) for node in tree.proof(index)],
        }
