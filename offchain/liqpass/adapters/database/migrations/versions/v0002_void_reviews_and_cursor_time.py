"""How many reviews of a claim no longer count; the time of each block that sync has read up to."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every review counts so far. The time of a block read before is unknown: the next sync tells it."""
    op.add_column("claims", sa.Column("void_reviews", sa.Integer(), server_default="0", nullable=False))
    op.add_column("sync_blocks", sa.Column("time_s", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Forget both."""
    op.drop_column("sync_blocks", "time_s")
    op.drop_column("claims", "void_reviews")
