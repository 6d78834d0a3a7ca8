"""The tables. Money is an integer of USDC base units (10^-6), time an integer of unix milliseconds.

Rules that must hold whatever the code above does are constraints here: one policy per order, one live claim
per order, one payout per policy, one payment per log. The migrations create exactly these tables
(a test compares the two).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

UUID_TEXT = String(36)
ADDRESS = String(42)
HASH32 = String(66)
STATE = String(24)

orders = Table(
    "orders",
    metadata,
    Column("id", UUID_TEXT, primary_key=True),
    Column("order_hash", HASH32, nullable=False, unique=True),
    Column("state", STATE, nullable=False, index=True),
    Column("buyer", ADDRESS, nullable=False, index=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("checkout", ADDRESS, nullable=False),
    Column("premium", BigInteger, nullable=False),
    Column("payout", BigInteger, nullable=False),
    Column("params_version", String(16), ForeignKey("parameter_sets.version"), nullable=False),
    Column("valid_until_s", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("okx_env", String(16)),
    Column("ord_id", String(64)),
    Column("inst_id", String(64)),
    Column("mgn_mode", String(16)),
    Column("pos_side", String(16)),
    Column("pos_id", String(64)),
    Column("c_time_ms", BigInteger),
    Column("bound_at_ms", BigInteger),
    Column("body_sha256", String(64)),
    Column("position_hash", String(64)),
    Column("uid_hmac", String(64), index=True),
    Column("main_uid_hmac", String(64), index=True),
    Column("quote_hash", HASH32, unique=True),
    Column("policy_no", BigInteger, unique=True),
    Column("paid_at_ms", BigInteger),
    Column("start_ms", BigInteger),
    Column("end_ms", BigInteger),
    Column("payment_kind", String(16)),
    Column("payment_tx", HASH32),
    Column("payment_log_index", Integer),
    Column("payment_block", BigInteger),
    Column("manual_actor", String(128)),
    Column("manual_reason", Text),
    # one premium covers one order: the same log cannot be spent twice
    UniqueConstraint("payment_tx", "payment_log_index"),
    # what is asked again and again must not grow dearer with history
    Index("ix_orders_state_end_ms", "state", "end_ms"),
    Index("ix_orders_state_valid_until_s", "state", "valid_until_s"),
    Index("ix_orders_buyer_created_at_ms", "buyer", "created_at_ms"),
    Index("ix_orders_position", "pos_id", "c_time_ms"),
    Index("ix_orders_payment_block", "payment_block"),
)

parameter_sets = Table(
    "parameter_sets",
    metadata,
    Column("version", String(16), primary_key=True),
    Column("json", Text, nullable=False),
    Column("first_used_at_ms", BigInteger, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

okx_credentials = Table(
    "okx_credentials",
    metadata,
    Column("order_id", UUID_TEXT, ForeignKey("orders.id"), primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("stored_at_ms", BigInteger, nullable=False),
)

# A buyer's key, bound once, used for each of their orders; the two `hmac` columns are keyed hashes of ids.
buyer_keys = Table(
    "buyer_keys",
    metadata,
    Column("buyer", ADDRESS, primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("uid_hmac", String(64), nullable=False),
    Column("main_uid_hmac", String(64), nullable=False),
    Column("stored_at_ms", BigInteger, nullable=False),
)

# A buyer's signature under a premium (EIP-3009), for a relayer to send; gone once the order is paid or over.
payment_authorizations = Table(
    "payment_authorizations",
    metadata,
    Column("order_id", UUID_TEXT, ForeignKey("orders.id"), primary_key=True),
    Column("valid_after_s", BigInteger, nullable=False),
    Column("valid_before_s", BigInteger, nullable=False),
    Column("signature", Text, nullable=False),
    Column("stored_at_ms", BigInteger, nullable=False),
)

vault_keys = Table(
    "vault_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

okx_responses = Table(
    "okx_responses",
    metadata,
    Column("owner_id", UUID_TEXT, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("method", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("http_status", Integer, nullable=False),
    Column("requested_at_ms", BigInteger, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("id", UUID_TEXT, primary_key=True),
    Column("order_id", UUID_TEXT, ForeignKey("orders.id"), nullable=False, index=True),
    Column("policy_no", BigInteger, nullable=False),
    Column("state", STATE, nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("requested_at_ms", BigInteger, nullable=False),
    Column("attempted_at_ms", BigInteger, nullable=False),
    Column("failure_code", String(64)),
    Column("failure", Text),
    Column("fetched_at_ms", BigInteger),
    Column("rules_version", String(64)),
    Column("verdict", STATE),
    Column("reasons", Text),
    Column("event", Text),
    Column("realised_loss", BigInteger),
    Column("payout", BigInteger),
    Column("bundle", LargeBinary),
    Column("evidence_hash", HASH32, unique=True),
    Column("proof_token", String(64), nullable=False, unique=True),
    Column("recipient", ADDRESS),
    Column("redirect_signature", Text),
    Column("approved_at_ms", BigInteger),
    Column("closed_at_ms", BigInteger),
    Column("rejection_final", Boolean),
    Column("batch_id", BigInteger),
    Column("hold_reason", Text),
    # so many of its reviews, the oldest, count no more: reopened, or its evidence was fetched anew
    Column("void_reviews", Integer, nullable=False, server_default="0"),
    # a claim that is not rejected is the only one of its order
    Index(
        "uq_claims_live",
        "order_id",
        unique=True,
        sqlite_where=text("state <> 'REJECTED'"),
        postgresql_where=text("state <> 'REJECTED'"),
    ),
    Index("ix_claims_state_requested_at_ms", "state", "requested_at_ms", "id"),
    Index("ix_claims_requested_at_ms", "requested_at_ms", "id"),
    Index("ix_claims_state_verdict_requested_at_ms", "state", "verdict", "requested_at_ms", "id"),
    Index("ix_claims_policy_no", "policy_no"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("claim_id", UUID_TEXT, ForeignKey("claims.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("evidence_hash", HASH32, nullable=False),
    Column("reviewer", String(128), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    # nobody counts twice
    UniqueConstraint("claim_id", "evidence_hash", "reviewer", "decision"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("state", STATE, nullable=False, index=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("vault", ADDRESS, nullable=False),
    Column("payout_root", HASH32, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("cut_off_ms", BigInteger, nullable=False),
    Column("built_at_ms", BigInteger, nullable=False),
    Column("closed_at_ms", BigInteger),
    Column("outcome", Text),
)

batch_items = Table(
    "batch_items",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("batches.id"), primary_key=True),
    Column("policy_no", BigInteger, primary_key=True),
    Column("claim_id", UUID_TEXT, ForeignKey("claims.id"), nullable=False),
    Column("recipient", ADDRESS, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("evidence_hash", HASH32, nullable=False),
    Column("outcome", String(16)),
)

payouts = Table(
    "payouts",
    metadata,
    Column("policy_no", BigInteger, primary_key=True),
    Column("claim_id", UUID_TEXT, ForeignKey("claims.id"), nullable=False, unique=True),
    Column("batch_id", BigInteger, ForeignKey("batches.id"), nullable=False),
    Column("recipient", ADDRESS, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("evidence_hash", HASH32, nullable=False),
    Column("tx_hash", HASH32),
    Column("block", BigInteger, nullable=False),
    Column("confirmed_at_ms", BigInteger, nullable=False, index=True),
)

unmatched_payments = Table(
    "unmatched_payments",
    metadata,
    Column("tx_hash", HASH32, primary_key=True),
    Column("log_index", Integer, primary_key=True),  # -1: the transaction has no such log
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("order_hash", HASH32),
    Column("payer", ADDRESS),
    Column("amount", BigInteger),
    Column("block", BigInteger),
    Column("found_at_ms", BigInteger, nullable=False),
    Column("resolution", Text),
    Column("resolved_at_ms", BigInteger, index=True),
)

sync_blocks = Table(
    "sync_blocks",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("contract", ADDRESS, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("block_hash", HASH32, nullable=False),
    Column("time_s", BigInteger),
)

blocklist = Table(
    "blocklist",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", String(66), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
)

switches = Table(
    "switches",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(128), nullable=False, index=True),
    Column("details", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("entry_hash", String(64), nullable=False, unique=True),
)

# One row, locked first by every writer: this serialises writers on PostgreSQL as BEGIN IMMEDIATE on SQLite.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("head", String(64), nullable=False),
)

# Nonces given out for signing in; a row is deleted when its nonce is used.
sign_in_nonces = Table(
    "sign_in_nonces",
    metadata,
    Column("nonce", String(64), primary_key=True),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
)

# Whoever reads this table cannot sign in: only the SHA-256 of a session's token is here.
sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("address", ADDRESS, nullable=False),
    Column("realm", String(16), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
)

# Answers to requests with an Idempotency-Key, kept a day; `finished_at_ms` is NULL while the first one runs.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("caller", String(80), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("started_at_ms", BigInteger, nullable=False, index=True),
    Column("finished_at_ms", BigInteger),
    Column("status", Integer),
    Column("media_type", String(128)),
    Column("body", LargeBinary),
)
