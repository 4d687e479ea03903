"""Database schema. The migrations under ``alembic/`` create the tables.

Keys (``key``) are internal integers and never leave the service; ids (``id``) are public, opaque
and permanent. ``seq`` is one sequence for all events and changes. It is allocated under the lock
of the single row of :class:`State`, so its order is the order of commits.

Clustering never deletes rows: :class:`Move` stores the previous membership of a signature,
:class:`IdentityVersion` the previous state of an identity, and an undone decision stores the
``seq`` of the undo.

The module is long because the schema is read as a whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import JSON

Key = BigInteger().with_variant(Integer(), "sqlite")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Moment(TypeDecorator[datetime]):
    """Timestamp in UTC, also on databases without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; reject a timestamp without time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"timestamp without time zone: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the timestamp in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime: Moment(),
        dict[str, Any]: Json,
        list[Any]: Json,
        bytes: LargeBinary(),
    }


def _key() -> Mapped[int]:
    return mapped_column(Key, primary_key=True)


def _given_key() -> Mapped[int]:
    """Declare a key allocated by :func:`service.db.database.allocate_keys`, for bulk inserts."""
    return mapped_column(Key, primary_key=True, autoincrement=False)


def _to(column: str, *, index: bool = False, primary_key: bool = False) -> Any:
    return mapped_column(Key, ForeignKey(column), index=index, primary_key=primary_key)


class State(Table):
    """Head of the event log, a single row. Every writer of events locks it first.

    ``curated`` is the last seq at which a publication or a decision invalidated the basis of
    earlier proposals.
    """

    __tablename__ = "state"
    __table_args__ = (CheckConstraint("key = 1", name="one_row"),)
    key: Mapped[int] = _key()
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    curated: Mapped[int] = mapped_column(BigInteger, default=0)
    publication_run: Mapped[int | None] = mapped_column(Key)


class Event(Table):
    """Event log: what was done, by whom and why; append-only."""

    __tablename__ = "event"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str | None]
    request: Mapped[str | None]
    subject: Mapped[str | None] = mapped_column(index=True)
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]


class Change(Table):
    """Change feed of identities for consumers; append-only."""

    __tablename__ = "change"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"), index=True)
    kind: Mapped[str]
    identity: Mapped[str] = mapped_column(index=True)
    others: Mapped[list[Any]]
    mentions: Mapped[int]
    at: Mapped[datetime]


class Source(Table):
    """A delivery of works: a file, a folder or a request."""

    __tablename__ = "source"
    key: Mapped[int] = _key()
    kind: Mapped[str]
    label: Mapped[str]
    format: Mapped[str]
    actor: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]]


