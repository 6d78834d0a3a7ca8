"""The first schema: orders, claims, batches, payments, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GENESIS = "0" * 64  # domain.audit.GENESIS, frozen here as migrations are


def upgrade() -> None:
    """Create every table, the audit chain's head and, on SQLite, the triggers that keep it append-only."""
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("entry_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
        sa.UniqueConstraint("entry_hash", name=op.f("uq_audit_entry_hash")),
    )
    op.create_index(op.f("ix_audit_subject"), "audit", ["subject"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("vault", sa.String(length=42), nullable=False),
        sa.Column("payout_root", sa.String(length=66), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("cut_off_ms", sa.BigInteger(), nullable=False),
        sa.Column("built_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_table(
        "blocklist",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=66), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_blocklist")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "okx_responses",
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "attempt", "seq", name=op.f("pk_okx_responses")),
    )
    op.create_table(
        "parameter_sets",
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("json", sa.Text(), nullable=False),
        sa.Column("first_used_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_parameter_sets")),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_switches")),
    )
    op.create_table(
        "sync_blocks",
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "contract", "number", name=op.f("pk_sync_blocks")),
    )
    op.create_table(
        "unmatched_payments",
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("order_hash", sa.String(length=66), nullable=True),
        sa.Column("payer", sa.String(length=42), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("found_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tx_hash", "log_index", name=op.f("pk_unmatched_payments")),
    )
    op.create_table(
        "vault_keys",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_vault_keys")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("order_hash", sa.String(length=66), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("buyer", sa.String(length=42), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("checkout", sa.String(length=42), nullable=False),
        sa.Column("premium", sa.BigInteger(), nullable=False),
        sa.Column("payout", sa.BigInteger(), nullable=False),
        sa.Column("params_version", sa.String(length=16), nullable=False),
        sa.Column("valid_until_s", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("okx_env", sa.String(length=16), nullable=True),
        sa.Column("ord_id", sa.String(length=64), nullable=True),
        sa.Column("inst_id", sa.String(length=64), nullable=True),
        sa.Column("mgn_mode", sa.String(length=16), nullable=True),
        sa.Column("pos_side", sa.String(length=16), nullable=True),
        sa.Column("pos_id", sa.String(length=64), nullable=True),
        sa.Column("c_time_ms", sa.BigInteger(), nullable=True),
        sa.Column("bound_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("body_sha256", sa.String(length=64), nullable=True),
        sa.Column("position_hash", sa.String(length=64), nullable=True),
        sa.Column("uid_hmac", sa.String(length=64), nullable=True),
        sa.Column("main_uid_hmac", sa.String(length=64), nullable=True),
        sa.Column("quote_hash", sa.String(length=66), nullable=True),
        sa.Column("policy_no", sa.BigInteger(), nullable=True),
        sa.Column("paid_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("start_ms", sa.BigInteger(), nullable=True),
        sa.Column("end_ms", sa.BigInteger(), nullable=True),
        sa.Column("payment_kind", sa.String(length=16), nullable=True),
        sa.Column("payment_tx", sa.String(length=66), nullable=True),
        sa.Column("payment_log_index", sa.Integer(), nullable=True),
        sa.Column("payment_block", sa.BigInteger(), nullable=True),
        sa.Column("manual_actor", sa.String(length=128), nullable=True),
        sa.Column("manual_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["params_version"], ["parameter_sets.version"], name=op.f("fk_orders_params_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("order_hash", name=op.f("uq_orders_order_hash")),
        sa.UniqueConstraint(
            "payment_tx", "payment_log_index", name=op.f("uq_orders_payment_tx_payment_log_index")
        ),
        sa.UniqueConstraint("policy_no", name=op.f("uq_orders_policy_no")),
        sa.UniqueConstraint("quote_hash", name=op.f("uq_orders_quote_hash")),
    )
    op.create_index(op.f("ix_orders_buyer"), "orders", ["buyer"], unique=False)
    op.create_index(op.f("ix_orders_main_uid_hmac"), "orders", ["main_uid_hmac"], unique=False)
    op.create_index(op.f("ix_orders_state"), "orders", ["state"], unique=False)
    op.create_index(op.f("ix_orders_uid_hmac"), "orders", ["uid_hmac"], unique=False)
    op.create_table(
        "claims",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("policy_no", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempted_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("failure_code", sa.String(length=64), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("fetched_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("rules_version", sa.String(length=64), nullable=True),
        sa.Column("verdict", sa.String(length=24), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("event", sa.Text(), nullable=True),
        sa.Column("realised_loss", sa.BigInteger(), nullable=True),
        sa.Column("payout", sa.BigInteger(), nullable=True),
        sa.Column("bundle", sa.LargeBinary(), nullable=True),
        sa.Column("evidence_hash", sa.String(length=66), nullable=True),
        sa.Column("proof_token", sa.String(length=64), nullable=False),
        sa.Column("recipient", sa.String(length=42), nullable=True),
        sa.Column("redirect_signature", sa.Text(), nullable=True),
        sa.Column("approved_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("rejection_final", sa.Boolean(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_claims_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
        sa.UniqueConstraint("evidence_hash", name=op.f("uq_claims_evidence_hash")),
        sa.UniqueConstraint("proof_token", name=op.f("uq_claims_proof_token")),
    )
    op.create_index(op.f("ix_claims_order_id"), "claims", ["order_id"], unique=False)
    op.create_index(op.f("ix_claims_state"), "claims", ["state"], unique=False)
    op.create_index(
        "uq_claims_live",
        "claims",
        ["order_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'REJECTED'"),
        postgresql_where=sa.text("state <> 'REJECTED'"),
    )
    op.create_table(
        "okx_credentials",
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_okx_credentials_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_okx_credentials")),
    )
    op.create_table(
        "batch_items",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("policy_no", sa.BigInteger(), nullable=False),
        sa.Column("claim_id", sa.String(length=36), nullable=False),
        sa.Column("recipient", sa.String(length=42), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("evidence_hash", sa.String(length=66), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_items_batch_id")),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"], name=op.f("fk_batch_items_claim_id")),
        sa.PrimaryKeyConstraint("batch_id", "policy_no", name=op.f("pk_batch_items")),
    )
    op.create_table(
        "payouts",
        sa.Column("policy_no", sa.BigInteger(), nullable=False),
        sa.Column("claim_id", sa.String(length=36), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.String(length=42), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("evidence_hash", sa.String(length=66), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=True),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_payouts_batch_id")),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"], name=op.f("fk_payouts_claim_id")),
        sa.PrimaryKeyConstraint("policy_no", name=op.f("pk_payouts")),
        sa.UniqueConstraint("claim_id", name=op.f("uq_payouts_claim_id")),
    )
    op.create_table(
        "reviews",
        sa.Column("claim_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("evidence_hash", sa.String(length=66), nullable=False),
        sa.Column("reviewer", sa.String(length=128), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"], name=op.f("fk_reviews_claim_id")),
        sa.PrimaryKeyConstraint("claim_id", "seq", name=op.f("pk_reviews")),
        sa.UniqueConstraint(
            "claim_id",
            "evidence_hash",
            "reviewer",
            "decision",
            name=op.f("uq_reviews_claim_id_evidence_hash_reviewer_decision"),
        ),
    )
    op.bulk_insert(
        sa.table("audit_head", sa.column("id"), sa.column("count"), sa.column("head")),
        [{"id": 1, "count": 0, "head": GENESIS}],
    )
    op.bulk_insert(
        sa.table("counters", sa.column("name"), sa.column("value")), [{"name": "policy_no", "value": 0}]
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_refuses_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END"
            )


def downgrade() -> None:
    """Drop everything; the book is gone afterwards."""
    op.drop_table("reviews")
    op.drop_table("payouts")
    op.drop_table("batch_items")
    op.drop_table("okx_credentials")
    op.drop_index(
        "uq_claims_live",
        table_name="claims",
        sqlite_where=sa.text("state <> 'REJECTED'"),
        postgresql_where=sa.text("state <> 'REJECTED'"),
    )
    op.drop_index(op.f("ix_claims_state"), table_name="claims")
    op.drop_index(op.f("ix_claims_order_id"), table_name="claims")
    op.drop_table("claims")
    op.drop_index(op.f("ix_orders_uid_hmac"), table_name="orders")
    op.drop_index(op.f("ix_orders_state"), table_name="orders")
    op.drop_index(op.f("ix_orders_main_uid_hmac"), table_name="orders")
    op.drop_index(op.f("ix_orders_buyer"), table_name="orders")
    op.drop_table("orders")
    op.drop_table("vault_keys")
    op.drop_table("unmatched_payments")
    op.drop_table("sync_blocks")
    op.drop_table("switches")
    op.drop_table("parameter_sets")
    op.drop_table("okx_responses")
    op.drop_table("counters")
    op.drop_table("blocklist")
    op.drop_table("batches")
    op.drop_table("audit_head")
    op.drop_index(op.f("ix_audit_subject"), table_name="audit")
    op.drop_table("audit")
