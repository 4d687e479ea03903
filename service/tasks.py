"""Questions for people: opened by runs, placements and conflicts, listed by urgency, closed.

Conflicts come first, for nothing that they touch can be trusted; then whatever has the highest
priority, and of equals the oldest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from disambig.console import safe
from service.actors import Actor
from service.closing import close_task
from service.database import Database
from service.errors import Conflict, NotFound
from service.ids import new_id
from service.ledger import Ledger
from service.tables import Decision, Event, Judgement, Name, Task

KINDS = ("conflict", "merge", "split", "assign", "sample")
STATES = ("open", "closed")

_turn: ColumnElement[int] = case((Task.kind == "conflict", 0), else_=1)
_CLOSING = Event.__table__.alias("closing")
_UNDONE = Decision.__table__.alias("undone")
STANDING: ColumnElement[bool] = ~exists().where(
    _UNDONE.c.key == Judgement.decision_key, _UNDONE.c.undone_seq.is_not(None)
)
"""Of a judgement: that it counts, for the decision it led to, if any, is in force."""
_answers = (
    select(func.count())
    .select_from(Judgement)
    .where(Judgement.task_key == Task.key, STANDING)
    .correlate(Task)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Question:
    """A task before it has an id.

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`.
    subject : str
        What it is about, in the asker's form; the same question asked again has the same.
    mentions : int
        Mentions that the answer bears on.
    priority : float
        Which to answer first; higher is sooner.
    evidence : dict
        What a person needs to answer it; public ids only.
    name_key : int or None
        Exact-name cluster it concerns.
    block_key : int or None
        Block it comes from.
    error : float or None
        Probability that what is published is wrong.
    effort : int or None
        Papers that the answer takes a look at.
    blind : str or None
        Why several people are asked without seeing each other's answers.
    """

    kind: str
    subject: str
    mentions: int
    priority: float
    evidence: dict[str, Any]
    name_key: int | None = None
    block_key: int | None = None
    error: float | None = None
    effort: int | None = None
    blind: str | None = None


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A task as readers see it.

    ``name`` is the printed name it concerns. Somebody works on it where ``leased_by`` is set.
    ``answers`` counts those that were given and stand; what they say is told when it is closed.
    """

    id: str
    kind: str
    state: str
    subject: str
    name: str | None
    mentions: int
    priority: float
    evidence: dict[str, Any]
    created_at: datetime
    created_seq: int
    closed_by: str | None
    closed_at: datetime | None
    reason: str | None
    version: int
    leased_by: str | None
    leased_until: datetime | None
    error: float | None
    effort: int | None
    blind: bool
    answers: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks to list; None: any.

    Attributes
    ----------
    kind, state : str or None
    name : str or None
        A folded name.
    least, most : int or None
        Bounds of the mentions that the answer bears on.
    held : str or None
        ``me``, ``others``, or ``nobody``: who works on it now.
    reviewer : str or None
        Who asks. Open tasks that this person has answered, and that wait for others, are left
        out.
    """

    kind: str | None = None
    state: str | None = "open"
    name: str | None = None
    least: int | None = None
    most: int | None = None
    held: str | None = None
    reviewer: str | None = None


@dataclass(frozen=True, slots=True)
class After:
    """Where a page of tasks begins: after the task with these values."""

    first: int
    priority: float
    key: int


def open_tasks(
    connection: Connection, ledger: Ledger, seq: int, questions: Sequence[Question]
) -> list[str]:
    """Ask questions; their ids in order. One that is open already is brought up to date instead.

    ``seq`` is the event they come from. Two equal questions of one call are one task; the later
    one's priority and evidence count.
    """
    wanted = {(q.kind, q.subject): q for q in questions}
    known = _open_ids(connection, wanted)
    ids = {of: known.get(of) or new_id("t") for of in wanted}
    fresh = [
        {
            "id": ids[of], "kind": q.kind, "state": "open", "subject": q.subject,
            "name_key": q.name_key, "mentions": q.mentions, "priority": q.priority,
            "evidence": q.evidence, "created_at": ledger.at, "created_seq": seq,
            "version": seq, "block_key": q.block_key, "error": q.error, "effort": q.effort,
            "blind": q.blind,
        }
        for of, q in wanted.items()
        if of not in known
    ]  # fmt: skip
    again = [
        {
            "given": known[of], "mentions": q.mentions, "priority": q.priority,
            "evidence": q.evidence, "block_key": q.block_key, "error": q.error,
            "effort": q.effort, "version": seq,
        }
        for of, q in wanted.items()
        if of in known
    ]  # fmt: skip
    if fresh:
        connection.execute(insert(Task), fresh)
    if again:
        table = Task.__table__
        changed = update(table).where(table.c.id == bindparam("given"))  # type: ignore[arg-type]
        connection.execute(changed, again)
    return [ids[q.kind, q.subject] for q in questions]


def close_tasks(
    connection: Connection, seq: int, actor: Actor, kind: str, subjects: Iterable[str]
) -> int:
    """Close the open tasks about these subjects, which event ``seq`` answers; their number."""
    closed = 0
    for some in _some(subjects):
        changed = (
            update(Task)
            .where(Task.kind == kind, Task.state == "open", Task.subject.in_(some))
            .values(
                state="closed", closed_seq=seq, closed_by=actor.name, version=seq,
                leased_by=None, leased_until=None,
            )
        )  # fmt: skip
        closed += connection.execute(changed).rowcount
    return closed


def answered_about(
    connection: Connection, kind: str, subjects: Iterable[str]
) -> dict[str, set[frozenset[str]]]:
    """By subject, the sets of identities about which a person has answered the question, where
    the answer stands.
    """
    found: dict[str, set[frozenset[str]]] = {}
    for some in _some(subjects):
        query = (
            select(Task.subject, Task.evidence)
            .join(Judgement, Judgement.task_key == Task.key)
            .where(
                Task.kind == kind, Task.state == "closed", Task.subject.in_(some),
                Judgement.decision_key.is_not(None), STANDING,
            )
        )  # fmt: skip
        for subject, evidence in connection.execute(query):
            found.setdefault(subject, set()).add(frozenset(evidence.get("identities", ())))
    return found


def listed(
    connection: Connection,
    *,
    kind: str | None = None,
    state: str | None = "open",
    name: str | None = None,
    limit: int = 50,
    after: After | None = None,
) -> tuple[list[TaskInfo], After | None]:
    """One page of tasks in the order they should be answered, and where the next one begins.

    ``name`` is a folded name; None for a kind, state or name means any.
    """
    return page(connection, Wanted(kind, state, name), limit, after)


def page(
    connection: Connection, wanted: Wanted, limit: int = 50, after: After | None = None
) -> tuple[list[TaskInfo], After | None]:
    """The same of the tasks wanted."""
    query = _query().order_by(_turn, Task.priority.desc(), Task.key).limit(limit + 1)
    query = query.where(*conditions(wanted))
    if after is not None:
        query = query.where(_follows(after))
    rows = connection.execute(query).mappings().all()
    more = After(*_place(rows[limit - 1])) if len(rows) > limit else None
    return [_info(row) for row in rows[:limit]], more


def conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Conditions on :class:`~service.tables.Task`."""
    found: list[ColumnElement[bool]] = []
    for column, value in ((Task.kind, wanted.kind), (Task.state, wanted.state)):
        if value is not None:
            found.append(column == value)
    if wanted.name is not None:
        named = select(Name.key).where(Name.folded == wanted.name)
        found.append(Task.name_key.in_(named))
    if wanted.least is not None:
        found.append(Task.mentions >= wanted.least)
    if wanted.most is not None:
        found.append(Task.mentions <= wanted.most)
    held = and_(Task.leased_by.is_not(None), Task.leased_until > datetime.now(UTC))
    if wanted.held == "nobody":
        found.append(not_(func.coalesce(held, false())))
    elif wanted.held is not None:
        mine = Task.leased_by == wanted.reviewer
        found += [held, mine if wanted.held == "me" else not_(mine)]
    if wanted.reviewer is not None:
        own = exists().where(
            STANDING, Judgement.task_key == Task.key, Judgement.reviewer == wanted.reviewer
        )
        found.append(or_(Task.state != "open", not_(own)))
    return found


def found(connection: Connection, task_id: str) -> TaskInfo:
    """The task of a public id.

    Raises
    ------
    NotFound
        No task has it.
    """
    sane = task_id if task_id.isascii() and task_id.isprintable() else ""
    row = connection.execute(_query().where(Task.id == sane)).mappings().first()
    if row is None:
        raise NotFound(
            f"no task {safe(task_id[:40])}", "list the tasks to see those that are open", field="id"
        )
    return _info(row)


def close(database: Database, actor: Actor, task_id: str, reason: str | None = None) -> TaskInfo:
    """Close a task by hand, without a decision.

    Raises
    ------
    NotFound
        No task has this id.
    Conflict
        It is closed; the error tells by whom.
    """
    with database.write() as connection:
        ledger = Ledger.hold(connection)
        before = found(connection, task_id)
        if before.state != "open":
            raise Conflict(
                f"the task is {before.state}, by {before.closed_by}",
                "nothing needs to be done; the list tells which tasks are open",
                closed_by=before.closed_by,
            )
        told = {"kind": before.kind, "subject": before.subject}
        seq = ledger.record(
            "task-closed", actor, subject=task_id, reason=reason,
            before={**told, "state": "open"}, after={**told, "state": "closed"},
        )  # fmt: skip
        key = connection.scalars(select(Task.key).where(Task.id == task_id)).one()
        close_task(connection, seq, key)
        return found(connection, task_id)


def _open_ids(
    connection: Connection, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    by_kind: dict[str, list[str]] = {}
    for kind, subject in wanted:
        by_kind.setdefault(kind, []).append(subject)
    known: dict[tuple[str, str], str] = {}
    for kind, subjects in by_kind.items():
        for some in _some(subjects):
            query = select(Task.subject, Task.id).where(
                Task.kind == kind, Task.state == "open", Task.subject.in_(some)
            )
            known.update({(kind, subject): id for subject, id in connection.execute(query)})
    return known


def _some(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts for ``IN (…)``, few enough for either database."""
    left = iter(texts)
    while some := list(islice(left, 500)):
        yield some


def _query() -> Any:
    return (
        select(
            Task.id, Task.kind, Task.state, Task.subject, Name.printed.label("name"),
            Task.mentions, Task.priority, Task.evidence, Task.created_at, Task.created_seq,
            Task.closed_by, _CLOSING.c.at.label("closed_at"), _CLOSING.c.reason, Task.version,
            Task.leased_by, Task.leased_until, Task.error, Task.effort,
            Task.blind.is_not(None).label("blind"), _answers.label("answers"),
            _turn.label("first"), Task.key,
        )
        .outerjoin(Name, Name.key == Task.name_key)
        .outerjoin(_CLOSING, _CLOSING.c.seq == Task.closed_seq)
    )  # fmt: skip


def _follows(after: After) -> ColumnElement[bool]:
    lower = or_(
        Task.priority < after.priority,
        and_(Task.priority == after.priority, Task.key > after.key),
    )
    return or_(_turn > after.first, and_(_turn == after.first, lower))


def _place(row: Mapping[Any, Any]) -> tuple[int, float, int]:
    return row["first"], row["priority"], row["key"]


def _info(row: Mapping[Any, Any]) -> TaskInfo:
    values = {name: row[name] for name in TaskInfo.__slots__}
    until = values["leased_until"]
    if until is None or until <= datetime.now(UTC):
        values["leased_by"] = values["leased_until"] = None
    return TaskInfo(**values)
