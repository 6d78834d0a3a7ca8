"""The day's report: what each policy of a batch was paid and by what, in CSV and JSON."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime

from liqpass.domain.audit import Anchor
from liqpass.domain.canonical import canonical_json
from liqpass.domain.money import format_usdc, usdc
from liqpass.lookups import existing_batch, existing_claim, existing_order
from liqpass.ports import Clock, Store, UnitOfWork
from liqpass.records import Act, Batch, BatchItem, PaidOut

SCHEMA = "liqpass.report/1"
COLUMNS = (
    "batchId",
    "policyNo",
    "orderId",
    "claimId",
    "buyer",
    "recipient",
    "amountUsdc",
    "premiumUsdc",
    "premiumPaidBy",
    "premiumTransaction",
    "verdict",
    "reviewers",
    "evidenceHash",
    "outcome",
    "payoutTransaction",
    "payoutBlock",
)
# A spreadsheet would run a cell that starts with one of these.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Report:
    """One batch's rows, and the audit log's count and head at the time: the anchor of `audit verify`."""

    batch: Batch
    rows: tuple[dict[str, str], ...]
    anchor: Anchor
    made_at_ms: int

    def as_json(self) -> bytes:
        """Canonical JSON, schema `liqpass.report/1`; amounts are decimal strings of USDC."""
        paid = sum(item["outcome"] == "paid" for item in self.rows)
        return canonical_json(
            {
                "schema": SCHEMA,
                "madeAt": _iso(self.made_at_ms),
                "batch": {
                    "batchId": str(self.batch.id),
                    "state": str(self.batch.state),
                    "chainId": str(self.batch.chain_id),
                    "vault": self.batch.vault,
                    "payoutRoot": self.batch.payout_root,
                    "totalUsdc": format_usdc(usdc(self.batch.total)),
                    "builtAt": _iso(self.batch.built_at_ms),
                },
                "payouts": list(self.rows),
                "payoutsPaid": str(paid),
                "payoutsOpen": str(len(self.rows) - paid),
                "audit": {"count": str(self.anchor.count), "head": self.anchor.head},
            }
        )

    def as_csv(self) -> str:
        """RFC 4180 with a header line; the last line is the audit anchor."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for row in self.rows:
            writer.writerow([safe_cell(row[column]) for column in COLUMNS])
        writer.writerow(["# audit", str(self.anchor.count), self.anchor.head])
        return out.getvalue()


def safe_cell(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


class Reporting:
    """Builds reports; changes nothing but the audit log."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def report(self, batch_id: int, *, actor: str) -> Report:
        """The report of a batch. Raises NotFoundError."""
        now_ms = self._clock.now_ms()
        with self._store.write() as unit:
            batch = existing_batch(unit, batch_id)
            rows = tuple(_row(unit, item) for item in unit.batches.items(batch_id))
            unit.controls.note(f"batch/{batch_id}", Act(actor, "REPORTED", now_ms, {}))
            return Report(batch, rows, unit.audit.anchor(), now_ms)


def _row(unit: UnitOfWork, item: BatchItem) -> dict[str, str]:
    claim = existing_claim(unit, item.claim_id)
    order = existing_order(unit, claim.order_id)
    paid: PaidOut | None = unit.batches.payout_of(item.policy_no)
    if paid is not None and paid.batch_id != item.batch_id:
        paid = None
    reviewers = [word.reviewer for word in unit.claims.reviews_of(claim.id)]
    by_hand = order.payment_kind == "manual"
    return {
        "batchId": str(item.batch_id),
        "policyNo": str(item.policy_no),
        "orderId": order.id,
        "claimId": claim.id,
        "buyer": order.buyer,
        "recipient": item.recipient,
        "amountUsdc": format_usdc(usdc(item.amount)),
        "premiumUsdc": format_usdc(usdc(order.premium)),
        "premiumPaidBy": f"BY HAND: {order.manual_actor}: {order.manual_reason}" if by_hand else "chain",
        "premiumTransaction": order.payment_tx or "",
        "verdict": claim.verdict or "",
        "reviewers": "; ".join(reviewers),
        "evidenceHash": item.evidence_hash,
        "outcome": item.outcome or "open",
        "payoutTransaction": (paid.tx_hash or "") if paid is not None else "",
        "payoutBlock": str(paid.block) if paid is not None else "",
    }


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