class Work(Table):
    """A work in its current version; :class:`WorkVersion` holds its record."""

    __tablename__ = "work"
    key: Mapped[int] = _given_key()
    id: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int]
    title: Mapped[str]
    venue: Mapped[str | None]
    year: Mapped[int | None]
    citations: Mapped[int | None] = mapped_column(BigInteger)
    n_authors: Mapped[int]
    added_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class WorkVersion(Table):
    """A version of a work's record, as received and as parsed.

    ``record`` is the work in the native JSON format of :mod:`disambig.ingest`, ``raw`` the text
    that the source sent (None if equal), ``digest`` the digest of the record.
    """

    __tablename__ = "work_version"
    work_key: Mapped[int] = _to("work.key", primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source_key: Mapped[int] = _to("source.key", index=True)
    line: Mapped[int]
    received_at: Mapped[datetime]
    digest: Mapped[bytes]
    record: Mapped[str]
    raw: Mapped[str | None]


class Block(Table):
    """A block of signatures; ``touched`` is the seq of its last change."""

    __tablename__ = "block"
    key: Mapped[int] = _given_key()
    text: Mapped[str] = mapped_column(unique=True)
    touched: Mapped[int] = mapped_column(BigInteger, index=True)


class Name(Table):
    """An exact-name cluster: all signatures whose printed names differ in case at most.

    ``folded`` is the case-folded name with single spaces, ``printed`` its first printed form.
    """

    __tablename__ = "name"
    key: Mapped[int] = _given_key()
    folded: Mapped[str] = mapped_column(unique=True)
    printed: Mapped[str]


class NameWord(Table):
    """Words of names without accents, for search."""

    __tablename__ = "name_word"
    word: Mapped[str] = mapped_column(primary_key=True)
    name_key: Mapped[int] = _to("name.key", primary_key=True, index=True)


class Signature(Table):
    """An author mention. ``retired_version`` is the version of the work that removed it."""

    __tablename__ = "signature"
    __table_args__ = (
        Index(
            "uq_signature_place",
            "work_key",
            "position",
            unique=True,
            sqlite_where=text("retired_version IS NULL"),
            postgresql_where=text("retired_version IS NULL"),
        ),
    )
    key: Mapped[int] = _given_key()
    work_key: Mapped[int] = _to("work.key", index=True)
    position: Mapped[int]
    name_key: Mapped[int] = _to("name.key", index=True)
    block_key: Mapped[int | None] = mapped_column(Key, ForeignKey("block.key"), index=True)
    printed: Mapped[str]
    affiliation: Mapped[str | None]
    orcid: Mapped[str | None] = mapped_column(index=True)
    retired_version: Mapped[int | None]


class Identity(Table):
    """The published claim about a person. The id is permanent and never reused.

    ``status`` is ``active``, ``redirected`` (merged into ``redirect_key``) or ``split`` (without
    members; see :class:`Lineage`). ``version`` is the seq of its last change and its ETag.
    ``curated`` is true if a decision applies to it.
    """

    __tablename__ = "identity"
    __table_args__ = (
        CheckConstraint("(status = 'redirected') = (redirect_key IS NOT NULL)", name="redirect"),
    )
    key: Mapped[int] = _given_key()
    id: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    redirect_key: Mapped[int | None] = mapped_column(Key, ForeignKey("identity.key"), index=True)
    name: Mapped[str]
    n_works: Mapped[int]
    first_year: Mapped[int | None]
    last_year: Mapped[int | None]
    curated: Mapped[bool]
    version: Mapped[int] = mapped_column(BigInteger)


class Membership(Table):
    """The identity that a signature is published under.

    ``origin`` is ``run``, ``decision``, ``placement`` or ``import``, ``origin_key`` the key of the
    run or decision, ``since`` the seq that created the membership.
    """

    __tablename__ = "membership"
    signature_key: Mapped[int] = _to("signature.key", primary_key=True)
    identity_key: Mapped[int] = _to("identity.key", index=True)
    confidence: Mapped[float]
    origin: Mapped[str]
    origin_key: Mapped[int | None] = mapped_column(Key)
    since: Mapped[int] = mapped_column(BigInteger)


class Move(Table):
    """A membership before and after an event, to restore either exactly; append-only.

    The columns ``from_…`` are null for a signature unassigned before the event, ``to_…`` for one
    unassigned after it. There are no foreign keys: checking them would take longer than all the
    rest of a large publication, and the rows they refer to are never deleted.
    """

    __tablename__ = "move"
    event_seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    signature_key: Mapped[int] = mapped_column(Key, primary_key=True, index=True)
    from_identity: Mapped[int | None] = mapped_column(Key)
    from_confidence: Mapped[float | None]
    from_origin: Mapped[str | None]
    from_origin_key: Mapped[int | None] = mapped_column(Key)
    from_since: Mapped[int | None] = mapped_column(BigInteger)
    to_identity: Mapped[int | None] = mapped_column(Key)
    to_confidence: Mapped[float | None]
    to_origin: Mapped[str | None]
    to_origin_key: Mapped[int | None] = mapped_column(Key)


class IdentityVersion(Table):
    """An identity before and after an event; ``before`` is None if the event created it."""

    __tablename__ = "identity_version"
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"), primary_key=True)
    identity_key: Mapped[int] = _to("identity.key", primary_key=True, index=True)
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any]]


class Lineage(Table):
    """Lineage of identities: an event moved ``mentions`` signatures from parent to child.

    ``kind`` is ``split`` or ``merge``; ``undone_seq`` is the seq of the rollback or undo.
    """

    __tablename__ = "lineage"
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"), primary_key=True)
    parent_key: Mapped[int] = _to("identity.key", primary_key=True, index=True)
    child_key: Mapped[int] = _to("identity.key", primary_key=True, index=True)
    kind: Mapped[str]
    mentions: Mapped[int]
    undone_seq: Mapped[int | None] = mapped_column(BigInteger)


