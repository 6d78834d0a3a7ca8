"""What the store keeps, as the use cases see it. Money in USDC base units, times in unix milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from liqpass.domain.evidence import EvidenceError, StoredRequest
from liqpass.domain.money import Usdc
from liqpass.domain.position import BoundPosition, PositionKey
from liqpass.domain.quote import QuoteTerms
from liqpass.domain.window import Window


class RecordError(Exception):
    """A stored row lacks what its state promises."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where this book is kept: one chain, one Checkout, one vault, one OKX. Addresses in lower case."""

    chain_id: int
    checkout: str
    vault: str
    okx_env: str
    usdc: str | None = None  # None where the deployment record does not say


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

    @property
    def window(self) -> Window | None:
        """The cover, None before payment."""
        if self.start_ms is None or self.end_ms is None:
            return None
        return Window(self.start_ms, self.end_ms)

    def bound(self) -> BoundPosition:
        """The bound position. Raises RecordError before binding."""
        if (
            self.inst_id is None
            or self.mgn_mode is None
            or self.pos_side is None
            or self.pos_id is None
            or self.c_time_ms is None
            or self.uid_hmac is None
            or self.bound_at_ms is None
            or self.body_sha256 is None
        ):
            raise RecordError(f"order {self.id} has no position")
        key = PositionKey(self.inst_id, self.mgn_mode, self.pos_side, self.pos_id, self.c_time_ms)
        return BoundPosition(key, self.uid_hmac, self.bound_at_ms, self.body_sha256)

    def terms(self) -> QuoteTerms:
        """The frozen quote. Raises RecordError before binding."""
        if self.position_hash is None:
            raise RecordError(f"order {self.id} has no frozen quote")
        return QuoteTerms(
            order_id=self.order_hash,
            buyer=self.buyer,
            chain_id=self.chain_id,
            checkout=self.checkout,
            premium=Usdc(self.premium),
            payout=Usdc(self.payout),
            position_hash=self.position_hash,
            valid_until_s=self.valid_until_s,
            params_version=self.params_version,
        )


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
    redirect_signature: str | None = None
    approved_at_ms: int | None = None
    closed_at_ms: int | None = None
    rejection_final: bool | None = None
    batch_id: int | None = None
    hold_reason: str | None = None
    void_reviews: int = 0

    def counting(self, reviews: Sequence[Review]) -> list[Review]:
        """Of all words on this claim, in order, those on its evidence that were not voided since."""
        return [word for word in reviews[self.void_reviews :] if word.evidence_hash == self.evidence_hash]


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

    def stored(self) -> StoredRequest:
        """As evidence holds it: text. Raises EvidenceError where the bytes are not UTF-8."""
        try:
            text = self.body.decode("utf-8")
        except UnicodeDecodeError:
            raise EvidenceError(f"the answer to {self.path} is not UTF-8") from None
        return StoredRequest(
            self.method, self.path, self.http_status, self.requested_at_ms, self.received_at_ms, text
        )


@dataclass(frozen=True, slots=True)
class Blocked:
    """A wallet or OKX person that may not buy."""

    kind: str
    value: str
    reason: str
    added_at_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in. `realm` is `public` or `admin`: a session of one is none in the other.

    `token_sha256` stands for the token, which only its holder has; `csrf` must come back with each change.
    """

    token_sha256: str
    address: str
    realm: str
    csrf: str = field(repr=False)
    created_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class BuyerKey:
    """A buyer's OKX key as stored: sealed, with keyed hashes of the account and of its main account."""

    buyer: str
    sealed: Sealed
    uid_hmac: str
    main_uid_hmac: str
    stored_at_ms: int


@dataclass(frozen=True, slots=True)
class PaymentAuthorization:
    """A buyer's signature under an order's premium (EIP-3009), for anybody to relay. Times in seconds."""

    order_id: str
    valid_after_s: int
    valid_before_s: int
    signature: str
    stored_at_ms: int


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a request with an Idempotency-Key."""

    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what when, for the audit log; `details` hold strings only and no secret."""

    actor: str
    action: str
    at_ms: int
    details: Mapping[str, str]


class StaleStateError(Exception):
    """Another was faster: the row is no longer in the state that the change started from."""
