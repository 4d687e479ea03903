"""Tasks for reviewers: list them by urgency, read one, close one by hand.

Conflicts come first, because nothing that they affect can be trusted; then the highest priority,
and of equals the oldest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    false,
    func,
    not_,
    or_,
    select,
)

from disambig.console import escape_text
from service.actors import Actor, Role
from service.db import tables
from service.db.database import Database
from service.db.tables import Decision, Event, Judgement, Name
from service.errors import Conflict, Forbidden, NotFound
from service.events.log import EventLog
from service.ids import sanitize_id
from service.tasks.close import close_task
from service.tasks.results import Task, TaskKind

KINDS = get_args(TaskKind)

_conflicts_first: ColumnElement[int] = case((tables.Task.kind == "conflict", 0), else_=1)
_CLOSING = Event.__table__.alias("closing")
_UNDONE = Decision.__table__.alias("undone")
IS_IN_FORCE: ColumnElement[bool] = ~exists().where(
    _UNDONE.c.key == Judgement.decision_key, _UNDONE.c.undone_seq.is_not(None)
)
"""Condition that an answer counts: the decision it led to, if any, is in force."""
_n_answers = (
    select(func.count())
    .select_from(Judgement)
    .where(Judgement.task_key == tables.Task.key, IS_IN_FORCE)
    .correlate(tables.Task)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Criteria for tasks; None matches any.

    Attributes
    ----------
    kind, state : str or None
    name : str or None
        A folded name.
    min_mentions, max_mentions : int or None
        Bounds of the number of mentions that the answer affects.
    lease_holder : str or None
        ``me``, ``others``, or ``nobody``: who holds its lease now.
    reviewer : str or None
        The reviewer who lists tasks. Open tasks that this person has already answered are left
        out; they wait for other reviewers.
    """

    kind: str | None = None
    state: str | None = "open"
    name: str | None = None
    min_mentions: int | None = None
    max_mentions: int | None = None
    lease_holder: str | None = None
    reviewer: str | None = None


@dataclass(frozen=True, slots=True)
class TaskCursor:
    """Start of a page of tasks: after the task with these values."""

    first: int
    priority: float
    key: int


def list_tasks(
    connection: Connection,
    *,
    kind: str | None = None,
    state: str | None = "open",
    name: str | None = None,
    limit: int = 50,
    after: TaskCursor | None = None,
) -> tuple[list[Task], TaskCursor | None]:
    """Return a page of tasks, most urgent first, and the start of the next page.

    ``name`` is a folded name; None for a kind, state or name matches any.
    """
    return get_task_page(connection, TaskFilter(kind, state, name), limit, after)


def get_task_page(
    connection: Connection,
    task_filter: TaskFilter,
    limit: int = 50,
    after: TaskCursor | None = None,
) -> tuple[list[Task], TaskCursor | None]:
    """Return a page of the tasks that match a filter, and the start of the next page."""
    query = (
        _select_tasks()
        .order_by(_conflicts_first, tables.Task.priority.desc(), tables.Task.key)
        .limit(limit + 1)
    )
    query = query.where(*build_conditions(task_filter))
    if after is not None:
        query = query.where(_is_after(after))
    rows = connection.execute(query).mappings().all()
    next_cursor = TaskCursor(*_sort_key(rows[limit - 1])) if len(rows) > limit else None
    return [_to_task(row) for row in rows[:limit]], next_cursor