class ExternalId(Table):
    """An external id of the person: ORCID, dblp, OpenReview, VIAF, ISNI or Wikidata.

    The same value on two active identities is a conflict for review.
    """

    __tablename__ = "external_id"
    __table_args__ = (Index("ix_external_id_value", "scheme", "value"),)
    key: Mapped[int] = _key()
    identity_key: Mapped[int] = _to("identity.key", index=True)
    scheme: Mapped[str]
    value: Mapped[str]
    source: Mapped[str]
    actor: Mapped[str]
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"))
    removed_seq: Mapped[int | None] = mapped_column(BigInteger)


class Decision(Table):
    """A curator's decision; append-only except ``undone_seq``.

    ``kind`` is ``same``, ``different`` or ``unsure``; ``action`` is the requested action:
    ``merge``, ``split``, ``move``, ``review``, or ``arrange`` for several of these at once.
    """

    __tablename__ = "decision"
    key: Mapped[int] = _key()
    id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    action: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str | None]
    evidence: Mapped[dict[str, Any] | None]
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"), index=True)
    undone_seq: Mapped[int | None] = mapped_column(BigInteger, index=True)


class DecisionLink(Table):
    """A must-link or cannot-link that a decision states: ``kind`` is ``must`` or ``cannot``."""

    __tablename__ = "decision_link"
    decision_key: Mapped[int] = _to("decision.key", primary_key=True)
    a_key: Mapped[int] = _to("signature.key", primary_key=True, index=True)
    b_key: Mapped[int] = _to("signature.key", primary_key=True, index=True)
    kind: Mapped[str]


class Run(Table):
    """A clustering run and its proposal.

    ``state`` goes ``queued`` → ``running`` → ``proposed`` → ``published``, or ends ``failed``,
    ``cancelled`` or ``superseded``; a published run that was rolled back is ``rolled-back``.
    ``based_on`` is the seq at which its works and decisions were read. The worker that claimed
    the run updates ``heartbeat_at``; another worker may claim it when that is too old.
    """

    __tablename__ = "run"
    key: Mapped[int] = _key()
    id: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(index=True)
    scope: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str | None]
    model: Mapped[str | None]
    based_on: Mapped[int | None] = mapped_column(BigInteger)
    rebases: Mapped[int]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    heartbeat_at: Mapped[datetime | None]
    attempts: Mapped[int]
    stage: Mapped[str | None]
    done: Mapped[int]
    total: Mapped[int | None]
    error: Mapped[str | None]
    summary: Mapped[dict[str, Any] | None]
    event_seq: Mapped[int | None] = mapped_column(BigInteger)


class Proposal(Table):
    """The cluster that a run proposes for a signature; clusters are numbered from 0."""

    __tablename__ = "proposal"
    run_key: Mapped[int] = _to("run.key", primary_key=True)
    signature_key: Mapped[int] = _to("signature.key", primary_key=True)
    cluster: Mapped[int]
    confidence: Mapped[float]


class ProposalGroup(Table):
    """The identity proposed for a cluster: an existing one, or a new one (None)."""

    __tablename__ = "proposal_group"
    run_key: Mapped[int] = _to("run.key", primary_key=True)
    cluster: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    identity_key: Mapped[int | None] = mapped_column(Key, ForeignKey("identity.key"))


