"""What the store keeps, as the use cases see it. Money in USDC base units, times in unix milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value as stored: nonce, ciphertext and tag in `data`, and the id of the key that opens it."""

    key_id: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase order and, once paid, the policy that it became."""

    id: str
    order_hash: str
    state: str
    buyer: str
    chain_id: int
    checkout: str
    premium: int
    payout: int
    params_version: str
    valid_until_s: int
    created_at_ms: int
    okx_env: str | None = None
    ord_id: str | None = None
    inst_id: str | None = None
    mgn_mode: str | None = None
    pos_side: str | None = None
    pos_id: str | None = None
    c_time_ms: int | None = None
    bound_at_ms: int | None = None
    bound_row: str | None = None
    body_sha256: str | None = None
    position_hash: str | None = None
    uid_hmac: str | None = None
    main_uid_hmac: str | None = None
    quote_hash: str | None = None
    policy_no: int | None = None
    paid_at_ms: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    payment_kind: str | None = None
    payment_tx: str | None = None
    payment_log_index: int | None = None
    payment_block: int | None = None
    manual_actor: str | None = None
    manual_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on one policy. `bundle` is canonical JSON; `reasons` and `event` are JSON."""

    id: str
    order_id: str
    policy_no: int
    state: str
    attempt: int
    requested_at_ms: int
    attempted_at_ms: int
    proof_token: str
    failure_code: str | None = None
    failure: str | None = None
    fetched_at_ms: int | None = None
    rules_version: str | None = None
    verdict: str | None = None
    reasons: str | None = None
    event: str | None = None
    realised_loss: int | None = None
    payout: int | None = None
    bundle: bytes | None = field(default=None, repr=False)
    evidence_hash: str | None = None
    recipient: str | None = None
    approved_at_ms: int | None = None
    closed_at_ms: int | None = None
    rejection_final: bool | None = None
    batch_id: int | None = None
    hold_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """One reviewer's word on one version of a claim's evidence."""

    claim_id: str
    evidence_hash: str
    reviewer: str
    decision: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One day's payouts, frozen. `id` is the UTC date YYYYMMDD."""

    id: int
    state: str
    chain_id: int
    vault: str
    payout_root: str
    total: int
    cut_off_ms: int
    built_at_ms: int
    closed_at_ms: int | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One payout of a batch; `outcome` is None while open, then paid, held or returned."""

    batch_id: int
    policy_no: int
    claim_id: str
    recipient: str
    amount: int
    evidence_hash: str
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A payout that the vault's paid bit confirms at a finalized block."""

    policy_no: int
    claim_id: str
    batch_id: int
    recipient: str
    amount: int
    evidence_hash: str
    tx_hash: str | None
    block: int
    confirmed_at_ms: int


@dataclass(frozen=True, slots=True)
class UnmatchedPayment:
    """Money, or word of money, that covers no order, with the reason; `log_index` -1: no such log."""

    tx_hash: str
    log_index: int
    reason: str
    detail: str
    found_at_ms: int
    order_hash: str | None = None
    payer: str | None = None
    amount: int | None = None
    block: int | None = None
    resolution: str | None = None
    resolved_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class OkxResponse:
    """One answer of OKX as it came: exact bytes and both clocks."""

    method: str
    path: str
    http_status: int
    requested_at_ms: int
    received_at_ms: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Blocked:
    """A wallet or OKX person that may not buy."""

    kind: str
    value: str
    reason: str
    added_at_ms: int


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what when, for the audit log; `details` hold strings only and no secret."""

    actor: str
    action: str
    at_ms: int
    details: Mapping[str, str]


class StaleStateError(Exception):
    """Another was faster: the row is no longer in the state that the change started from."""