def build_conditions(task_filter: TaskFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter on :class:`~service.db.tables.Task`."""
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (tables.Task.kind, task_filter.kind),
        (tables.Task.state, task_filter.state),
    ):
        if value is not None:
            conditions.append(column == value)
    if task_filter.name is not None:
        name_keys = select(Name.key).where(Name.folded == task_filter.name)
        conditions.append(tables.Task.name_key.in_(name_keys))
    if task_filter.min_mentions is not None:
        conditions.append(tables.Task.mentions >= task_filter.min_mentions)
    if task_filter.max_mentions is not None:
        conditions.append(tables.Task.mentions <= task_filter.max_mentions)
    is_leased = and_(
        tables.Task.leased_by.is_not(None), tables.Task.leased_until > datetime.now(UTC)
    )
    if task_filter.lease_holder == "nobody":
        conditions.append(not_(func.coalesce(is_leased, false())))
    elif task_filter.lease_holder is not None:
        is_own = tables.Task.leased_by == task_filter.reviewer
        conditions += [is_leased, is_own if task_filter.lease_holder == "me" else not_(is_own)]
    if task_filter.reviewer is not None:
        has_answered = exists().where(
            IS_IN_FORCE,
            Judgement.task_key == tables.Task.key,
            Judgement.reviewer == task_filter.reviewer,
        )
        conditions.append(or_(tables.Task.state != "open", not_(has_answered)))
    return conditions


def get_task(connection: Connection, task_id: str) -> Task:
    """Return the task with a public id.

    Raises
    ------
    NotFound
        If no task has this id.
    """
    row = (
        connection.execute(_select_tasks().where(tables.Task.id == sanitize_id(task_id)))
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound(
            f"no task {escape_text(task_id[:40])}",
            "list the tasks to see those that are open",
            field="id",
        )
    return _to_task(row)


def close_by_hand(
    database: Database, actor: Actor, task_id: str, reason: str | None = None
) -> Task:
    """Close a task by hand, without a decision.

    Raises
    ------
    NotFound
        If no task has this id.
    Forbidden
        If the task is blind, and the role is below editor.
    Conflict
        If it is closed; the error names who closed it.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        before = get_task(connection, task_id)
        if before.blind and not actor.role.includes(Role.EDITOR):
            raise Forbidden(
                "this is a blind task, answered by several reviewers independently",
                "answer it, or ask an editor to close it",
            )
        if before.state != "open":
            raise Conflict(
                f"the task is {before.state}, by {before.closed_by}",
                "nothing needs to be done; list the tasks to see the open ones",
                closed_by=before.closed_by,
            )
        record = {"kind": before.kind, "subject": before.subject}
        seq = event_log.record(
            "task-closed",
            actor,
            subject=task_id,
            reason=reason,
            before={**record, "state": "open"},
            after={**record, "state": "closed"},
        )
        key = connection.scalars(select(tables.Task.key).where(tables.Task.id == task_id)).one()
        close_task(connection, seq, key)
        return get_task(connection, task_id)


def _select_tasks() -> Any:
    return (
        select(
            tables.Task.id,
            tables.Task.kind,
            tables.Task.state,
            tables.Task.subject,
            Name.printed.label("name"),
            tables.Task.mentions,
            tables.Task.priority,
            tables.Task.evidence,
            tables.Task.created_at,
            tables.Task.created_seq,
            tables.Task.closed_by,
            _CLOSING.c.at.label("closed_at"),
            _CLOSING.c.reason,
            tables.Task.version,
            tables.Task.leased_by,
            tables.Task.leased_until,
            tables.Task.error,
            tables.Task.effort,
            tables.Task.blind.is_not(None).label("blind"),
            _n_answers.label("answers"),
            _conflicts_first.label("first"),
            tables.Task.key,
        )
        .outerjoin(Name, Name.key == tables.Task.name_key)
        .outerjoin(_CLOSING, _CLOSING.c.seq == tables.Task.closed_seq)
    )


def _is_after(after: TaskCursor) -> ColumnElement[bool]:
    lower = or_(
        tables.Task.priority < after.priority,
        and_(tables.Task.priority == after.priority, tables.Task.key > after.key),
    )
    return or_(_conflicts_first > after.first, and_(_conflicts_first == after.first, lower))


def _sort_key(row: Mapping[Any, Any]) -> tuple[int, float, int]:
    return row["first"], row["priority"], row["key"]


def _to_task(row: Mapping[Any, Any]) -> Task:
    values = {name: row[name] for name in Task.__struct_fields__}
    until = values["leased_until"]
    if until is None or until <= datetime.now(UTC):
        values["leased_by"] = values["leased_until"] = None
    return Task(**values)