class ProposalChange(Table):
    """A change that publishing a run would make; ``rank`` orders by mentions, from 0."""

    __tablename__ = "proposal_change"
    run_key: Mapped[int] = _to("run.key", primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    mentions: Mapped[int]
    identity: Mapped[str | None]
    details: Mapped[dict[str, Any]]


class RunArtifact(Table):
    """Arrays that a run stores for later runs, such as corpus statistics, in parts."""

    __tablename__ = "run_artifact"
    run_key: Mapped[int] = _to("run.key", primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class Task(Table):
    """A question for a reviewer: ``conflict``, ``merge``, ``split``, ``assign`` or ``sample``.

    ``subject`` identifies the question: at most one open task has it. ``version`` is the seq of
    the last event that changed the task. A reviewer holds the lease until ``leased_until``.
    ``blind`` is set if several reviewers answer without seeing each other's answers (``share``,
    or the name of a sample); None if one answer is enough. ``error`` is the probability that the
    published state is wrong, ``effort`` the number of papers to check. ``block_key`` is the key
    of its block, without a foreign key.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index(
            "uq_task_subject",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )
    key: Mapped[int] = _key()
    id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    name_key: Mapped[int | None] = mapped_column(Key, ForeignKey("name.key"), index=True)
    mentions: Mapped[int]
    priority: Mapped[float] = mapped_column(index=True)
    evidence: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_seq: Mapped[int] = mapped_column(BigInteger)
    closed_seq: Mapped[int | None] = mapped_column(BigInteger, index=True)
    closed_by: Mapped[str | None]
    version: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    leased_by: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    block_key: Mapped[int | None] = mapped_column(Key, index=True)
    blind: Mapped[str | None]
    error: Mapped[float | None]
    effort: Mapped[int | None]


class TaskTurn(Table):
    """A task that an event opened, reopened or closed, so that an undo can revert it."""

    __tablename__ = "task_turn"
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"), primary_key=True)
    task_key: Mapped[int] = _to("task.key", primary_key=True, index=True)
    opened: Mapped[bool]


class Judgement(Table):
    """A reviewer's answer to a task; append-only.

    ``answer`` is ``same``, ``different`` or ``unsure``; ``seconds`` is the time that the reviewer
    held the task. ``decision_key`` is the resulting decision if the answer closed the task: the
    answer counts unless that decision is undone.
    """

    __tablename__ = "judgement"
    key: Mapped[int] = _key()
    task_key: Mapped[int] = _to("task.key", index=True)
    reviewer: Mapped[str] = mapped_column(index=True)
    answer: Mapped[str]
    at: Mapped[datetime]
    seconds: Mapped[float | None]
    reason: Mapped[str | None]
    evidence: Mapped[dict[str, Any] | None]
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"))
    decision_key: Mapped[int | None] = _to("decision.key", index=True)


class FittedModel(Table):
    """A model: requested, fitted on decisions, compared with the model in use, then promoted.

    ``state`` goes ``queued`` → ``running`` → ``candidate`` → ``promoted``, or ends ``failed`` or
    ``cancelled``; an uploaded model is ``promoted`` from the start. Runs use the model with the
    highest ``promoted_seq``, the seq of its last promotion. ``content`` is the model file, ``wish``
    the training options, ``comparison`` the result of :mod:`service.training.examples`. The worker
    that claimed it updates ``heartbeat_at``, as for a :class:`Run`.
    """

    __tablename__ = "model"
    key: Mapped[int] = _key()
    id: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[str | None] = mapped_column(index=True)
    content: Mapped[bytes | None]
    added_at: Mapped[datetime]
    promoted_seq: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("event.seq"), index=True
    )
    state: Mapped[str] = mapped_column(index=True, server_default=text("'promoted'"))
    actor: Mapped[str | None]
    reason: Mapped[str | None]
    wish: Mapped[dict[str, Any] | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    heartbeat_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    stage: Mapped[str | None]
    done: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    total: Mapped[int | None]
    error: Mapped[str | None]
    comparison: Mapped[dict[str, Any] | None]


class ApiKey(Table):
    """An API key: ``id`` is its public part, ``digest`` the SHA-256 of its secret part."""

    __tablename__ = "api_key"
    key: Mapped[int] = _key()
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    digest: Mapped[bytes]
    per_minute: Mapped[int | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class Idempotency(Table):
    """Stored response to a write request, keyed by its Idempotency-Key."""

    __tablename__ = "idempotency"
    __table_args__ = (UniqueConstraint("actor", "token"),)
    key: Mapped[int] = _key()
    actor: Mapped[str]
    token: Mapped[str]
    digest: Mapped[bytes]
    status: Mapped[int | None]
    content_type: Mapped[str | None]
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class Worker(Table):
    """A worker process, running or stopped."""

    __tablename__ = "worker"
    key: Mapped[int] = _key()
    id: Mapped[str] = mapped_column(unique=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
