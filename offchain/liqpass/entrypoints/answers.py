"""What the ways in show of an order, claim, batch or payment: JSON values, money as decimal strings of USDC.

No OKX credential, user id or hash of one is in any of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import overload

from liqpass.domain.batching import ApprovedClaim
from liqpass.domain.claim_state import LEGACY_NAMES, ClaimState
from liqpass.domain.identifiers import checksum_address
from liqpass.domain.money import format_usdc, usdc
from liqpass.domain.parameters import AMOUNTS, Parameters
from liqpass.domain.policy_state import PolicyState, view
from liqpass.entrypoints.shapes import claims, orders, oversight, payouts
from liqpass.payouts import Built, Draft
from liqpass.policies import Relayable
from liqpass.policies.keys import OpenSwap, StoredKey
from liqpass.ports import PremiumCall, PreparedPremium
from liqpass.records import Batch, BatchItem, Claim, Order, Review, UnmatchedPayment


@overload
def iso(time_ms: int) -> str: ...
@overload
def iso(time_ms: int | None) -> str | None: ...
def iso(time_ms: int | None) -> str | None:
    """`2026-01-22T12:00:00Z`, seconds."""
    if time_ms is None:
        return None
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@overload
def money(base_units: int) -> str: ...
@overload
def money(base_units: int | None) -> str | None: ...
def money(base_units: int | None) -> str | None:
    """`50.00` for 50,000,000 base units."""
    return None if base_units is None else format_usdc(usdc(base_units))


def order_answer(order: Order, now_ms: int) -> orders.Order:
    """An order; `state` is what the clock shows (SCHEDULED, ACTIVE, EXPIRED for a covered one)."""
    return {
        "orderId": order.id,
        "orderHash": order.order_hash,
        "state": str(view(PolicyState(order.state), order.window, now_ms)),
        "policyNo": order.policy_no,
        "buyer": checksum_address(order.buyer),
        "chainId": order.chain_id,
        "checkout": checksum_address(order.checkout),
        "premiumUsdc": money(order.premium),
        "premiumBaseUnits": str(order.premium),
        "payoutUpToUsdc": money(order.payout),
        "quoteHash": order.quote_hash,
        # what the hash is over, so that the buyer can recompute it before paying
        "quote": None if order.quote_hash is None else order.terms().as_json(),
        "validUntil": iso(order.valid_until_s * 1000),
        "paramsVersion": order.params_version,
        "position": None
        if order.inst_id is None
        else {
            "instId": order.inst_id,
            "mgnMode": order.mgn_mode,
            "posSide": order.pos_side,
            "posId": order.pos_id,
            "openedAt": iso(order.c_time_ms),
            "ordId": order.ord_id,
            "boundAt": iso(order.bound_at_ms),
        },
        "paidAt": iso(order.paid_at_ms),
        "coverageStartAt": iso(order.start_ms),
        "coverageEndAt": iso(order.end_ms),
        "payment": None
        if order.payment_kind is None
        else {
            "kind": order.payment_kind,
            "transaction": order.payment_tx,
            "block": order.payment_block,
            "byHand": None
            if order.manual_reason is None
            else {"actor": order.manual_actor, "reason": order.manual_reason},
        },
    }


def claim_answer(claim: Claim, reviews: Sequence[Review] = ()) -> claims.ClaimAnswer:
    """A claim and what reviewers said of it."""
    counting = claim.counting(reviews)
    return {
        **_claim(claim),
        "reviews": [
            {
                "reviewer": review.reviewer,
                "decision": review.decision,
                "reason": review.reason,
                "at": iso(review.at_ms),
                "counts": review in counting,
            }
            for review in reviews
        ],
    }


def buyers_claim_answer(claim: Claim, reviews: Sequence[Review]) -> claims.BuyersClaimAnswer:
    """Without who reviewed and what reviewers told each other; with why it was rejected."""
    rejections = [word.reason for word in reviews if word.decision == "REJECT"]
    rejected = claim.state == ClaimState.REJECTED
    return {**_claim(claim), "rejectionReason": rejections[-1] if rejections and rejected else None}


def _claim(claim: Claim) -> claims.Claim:
    state = ClaimState(claim.state)
    return {
        "claimId": claim.id,
        "orderId": claim.order_id,
        "policyNo": claim.policy_no,
        "state": str(state),
        "legacyState": LEGACY_NAMES.get(state, str(state)),
        "attempt": claim.attempt,
        "requestedAt": iso(claim.requested_at_ms),
        "fetchedAt": iso(claim.fetched_at_ms),
        "failure": None
        if claim.failure_code is None
        else {"code": claim.failure_code, "message": claim.failure, "retryable": True},
        "verdict": claim.verdict,
        "reasons": json.loads(claim.reasons) if claim.reasons else [],
        "event": json.loads(claim.event) if claim.event else None,
        "realisedLossUsdc": money(claim.realised_loss),
        "payoutUsdc": money(claim.payout),
        "evidenceHash": claim.evidence_hash,
        "rulesVersion": claim.rules_version,
        "recipient": None if claim.recipient is None else checksum_address(claim.recipient),
        "approvedAt": iso(claim.approved_at_ms),
        "rejectionFinal": claim.rejection_final,
        "batchId": claim.batch_id,
        "holdReason": claim.hold_reason,
    }


def batch_answer(batch: Batch, items: list[BatchItem] | None = None) -> payouts.BatchAnswer:
    """A batch and, where given, its payouts."""
    answer: payouts.BatchAnswer = {
        "batchId": batch.id,
        "state": str(batch.state),
        "chainId": batch.chain_id,
        "vault": checksum_address(batch.vault),
        "payoutRoot": batch.payout_root,
        "totalUsdc": money(batch.total),
        "builtAt": iso(batch.built_at_ms),
        "closedAt": iso(batch.closed_at_ms),
    }
    if items is not None:
        answer["payouts"] = [
            {
                "policyNo": item.policy_no,
                "claimId": item.claim_id,
                "recipient": checksum_address(item.recipient),
                "amountUsdc": money(item.amount),
                "evidenceHash": item.evidence_hash,
                "outcome": item.outcome or "open",
            }
            for item in items
        ]
    return answer


def unmatched_answer(payment: UnmatchedPayment) -> payouts.UnmatchedPayment:
    """A payment that covers nothing."""
    return {
        "transaction": payment.tx_hash,
        "logIndex": payment.log_index,
        "reason": payment.reason,
        "detail": payment.detail,
        "payer": None if payment.payer is None else checksum_address(payment.payer),
        "amountUsdc": money(payment.amount),
        "block": payment.block,
        "foundAt": iso(payment.found_at_ms),
        "resolution": payment.resolution,
    }


def plan_answer(made: Draft | Built) -> payouts.PlanAnswer:
    """What a batch pays, carries over and leaves out, with the reasons; `payoutRoot` once it is built."""
    plan = made.plan
    return {
        "batchId": plan.batch_id,
        "cutOff": iso(plan.cut_off_ms),
        "totalUsdc": format_usdc(plan.total),
        "payouts": [_planned(claim) for claim in plan.planned],
        "carriedOverAboveCap": [_planned(claim) for claim in plan.over_cap],
        "carriedOverAfterCutOff": [_planned(claim) for claim in plan.after_cut_off],
        "aboveDailyCap": [_planned(claim) for claim in plan.above_daily_cap],
        "leftOut": [
            {
                **_planned(left.claim),
                "reasons": [str(each.reason) for each in left.refusals],
                "messages": [each.message for each in left.refusals],
            }
            for left in made.left_out
        ],
        "payoutRoot": made.batch.payout_root if isinstance(made, Built) else None,
    }


def _planned(claim: ApprovedClaim) -> payouts.PlannedPayout:
    return {"policyNo": claim.policy_no, "claimId": claim.claim_id, "amountUsdc": format_usdc(claim.amount)}


def parameters_answer(parameters: Parameters) -> oversight.RulesAnswer:
    """The rules in force: amounts as USDC, all else as whole numbers of the unit that the name says."""
    values = {
        name: money(int(text)) if name in AMOUNTS else text for name, text in parameters.as_json().items()
    }
    return {"paramsVersion": parameters.params_version, "parameters": values}


def call_answer(call: PremiumCall) -> orders.PreparedCall:
    """The parameters of `eth_sendTransaction`, and the chain that it belongs on."""
    return {"to": call.to, "data": call.data, "value": "0x0", "chainId": call.chain_id}


def prepared_answer(premium: PreparedPremium) -> orders.PreparedAnswer:
    """Both ways to pay an order, for a wallet."""
    return {
        "approve": call_answer(premium.approve),
        "pay": call_answer(premium.pay),
        "typedData": dict(premium.typed_data),
        "validAfter": premium.valid_after_s,
        "validBefore": premium.valid_before_s,
    }


def authorization_answer(premium: Relayable) -> orders.Authorization:
    """A signed premium, for a relayer."""
    return {
        "orderId": premium.order_id,
        "orderHash": premium.order_hash,
        "amount": str(premium.amount),
        "quoteHash": premium.quote_hash,
        "payer": premium.payer,
        "validAfter": premium.valid_after_s,
        "validBefore": premium.valid_before_s,
        "signature": premium.signature,
    }


def key_answer(key: StoredKey | None) -> orders.KeyAnswer:
    """Whether a buyer's OKX key is stored, since when, and the open orders that it can claim for."""
    return {
        "stored": key is not None,
        "storedAt": iso(None if key is None else key.stored_at_ms),
        "orderIds": [] if key is None else list(key.order_ids),
    }


def open_position_answer(swap: OpenSwap) -> orders.OpenPosition:
    """An open position in OKX's own words, and why it would not be insured now (none: it would)."""
    position = swap.position
    key = position.key
    return {
        "instId": key.inst_id,
        "posId": key.pos_id,
        "mgnMode": key.mgn_mode,
        "posSide": key.pos_side,
        "direction": position.direction,
        "contracts": f"{position.size:f}",
        "leverage": f"{position.leverage:f}",
        "markPrice": f"{position.mark_px:f}",
        "liquidationPrice": None if position.liq_px is None else f"{position.liq_px:f}",
        "openedAt": iso(key.c_time_ms),
        "reasons": [str(reason) for reason in swap.reasons],
    }
