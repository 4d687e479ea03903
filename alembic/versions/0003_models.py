"""Models: requested, fitted by a worker, compared, and promoted

Revision: 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
_MOMENT = sa.DateTime(timezone=True)
_NEW = (
    "actor",
    "reason",
    "wish",
    "started_at",
    "ended_at",
    "claimed_by",
    "heartbeat_at",
    "attempts",
    "stage",
    "done",
    "total",
    "error",
    "comparison",
)


def upgrade() -> None:
    """Upgrade."""
    with op.batch_alter_table("model") as table:
        table.drop_constraint("uq_model_digest", type_="unique")
        table.alter_column("digest", existing_type=sa.Text(), nullable=True)
        table.alter_column("content", existing_type=sa.LargeBinary(), nullable=True)
        table.alter_column("promoted_seq", existing_type=sa.BigInteger(), nullable=True)
        table.add_column(
            sa.Column("state", sa.Text(), server_default=sa.text("'promoted'"), nullable=False)
        )
        for name in ("actor", "reason", "claimed_by", "stage", "error"):
            table.add_column(sa.Column(name, sa.Text(), nullable=True))
        for name in ("started_at", "ended_at", "heartbeat_at"):
            table.add_column(sa.Column(name, _MOMENT, nullable=True))
        for name in ("wish", "comparison"):
            table.add_column(sa.Column(name, _JSON, nullable=True))
        for name in ("attempts", "done"):
            table.add_column(
                sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
            )
        table.add_column(sa.Column("total", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_model_state"), "model", ["state"], unique=False)
    op.create_index(op.f("ix_model_digest"), "model", ["digest"], unique=False)


def downgrade() -> None:
    """Downgrade; delete models that were never promoted."""
    op.drop_index(op.f("ix_model_digest"), "model")
    op.drop_index(op.f("ix_model_state"), "model")
    op.execute("DELETE FROM model WHERE promoted_seq IS NULL")
    op.execute("DELETE FROM model WHERE key NOT IN (SELECT max(key) FROM model GROUP BY digest)")
    with op.batch_alter_table("model") as table:
        for name in ("state", *_NEW):
            table.drop_column(name)
        table.alter_column("promoted_seq", existing_type=sa.BigInteger(), nullable=False)
        table.alter_column("content", existing_type=sa.LargeBinary(), nullable=False)
        table.alter_column("digest", existing_type=sa.Text(), nullable=False)
        table.create_unique_constraint("uq_model_digest", ["digest"])
