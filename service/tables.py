"""The tables, in the vocabulary of the engine. Migrations under ``alembic/`` make them.

Keys (``key``) are internal integers and never leave the service; ids (``id``) are public, opaque
and permanent. ``seq`` numbers every event and every change on one line, given out under the lock
of the one row of :class:`State`, so that their order is the order of commits.

Nothing here is ever deleted by clustering: a membership moves and :class:`Move` keeps where it
was, an identity changes and :class:`IdentityVersion` keeps what it was, a decision is undone by
telling when.

One file, however long: the schema is read as a whole.
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
    """A moment in UTC; databases without time zones get it back as such."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse moments of unknown zone; they would be read as UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without time zone: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As UTC."""
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
    """A key that :func:`service.database.take_keys` gives out: rows are inserted in bulk."""
    return mapped_column(Key, primary_key=True, autoincrement=False)


def _to(column: str, *, index: bool = False, primary_key: bool = False) -> Any:
    return mapped_column(Key, ForeignKey(column), index=index, primary_key=primary_key)


class State(Table):
    """One row: the head of the line of events. Whoever writes events locks it first.

    ``curated`` is the last seq at which a publication or a decision changed what a proposal may
    be based on.
    """

    __tablename__ = "state"
    __table_args__ = (CheckConstraint("key = 1", name="one_row"),)
    key: Mapped[int] = _key()
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    curated: Mapped[int] = mapped_column(BigInteger, default=0)
    publication_run: Mapped[int | None] = mapped_column(Key)


class Event(Table):
    """What happened, by whom and why; append-only."""

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
    """The feed that consumers follow: what became of identities; append-only."""

    __tablename__ = "change"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"), index=True)
    kind: Mapped[str]
    identity: Mapped[str] = mapped_column(index=True)
    others: Mapped[list[Any]]
    mentions: Mapped[int]
    at: Mapped[datetime]


class Source(Table):
    """One delivery of works: a file, a folder or a request."""

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
    """A work as it is now known; its record is that of its current version."""

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
    """A work's record at some time, as it was received and as it was read.

    ``record`` is the work in the native JSON format of :mod:`disambig.ingest`; ``raw`` what the
    source sent, None where that is the same text; ``digest`` is of the record.
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
    """Signatures that are compared with each other; ``touched`` is the seq of the last change."""

    __tablename__ = "block"
    key: Mapped[int] = _given_key()
    text: Mapped[str] = mapped_column(unique=True)
    touched: Mapped[int] = mapped_column(BigInteger, index=True)


class Name(Table):
    """An exact-name cluster: all signatures whose printed names are equal but for case.

    ``folded`` is the case-folded name with single spaces, ``printed`` how it was first printed.
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
    """One author mention. ``retired_version`` is the version of the work that dropped it."""

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
    """Our published claim about a person. The id is permanent and never used again.

    ``status`` is ``active``, ``redirected`` (merged into ``redirect_key``) or ``split`` (nothing
    of it is left; see :class:`Lineage`). ``version`` is the seq of its last change and its ETag.
    ``curated`` tells whether a human decision bears on it.
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
    """Which identity a signature is published under.

    ``origin`` is ``run``, ``decision``, ``placement`` or ``import``, ``origin_key`` the run's or
    the decision's key; ``since`` is the seq that put it there.
    """

    __tablename__ = "membership"
    signature_key: Mapped[int] = _to("signature.key", primary_key=True)
    identity_key: Mapped[int] = _to("identity.key", index=True)
    confidence: Mapped[float]
    origin: Mapped[str]
    origin_key: Mapped[int | None] = mapped_column(Key)
    since: Mapped[int] = mapped_column(BigInteger)


class Move(Table):
    """One membership before and after an event, to restore either exactly; append-only.

    The columns ``from_…`` are empty for a signature that was nowhere before, ``to_…`` for one
    that is nowhere after. Keys are not checked by the database, which would take longer than
    all the rest of a large publication; nothing that they name is ever deleted.
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
    """One identity before and after an event; ``before`` is None where it was created."""

    __tablename__ = "identity_version"
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"), primary_key=True)
    identity_key: Mapped[int] = _to("identity.key", primary_key=True, index=True)
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any]]


