"""Review: leases, blind answers, and the event that closed a task

Revision: 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    """Upgrade."""
    op.add_column(
        "task", sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("task", sa.Column("leased_by", sa.Text(), nullable=True))
    op.add_column("task", sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("task", sa.Column("block_key", _KEY, nullable=True))
    op.add_column("task", sa.Column("blind", sa.Text(), nullable=True))
    op.add_column("task", sa.Column("error", sa.Double(), nullable=True))
    op.add_column("task", sa.Column("effort", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_task_closed_seq"), "task", ["closed_seq"], unique=False)
    op.create_index(op.f("ix_task_block_key"), "task", ["block_key"], unique=False)

    op.create_table(
        "judgement",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("task_key", _KEY, nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("evidence", _JSON, nullable=True),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("decision_key", _KEY, nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_key"], ["decision.key"], name=op.f("fk_judgement_decision_key_decision")
        ),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["event.seq"], name=op.f("fk_judgement_event_seq_event")
        ),
        sa.ForeignKeyConstraint(
            ["task_key"], ["task.key"], name=op.f("fk_judgement_task_key_task")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_judgement")),
    )
    op.create_index(op.f("ix_judgement_decision_key"), "judgement", ["decision_key"], unique=False)
    op.create_index(op.f("ix_judgement_reviewer"), "judgement", ["reviewer"], unique=False)
    op.create_index(op.f("ix_judgement_task_key"), "judgement", ["task_key"], unique=False)

    op.create_table(
        "task_turn",
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("task_key", _KEY, nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["event.seq"], name=op.f("fk_task_turn_event_seq_event")
        ),
        sa.ForeignKeyConstraint(
            ["task_key"], ["task.key"], name=op.f("fk_task_turn_task_key_task")
        ),
        sa.PrimaryKeyConstraint("event_seq", "task_key", name=op.f("pk_task_turn")),
    )
    op.create_index(op.f("ix_task_turn_task_key"), "task_turn", ["task_key"], unique=False)

    op.create_table(
        "model",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promoted_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["promoted_seq"], ["event.seq"], name=op.f("fk_model_promoted_seq_event")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_model")),
        sa.UniqueConstraint("digest", name=op.f("uq_model_digest")),
        sa.UniqueConstraint("id", name=op.f("uq_model_id")),
    )
    op.create_index(op.f("ix_model_promoted_seq"), "model", ["promoted_seq"], unique=False)


def downgrade() -> None:
    """Downgrade."""
    op.drop_index(op.f("ix_model_promoted_seq"), "model")
    op.drop_table("model")

    op.drop_index(op.f("ix_task_turn_task_key"), "task_turn")
    op.drop_table("task_turn")

    op.drop_index(op.f("ix_judgement_task_key"), "judgement")
    op.drop_index(op.f("ix_judgement_reviewer"), "judgement")
    op.drop_index(op.f("ix_judgement_decision_key"), "judgement")
    op.drop_table("judgement")

    op.drop_index(op.f("ix_task_block_key"), "task")
    op.drop_index(op.f("ix_task_closed_seq"), "task")
    for name in ("effort", "error", "blind", "block_key", "leased_until", "leased_by", "version"):
        op.drop_column("task", name)
