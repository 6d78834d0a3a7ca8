"""A sound batch and the chain that fits it, with every part open to tampering."""

import dataclasses
from typing import Any

from domain_stories import BOUND_MS, KEY, PAID_S, POS_ID, WINDOW, bundle, requests
from liqpass.domain.batch_file import BatchFile, BatchItem, ChainPayment, ManualPayment, Review
from liqpass.domain.chain_facts import ChainFacts, PremiumPayment
from liqpass.domain.eligibility import decide
from liqpass.domain.evidence import Bundle, StoredRequest
from liqpass.domain.identifiers import format_bytes32
from liqpass.domain.parameters import CONSERVATIVE, Parameters
from liqpass.domain.position import BoundPosition, PositionKey, Subject, position_hash
from liqpass.domain.quote import QuoteTerms, order_id, quote_hash

CHAIN_ID = 31337
BATCH_ID = 20261121
VAULT = "0x" + "f1" * 20
CHECKOUT = "0x" + "c1" * 20
USDC = "0x" + "c2" * 20
MALLORY = "0x" + "66" * 20
REVIEWED = Review("reviewer-1", None, None, WINDOW.end_ms + 120_000)
REVIEWED_TWICE = Review("reviewer-1", "reviewer-2", "order is late in the archive", WINDOW.end_ms + 120_000)


def order_uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def claim_uuid(number: int) -> str:
    return f"00000000-0000-4000-9000-{number:012d}"


def buyer(number: int) -> str:
    return f"0x{0xB0000 + number:040x}"


def position_key(number: int) -> PositionKey:
    """Every policy insures a position of its own; the first one that of `domain_stories`."""
    return dataclasses.replace(KEY, pos_id=str(int(POS_ID) + number - 1))


def _about(number: int, stored: tuple[StoredRequest, ...]) -> tuple[StoredRequest, ...]:
    """The same answers, about the position of policy `number`."""
    pos_id = position_key(number).pos_id
    return tuple(
        dataclasses.replace(
            each, path=each.path.replace(POS_ID, pos_id), body=each.body.replace(POS_ID, pos_id)
        )
        for each in stored
    )


def evidence(
    number: int, stored: tuple[StoredRequest, ...] | None = None, params: Parameters = CONSERVATIVE
) -> Bundle:
    """The bundle of policy `number`, its event as the rules find it."""
    subject = Subject(position_key(number), f"{number:064x}")
    raw = bundle(
        _about(number, requests() if stored is None else stored),
        claim_id=claim_uuid(number),
        policy_no=number,
        subject=subject,
        salt=f"{number + 7:064x}",
    )
    return dataclasses.replace(raw, event=decide(raw, WINDOW, subject, params).event)


def item(number: int = 1, stored: tuple[StoredRequest, ...] | None = None, **changes: Any) -> BatchItem:
    """Policy `number`, consistent in itself; `changes` replace fields of the finished item."""
    proof = evidence(number, stored)
    bound = BoundPosition(proof.subject.key, proof.subject.uid_hmac, BOUND_MS, proof.requests[0].body_sha256)
    quote = QuoteTerms(
        order_id=format_bytes32(order_id(order_uuid(number))),
        buyer=buyer(number),
        chain_id=CHAIN_ID,
        checkout=CHECKOUT,
        premium=CONSERVATIVE.premium,
        payout=CONSERVATIVE.payout_cap,
        position_hash=position_hash(bound),
        valid_until_s=PAID_S,
        params_version=CONSERVATIVE.params_version,
    )
    decision = decide(proof, WINDOW, proof.subject, CONSERVATIVE)
    fields: dict[str, Any] = {
        "policy_no": number,
        "order_uuid": order_uuid(number),
        "claim_id": claim_uuid(number),
        "recipient": buyer(number),
        "amount": decision.payout,
        "evidence_hash": proof.evidence_hash,
        "quote": quote,
        "binding": bound,
        "bundle": proof,
        "decision": decision,
        "review": REVIEWED,
        "payment": ChainPayment(f"0x{number:064x}"),
        "redirect": None,
    }
    return BatchItem(**(fields | changes))


def manual_item(number: int = 1) -> BatchItem:
    """An order marked paid by hand at the moment at which the others paid."""
    return item(number, payment=ManualPayment(PAID_S * 1000, "operator-1", "bank transfer"))


def batch(*items: BatchItem, **changes: Any) -> BatchFile:
    """A file over `items` with root and total computed; `changes` replace fields afterwards."""
    built = BatchFile.build(
        batch_id=BATCH_ID,
        chain_id=CHAIN_ID,
        vault=VAULT,
        checkout=CHECKOUT,
        created_at_ms=WINDOW.end_ms + 180_000,
        parameters=[CONSERVATIVE],
        items=items,
    )
    return dataclasses.replace(built, **changes)


def payment(number: int = 1, **changes: Any) -> PremiumPayment:
    """The `PremiumPaid` event that item `number` names."""
    quote = item(number).quote
    fields: dict[str, Any] = {
        "order_id": quote.order_id,
        "transaction": f"0x{number:064x}",
        "checkout": CHECKOUT,
        "payer": buyer(number),
        "amount": CONSERVATIVE.premium,
        "quote_hash": format_bytes32(quote_hash(quote)),
        "block_time_s": PAID_S,
        "confirmations": CONSERVATIVE.confirmations,
    }
    return PremiumPayment(**(fields | changes))


def facts(*payments: PremiumPayment, **changes: Any) -> ChainFacts:
    """The chain as the signer sees it."""
    by_order: dict[str, tuple[PremiumPayment, ...]] = {}
    for each in payments:
        by_order[each.order_id] = (*by_order.get(each.order_id, ()), each)
    fields: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "vault": VAULT,
        "checkout": CHECKOUT,
        "usdc": USDC,
        "batch_id": BATCH_ID,
        "payments": by_order,
        "paid_policies": frozenset(),
    }
    return ChainFacts(**(fields | changes))


def unsound_requests() -> tuple[StoredRequest, ...]:
    """Evidence that needs a review: the row without its order."""
    return requests(orders=[])
