"""Sessions, idempotent requests, buyers' keys, signed premiums; indexes for what is asked often."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_orders_state_end_ms", "orders", ["state", "end_ms"]),
    ("ix_orders_state_valid_until_s", "orders", ["state", "valid_until_s"]),
    ("ix_orders_buyer_created_at_ms", "orders", ["buyer", "created_at_ms"]),
    ("ix_orders_position", "orders", ["pos_id", "c_time_ms"]),
    ("ix_orders_payment_block", "orders", ["payment_block"]),
    ("ix_claims_state_requested_at_ms", "claims", ["state", "requested_at_ms", "id"]),
    ("ix_claims_requested_at_ms", "claims", ["requested_at_ms", "id"]),
    ("ix_claims_state_verdict_requested_at_ms", "claims", ["state", "verdict", "requested_at_ms", "id"]),
    ("ix_claims_policy_no", "claims", ["policy_no"]),
    ("ix_batches_state", "batches", ["state"]),
    ("ix_unmatched_payments_resolved_at_ms", "unmatched_payments", ["resolved_at_ms"]),
    ("ix_payouts_confirmed_at_ms", "payouts", ["confirmed_at_ms"]),
    ("ix_sign_in_nonces_expires_at_ms", "sign_in_nonces", ["expires_at_ms"]),
    ("ix_sessions_expires_at_ms", "sessions", ["expires_at_ms"]),
    ("ix_idempotency_keys_started_at_ms", "idempotency_keys", ["started_at_ms"]),
)
TABLES = ("buyer_keys", "payment_authorizations", "sign_in_nonces", "sessions", "idempotency_keys")


def upgrade() -> None:
    """New tables and indexes; no row that is there changes."""
    op.create_table(
        "buyer_keys",
        sa.Column("buyer", sa.String(length=42), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("uid_hmac", sa.String(length=64), nullable=False),
        sa.Column("main_uid_hmac", sa.String(length=64), nullable=False),
        sa.Column("stored_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("buyer", name=op.f("pk_buyer_keys")),
    )
    op.create_table(
        "payment_authorizations",
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("valid_after_s", sa.BigInteger(), nullable=False),
        sa.Column("valid_before_s", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("stored_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payment_authorizations_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_payment_authorizations")),
    )
    op.create_table(
        "sign_in_nonces",
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_sign_in_nonces")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("realm", sa.String(length=16), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_sessions")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.String(length=128), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns, unique=False)
    if op.get_bind().dialect.name == "postgresql":  # SQLite has had its triggers from the first schema on
        op.execute(
            "CREATE FUNCTION audit_refuses_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit entries are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses_change()"
        )


def downgrade() -> None:
    """Forget keys bound by buyers, sessions and kept answers; the book stays as it is."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_refuses_change ON audit")
        op.execute("DROP FUNCTION audit_refuses_change()")
    for name, table, _ in reversed(INDEXES):
        op.drop_index(name, table_name=table)
    for table in reversed(TABLES):
        op.drop_table(table)
