"""The first schema

Revision: 0001, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "api_key",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_api_key")),
        sa.UniqueConstraint("id", name=op.f("uq_api_key_id")),
    )
    op.create_table(
        "block",
        sa.Column(
            "key",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("touched", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_block")),
        sa.UniqueConstraint("text", name=op.f("uq_block_text")),
    )
    op.create_index(op.f("ix_block_touched"), "block", ["touched"], unique=False)

    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column(
            "before",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "after",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_kind"), "event", ["kind"], unique=False)
    op.create_index(op.f("ix_event_subject"), "event", ["subject"], unique=False)

    op.create_table(
        "idempotency",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency")),
        sa.UniqueConstraint("actor", "token", name=op.f("uq_idempotency_actor_token")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)

    op.create_table(
        "identity",
        sa.Column(
            "key",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column(
            "redirect_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("n_works", sa.Integer(), nullable=False),
        sa.Column("first_year", sa.Integer(), nullable=True),
        sa.Column("last_year", sa.Integer(), nullable=True),
        sa.Column("curated", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(status = 'redirected') = (redirect_key IS NOT NULL)",
            name=op.f("ck_identity_redirect"),
        ),
        sa.ForeignKeyConstraint(
            ["redirect_key"], ["identity.key"], name=op.f("fk_identity_redirect_key_identity")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_identity")),
        sa.UniqueConstraint("id", name=op.f("uq_identity_id")),
    )
    op.create_index(op.f("ix_identity_redirect_key"), "identity", ["redirect_key"], unique=False)

    op.create_table(
        "name",
        sa.Column(
            "key",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("printed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_name")),
        sa.UniqueConstraint("folded", name=op.f("uq_name_folded")),
    )
    op.create_table(
        "run",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("based_on", sa.BigInteger(), nullable=True),
        sa.Column("rebases", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "summary",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=True,
        ),
        sa.Column("event_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_run")),
        sa.UniqueConstraint("id", name=op.f("uq_run_id")),
    )
    op.create_index(op.f("ix_run_state"), "run", ["state"], unique=False)

    op.create_table(
        "source",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "counts",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_source")),
    )
    op.create_table(
        "state",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("curated", sa.BigInteger(), nullable=False),
        sa.Column(
            "publication_run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.CheckConstraint("key = 1", name=op.f("ck_state_one_row")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_state")),
    )
    op.create_table(
        "work",
        sa.Column(
            "key",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("citations", sa.BigInteger(), nullable=True),
        sa.Column("n_authors", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_work")),
        sa.UniqueConstraint("id", name=op.f("uq_work_id")),
    )
    op.create_table(
        "worker",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_worker")),
        sa.UniqueConstraint("id", name=op.f("uq_worker_id")),
    )
    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column(
            "others",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["event.seq"], name=op.f("fk_change_event_seq_event")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change")),
    )
    op.create_index(op.f("ix_change_event_seq"), "change", ["event_seq"], unique=False)
    op.create_index(op.f("ix_change_identity"), "change", ["identity"], unique=False)

    op.create_table(
        "decision",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "evidence",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=True,
        ),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("undone_seq", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["event.seq"], name=op.f("fk_decision_event_seq_event")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_decision")),
        sa.UniqueConstraint("id", name=op.f("uq_decision_id")),
    )
    op.create_index(op.f("ix_decision_event_seq"), "decision", ["event_seq"], unique=False)
    op.create_index(op.f("ix_decision_undone_seq"), "decision", ["undone_seq"], unique=False)

    op.create_table(
        "external_id",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "identity_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("removed_seq", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["event.seq"], name=op.f("fk_external_id_event_seq_event")
        ),
        sa.ForeignKeyConstraint(
            ["identity_key"], ["identity.key"], name=op.f("fk_external_id_identity_key_identity")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_external_id")),
    )
    op.create_index(
        op.f("ix_external_id_identity_key"), "external_id", ["identity_key"], unique=False
    )
    op.create_index("ix_external_id_value", "external_id", ["scheme", "value"], unique=False)

    op.create_table(
        "identity_version",
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "identity_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "before",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "after",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["event.seq"], name=op.f("fk_identity_version_event_seq_event")
        ),
        sa.ForeignKeyConstraint(
            ["identity_key"],
            ["identity.key"],
            name=op.f("fk_identity_version_identity_key_identity"),
        ),
        sa.PrimaryKeyConstraint("event_seq", "identity_key", name=op.f("pk_identity_version")),
    )
    op.create_index(
        op.f("ix_identity_version_identity_key"), "identity_version", ["identity_key"], unique=False
    )

    op.create_table(
        "lineage",
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "parent_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "child_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("undone_seq", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["child_key"], ["identity.key"], name=op.f("fk_lineage_child_key_identity")
        ),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["event.seq"], name=op.f("fk_lineage_event_seq_event")
        ),
        sa.ForeignKeyConstraint(
            ["parent_key"], ["identity.key"], name=op.f("fk_lineage_parent_key_identity")
        ),
        sa.PrimaryKeyConstraint("event_seq", "parent_key", "child_key", name=op.f("pk_lineage")),
    )
    op.create_index(op.f("ix_lineage_child_key"), "lineage", ["child_key"], unique=False)
    op.create_index(op.f("ix_lineage_parent_key"), "lineage", ["parent_key"], unique=False)

    op.create_table(
        "name_word",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("name_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["name_key"], ["name.key"], name=op.f("fk_name_word_name_key_name")
        ),
        sa.PrimaryKeyConstraint("word", "name_key", name=op.f("pk_name_word")),
    )
    op.create_index(op.f("ix_name_word_name_key"), "name_word", ["name_key"], unique=False)

    op.create_table(
        "proposal_change",
        sa.Column("run_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column(
            "details",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["run_key"], ["run.key"], name=op.f("fk_proposal_change_run_key_run")
        ),
        sa.PrimaryKeyConstraint("run_key", "rank", name=op.f("pk_proposal_change")),
    )
    op.create_table(
        "proposal_group",
        sa.Column("run_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cluster", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "identity_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["identity_key"], ["identity.key"], name=op.f("fk_proposal_group_identity_key_identity")
        ),
        sa.ForeignKeyConstraint(
            ["run_key"], ["run.key"], name=op.f("fk_proposal_group_run_key_run")
        ),
        sa.PrimaryKeyConstraint("run_key", "cluster", name=op.f("pk_proposal_group")),
    )
    op.create_table(
        "run_artifact",
        sa.Column("run_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["run.key"], name=op.f("fk_run_artifact_run_key_run")),
        sa.PrimaryKeyConstraint("run_key", "name", "part", name=op.f("pk_run_artifact")),
    )
    op.create_table(
        "signature",
        sa.Column(
            "key",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("work_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("block_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("printed", sa.Text(), nullable=False),
        sa.Column("affiliation", sa.Text(), nullable=True),
        sa.Column("orcid", sa.Text(), nullable=True),
        sa.Column("retired_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["block_key"], ["block.key"], name=op.f("fk_signature_block_key_block")
        ),
        sa.ForeignKeyConstraint(
            ["name_key"], ["name.key"], name=op.f("fk_signature_name_key_name")
        ),
        sa.ForeignKeyConstraint(
            ["work_key"], ["work.key"], name=op.f("fk_signature_work_key_work")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_signature")),
    )
    op.create_index(op.f("ix_signature_block_key"), "signature", ["block_key"], unique=False)
    op.create_index(op.f("ix_signature_name_key"), "signature", ["name_key"], unique=False)
    op.create_index(op.f("ix_signature_orcid"), "signature", ["orcid"], unique=False)
    op.create_index(op.f("ix_signature_work_key"), "signature", ["work_key"], unique=False)
    op.create_index(
        "uq_signature_place",
        "signature",
        ["work_key", "position"],
        unique=True,
        sqlite_where=sa.text("retired_version IS NULL"),
        postgresql_where=sa.text("retired_version IS NULL"),
    )

    op.create_table(
        "task",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Double(), nullable=False),
        sa.Column(
            "evidence",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_seq", sa.BigInteger(), nullable=False),
        sa.Column("closed_seq", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["name_key"], ["name.key"], name=op.f("fk_task_name_key_name")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_task")),
        sa.UniqueConstraint("id", name=op.f("uq_task_id")),
    )
    op.create_index(op.f("ix_task_name_key"), "task", ["name_key"], unique=False)
    op.create_index(op.f("ix_task_priority"), "task", ["priority"], unique=False)
    op.create_index(op.f("ix_task_state"), "task", ["state"], unique=False)
    op.create_index(
        "uq_task_subject",
        "task",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )

    op.create_table(
        "work_version",
        sa.Column("work_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "source_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_key"], ["source.key"], name=op.f("fk_work_version_source_key_source")
        ),
        sa.ForeignKeyConstraint(
            ["work_key"], ["work.key"], name=op.f("fk_work_version_work_key_work")
        ),
        sa.PrimaryKeyConstraint("work_key", "version", name=op.f("pk_work_version")),
    )
    op.create_index(
        op.f("ix_work_version_source_key"), "work_version", ["source_key"], unique=False
    )

    op.create_table(
        "decision_link",
        sa.Column(
            "decision_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("a_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("b_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["a_key"], ["signature.key"], name=op.f("fk_decision_link_a_key_signature")
        ),
        sa.ForeignKeyConstraint(
            ["b_key"], ["signature.key"], name=op.f("fk_decision_link_b_key_signature")
        ),
        sa.ForeignKeyConstraint(
            ["decision_key"], ["decision.key"], name=op.f("fk_decision_link_decision_key_decision")
        ),
        sa.PrimaryKeyConstraint("decision_key", "a_key", "b_key", name=op.f("pk_decision_link")),
    )
    op.create_index(op.f("ix_decision_link_a_key"), "decision_link", ["a_key"], unique=False)
    op.create_index(op.f("ix_decision_link_b_key"), "decision_link", ["b_key"], unique=False)

    op.create_table(
        "membership",
        sa.Column(
            "signature_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "identity_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column(
            "origin_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["identity_key"], ["identity.key"], name=op.f("fk_membership_identity_key_identity")
        ),
        sa.ForeignKeyConstraint(
            ["signature_key"], ["signature.key"], name=op.f("fk_membership_signature_key_signature")
        ),
        sa.PrimaryKeyConstraint("signature_key", name=op.f("pk_membership")),
    )
    op.create_index(
        op.f("ix_membership_identity_key"), "membership", ["identity_key"], unique=False
    )

    op.create_table(
        "move",
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "signature_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "from_identity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("from_confidence", sa.Double(), nullable=True),
        sa.Column("from_origin", sa.Text(), nullable=True),
        sa.Column(
            "from_origin_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("from_since", sa.BigInteger(), nullable=True),
        sa.Column(
            "to_identity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("to_confidence", sa.Double(), nullable=True),
        sa.Column("to_origin", sa.Text(), nullable=True),
        sa.Column(
            "to_origin_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.PrimaryKeyConstraint("event_seq", "signature_key", name=op.f("pk_move")),
    )
    op.create_index(op.f("ix_move_signature_key"), "move", ["signature_key"], unique=False)

    op.create_table(
        "proposal",
        sa.Column("run_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "signature_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("cluster", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["run.key"], name=op.f("fk_proposal_run_key_run")),
        sa.ForeignKeyConstraint(
            ["signature_key"], ["signature.key"], name=op.f("fk_proposal_signature_key_signature")
        ),
        sa.PrimaryKeyConstraint("run_key", "signature_key", name=op.f("pk_proposal")),
    )
    op.execute("INSERT INTO state (key, sequence, curated) VALUES (1, 0, 0)")


def downgrade() -> None:
    """Downgrade."""
    op.drop_table("proposal")
    op.drop_index(op.f("ix_move_signature_key"), "move")

    op.drop_table("move")
    op.drop_index(op.f("ix_membership_identity_key"), "membership")

    op.drop_table("membership")
    op.drop_index(op.f("ix_decision_link_b_key"), "decision_link")
    op.drop_index(op.f("ix_decision_link_a_key"), "decision_link")

    op.drop_table("decision_link")
    op.drop_index(op.f("ix_work_version_source_key"), "work_version")

    op.drop_table("work_version")
    op.drop_index(
        "uq_task_subject",
        "task",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index(op.f("ix_task_state"), "task")
    op.drop_index(op.f("ix_task_priority"), "task")
    op.drop_index(op.f("ix_task_name_key"), "task")

    op.drop_table("task")
    op.drop_index(
        "uq_signature_place",
        "signature",
        sqlite_where=sa.text("retired_version IS NULL"),
        postgresql_where=sa.text("retired_version IS NULL"),
    )
    op.drop_index(op.f("ix_signature_work_key"), "signature")
    op.drop_index(op.f("ix_signature_orcid"), "signature")
    op.drop_index(op.f("ix_signature_name_key"), "signature")
    op.drop_index(op.f("ix_signature_block_key"), "signature")

    op.drop_table("signature")
    op.drop_table("run_artifact")
    op.drop_table("proposal_group")
    op.drop_table("proposal_change")
    op.drop_index(op.f("ix_name_word_name_key"), "name_word")

    op.drop_table("name_word")
    op.drop_index(op.f("ix_lineage_parent_key"), "lineage")
    op.drop_index(op.f("ix_lineage_child_key"), "lineage")

    op.drop_table("lineage")
    op.drop_index(op.f("ix_identity_version_identity_key"), "identity_version")

    op.drop_table("identity_version")
    op.drop_index("ix_external_id_value", "external_id")
    op.drop_index(op.f("ix_external_id_identity_key"), "external_id")

    op.drop_table("external_id")
    op.drop_index(op.f("ix_decision_undone_seq"), "decision")
    op.drop_index(op.f("ix_decision_event_seq"), "decision")

    op.drop_table("decision")
    op.drop_index(op.f("ix_change_identity"), "change")
    op.drop_index(op.f("ix_change_event_seq"), "change")

    op.drop_table("change")
    op.drop_table("worker")
    op.drop_table("work")
    op.drop_table("state")
    op.drop_table("source")
    op.drop_index(op.f("ix_run_state"), "run")

    op.drop_table("run")
    op.drop_table("name")
    op.drop_index(op.f("ix_identity_redirect_key"), "identity")

    op.drop_table("identity")
    op.drop_index(op.f("ix_idempotency_created_at"), "idempotency")

    op.drop_table("idempotency")
    op.drop_index(op.f("ix_event_subject"), "event")
    op.drop_index(op.f("ix_event_kind"), "event")

    op.drop_table("event")
    op.drop_index(op.f("ix_block_touched"), "block")

    op.drop_table("block")
    op.drop_table("api_key")
