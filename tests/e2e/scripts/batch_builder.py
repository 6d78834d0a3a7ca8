"""Batch files over a real chain: the domain's own functions, with every part open to tampering."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from batch_stories import REVIEWED, claim_uuid, order_uuid
from domain_stories import (
    BOUND_MS,
    KEY,
    PAID_S,
    POS_ID,
    WINDOW,
    bundle,
    closed_row,
    order_row,
    position_row,
    requests,
)
from liqpass.domain.batch_file import BatchFile, BatchItem, ChainPayment, ManualPayment
from liqpass.domain.eligibility import decide
from liqpass.domain.evidence import StoredRequest
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.domain.position import BoundPosition, position_hash
from liqpass.domain.quote import QuoteTerms, order_id

__all__ = ["NOW_S", "PAID_S", "TEN_USDC", "batch_id_at", "build", "by_hand", "item", "quote", "small_loss"]

NOW_S = WINDOW.end_ms // 1000 + 3600  # when batches are approved and paid
TEN_USDC = 10_000_000


def batch_id_at(time_s: int) -> int:
    """The UTC date as YYYYMMDD."""
    return int(datetime.fromtimestamp(time_s, UTC).strftime("%Y%m%d"))


def small_loss(position: int) -> tuple[StoredRequest, ...]:
    """A liquidation of that position that lost 10.00, so that forty fit under the daily cap."""
    pos_id = str(int(POS_ID) + position)
    stored = requests(
        bound=[position_row(posId=pos_id)],
        closed=[closed_row(posId=pos_id, pnl="-8", fee="-1", liqPenalty="-1", realizedPnl="-10")],
        orders=[order_row(pnl="-8", fee="-1")],
    )
    return tuple(dataclasses.replace(each, path=each.path.replace(POS_ID, pos_id)) for each in stored)


def _bound(position: int, stored: tuple[StoredRequest, ...]) -> BoundPosition:
    """Each policy has a person and a position of its own."""
    key = dataclasses.replace(KEY, pos_id=str(int(POS_ID) + position))
    return BoundPosition(key, f"{position:064x}", BOUND_MS, stored[0].body_sha256)


def quote(number: int, buyer: str, checkout: str) -> QuoteTerms:
    """What the buyer of policy `number` paid for."""
    return QuoteTerms(
        order_id=format_bytes32(order_id(order_uuid(number))),
        buyer=buyer.lower(),
        chain_id=31337,
        checkout=checkout.lower(),
        premium=CONSERVATIVE.premium,
        payout=CONSERVATIVE.payout_cap,
        position_hash=position_hash(_bound(number, small_loss(number))),
        valid_until_s=PAID_S + 60,
        params_version=CONSERVATIVE.params_version,
    )


def item(
    number: int, buyer: str, checkout: str, transaction: str, position: int | None = None, **changes: Any
) -> BatchItem:
    """Policy `number`, paid by `transaction`; `changes` replace fields of the finished item.

    `position`: whose position was liquidated, where that is not the policy's own.
    """
    stored = small_loss(position or number)
    bound = _bound(position or number, stored)
    raw = bundle(
        stored, claim_id=claim_uuid(number), policy_no=number, subject=bound.subject, salt=f"{number:064x}"
    )
    decision = decide(raw, WINDOW, bound.subject, CONSERVATIVE)
    proof = dataclasses.replace(raw, event=decision.event)
    fields: dict[str, Any] = {
        "policy_no": number,
        "order_uuid": order_uuid(number),
        "claim_id": claim_uuid(number),
        "recipient": buyer.lower(),
        "amount": decision.payout,
        "evidence_hash": proof.evidence_hash,
        "quote": quote(number, buyer, checkout),
        "binding": bound,
        "bundle": proof,
        "decision": decide(proof, WINDOW, bound.subject, CONSERVATIVE),
        "review": REVIEWED,
        "payment": ChainPayment(transaction),
        "redirect": None,
    }
    return BatchItem(**(fields | changes))


def by_hand(original: BatchItem) -> BatchItem:
    """The same order, marked paid by hand at the moment at which the others paid."""
    return dataclasses.replace(original, payment=ManualPayment(PAID_S * 1000, "operator-1", "bank transfer"))


def build(
    items: Sequence[BatchItem], *, vault: str, checkout: str, batch_id: int, **changes: Any
) -> BatchFile:
    """The file over `items`; `changes` replace fields afterwards, root and total are not computed anew."""
    file = BatchFile.build(
        batch_id=batch_id,
        chain_id=31337,
        vault=vault.lower(),
        checkout=checkout.lower(),
        created_at_ms=NOW_S * 1000,
        parameters=[CONSERVATIVE],
        items=items,
    )
    return dataclasses.replace(file, **changes)