class Lineage(Table):
    """Where identities come from: ``mentions`` of the parent went to the child at an event.

    ``kind`` is ``split`` or ``merge``; ``undone_seq`` tells when a rollback or an undo took it
    back.
    """

    __tablename__ = "lineage"
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"), primary_key=True)
    parent_key: Mapped[int] = _to("identity.key", primary_key=True, index=True)
    child_key: Mapped[int] = _to("identity.key", primary_key=True, index=True)
    kind: Mapped[str]
    mentions: Mapped[int]
    undone_seq: Mapped[int | None] = mapped_column(BigInteger)


class ExternalId(Table):
    """An id that somebody else gave to the person: ORCID, dblp, OpenReview, VIAF, ISNI, Wikidata.

    One value on two active identities is a conflict for review.
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
    """What a person decided; append-only but for ``undone_seq``.

    ``kind`` is ``same``, ``different`` or ``unsure``; ``action`` what was asked for: ``merge``,
    ``split``, ``move``, ``review``, or ``arrange`` for several of these at once.
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
    """One re-clustering and its proposal.

    ``state`` goes ``queued`` → ``running`` → ``proposed`` → ``published``, or ends ``failed``,
    ``cancelled`` or ``superseded``; a published run that was rolled back is ``rolled-back``.
    ``based_on`` is the seq at which its works and decisions were read. A worker that holds it
    writes ``heartbeat_at``; another may claim it when that is too old.
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
    """Where a run would put a signature: ``cluster`` numbers its groups from 0."""

    __tablename__ = "proposal"
    run_key: Mapped[int] = _to("run.key", primary_key=True)
    signature_key: Mapped[int] = _to("signature.key", primary_key=True)
    cluster: Mapped[int]
    confidence: Mapped[float]


class ProposalGroup(Table):
    """Which id a group of a proposal would bear: an existing identity's, or a new one (None)."""

    __tablename__ = "proposal_group"
    run_key: Mapped[int] = _to("run.key", primary_key=True)
    cluster: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    identity_key: Mapped[int | None] = mapped_column(Key, ForeignKey("identity.key"))


class ProposalChange(Table):
    """One line of what publishing a run would change; ``rank`` orders by mentions, from 0."""

    __tablename__ = "proposal_change"
    run_key: Mapped[int] = _to("run.key", primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    mentions: Mapped[int]
    identity: Mapped[str | None]
    details: Mapped[dict[str, Any]]


class RunArtifact(Table):
    """Arrays that a run leaves for later ones, such as statistics of the corpus, in parts."""

    __tablename__ = "run_artifact"
    run_key: Mapped[int] = _to("run.key", primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class Task(Table):
    """A question for a person: ``conflict``, ``merge``, ``split``, ``assign`` or ``sample``.

    ``subject`` makes it the same question when it is asked again: one open task has it.
    ``version`` is the seq of the last event that changed it. Somebody works on it while
    ``leased_until`` is to come. ``blind`` tells why several people are asked without seeing each
    other's answers (``share``, or a sample's name); None where one answer is enough. ``error`` is
    the probability that what is published is wrong, ``effort`` the papers to look at.
    ``block_key`` names the block it came from; the database does not check it.
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
    """A task that an event opened (again) or closed, so that undoing the event turns it back."""

    __tablename__ = "task_turn"
    event_seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"), primary_key=True)
    task_key: Mapped[int] = _to("task.key", primary_key=True, index=True)
    opened: Mapped[bool]


class Judgement(Table):
    """What one person answered to a task; append-only.

    ``answer`` is ``same``, ``different`` or ``unsure``; ``seconds`` how long the person had it.
    ``decision_key`` is the decision that the answer led to, if it settled the task: the answer
    counts as long as that is not undone.
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
    """A model: asked for, fitted on decisions, compared with the one in use, perhaps promoted.

    ``state`` goes ``queued`` → ``running`` → ``candidate`` → ``promoted``, or ends ``failed`` or
    ``cancelled``; one that was made elsewhere is ``promoted`` from the start. Runs use the one
    with the highest ``promoted_seq``, the event that promoted it last. ``content`` is its file,
    ``wish`` how it is to be fitted, ``comparison`` what :mod:`service.teaching` found. A worker
    that holds it writes ``heartbeat_at``, as for a :class:`Run`.
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
    """A key of the API: ``id`` is its public part, ``digest`` the SHA-256 of its secret part."""

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
    """The answer to a write that a client may send again under the same Idempotency-Key."""

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
    """A worker process that is, or was, alive."""

    __tablename__ = "worker"
    key: Mapped[int] = _key()
    id: Mapped[str] = mapped_column(unique=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
