"""A task is somebody's for a while: taken, renewed, given back, or run out by itself.

A lease keeps two people from doing one thing at once; what protects what is published are the
versions under it. It is no event: nothing that anybody published or decided depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from disambig.console import safe
from service.actors import Actor, Role
from service.database import Database
from service.errors import Conflict, Forbidden, NotFound
from service.ids import sane
from service.tables import Event, Task
from service.tasks import TaskInfo, found

MINUTES = 15
"""How long a task is somebody's who does not say so again."""
NAMED = 20
"""Events that one message names."""


def take(database: Database, actor: Actor, task_id: str, minutes: int = MINUTES) -> TaskInfo:
    """Take a task, or keep it for longer.

    Raises
    ------
    NotFound
        No task has this id.
    Conflict
        It is closed, or somebody else has it; the error names who, and until when.
    """
    now = datetime.now(UTC)
    free = or_(Task.leased_by.is_(None), Task.leased_until <= now, Task.leased_by == actor.name)
    taken = (
        update(Task)
        .where(Task.id == sane(task_id), Task.state == "open", free)
        .values(leased_by=actor.name, leased_until=now + timedelta(minutes=minutes))
    )
    with database.write() as connection:
        if connection.execute(taken).rowcount == 0:
            info = found(connection, task_id)
            insist_open(info)
            insist_free(info, actor)
        return found(connection, task_id)


def release(database: Database, actor: Actor, task_id: str) -> TaskInfo:
    """Give a task back; one that nobody has stays as it is. An admin may give back anybody's.

    Raises
    ------
    NotFound
        No task has this id.
    Forbidden
        Somebody else has it.
    """
    with database.write() as connection:
        info = found(connection, task_id)
        if info.leased_by not in (None, actor.name) and not actor.role.includes(Role.ADMIN):
            raise Forbidden(
                f"the task is with {info.leased_by}, not with you",
                f"it is free at {info.leased_until:%H:%M} UTC, unless renewed",
            )
        given = update(Task).where(Task.id == info.id, Task.leased_by == info.leased_by)
        connection.execute(given.values(leased_by=None, leased_until=None))
        return found(connection, task_id)


def insist_free(task: TaskInfo, actor: Actor) -> None:
    """Refuse to work on what somebody else works on.

    Raises
    ------
    Conflict
    """
    if task.leased_by is None or task.leased_until is None or task.leased_by == actor.name:
        return
    raise Conflict(
        f"{task.leased_by} works on this task until {task.leased_until:%H:%M} UTC",
        "take another one, or wait until it is given back",
        held_by=task.leased_by,
        until=task.leased_until.isoformat(),
    )


def insist_open(task: TaskInfo) -> None:
    """Refuse to answer what is answered.

    Raises
    ------
    Conflict
    """
    if task.state != "open":
        raise Conflict(
            f"the task is {task.state}, by {task.closed_by}",
            "nothing needs to be done; the list tells which tasks are open",
            closed_by=task.closed_by,
        )


def insist_current(connection: Connection, task: TaskInfo, version: int | None) -> None:
    """Refuse to answer a task that has changed since it was read, and tell what changed it.

    Raises
    ------
    Conflict
    """
    if version is None or version == task.version:
        return
    query = select(Event.seq, Event.kind, Event.actor, Event.at).where(
        Event.seq > min(max(version, 0), 2**62),
        or_(Event.subject == task.id, Event.seq == task.version),
    )
    rows = connection.execute(query.order_by(Event.seq.desc()).limit(NAMED)).all()
    since = [{"seq": r.seq, "kind": r.kind, "actor": r.actor, "at": r.at.isoformat()} for r in rows]
    raise Conflict(
        f"the task has changed since version {version}: it is at version {task.version}",
        "read it again, then answer",
        version=task.version,
        since=since,
    )


def holders(connection: Connection) -> list[Mapping[str, Any]]:
    """Who has open tasks now: how many, and until when the last; the most first."""
    n = func.count().label("tasks")
    until = func.max(Task.leased_until).label("until")
    query = (
        select(Task.leased_by.label("reviewer"), n, until)
        .where(and_(Task.state == "open", Task.leased_until > datetime.now(UTC)))
        .group_by(Task.leased_by)
        .order_by(n.desc(), Task.leased_by)
        .limit(200)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def locked(connection: Connection, task_id: str) -> TaskInfo:
    """A task, in a write that holds the ledger and its row.

    Raises
    ------
    NotFound
    """
    row = select(Task.key).where(Task.id == sane(task_id)).with_for_update()
    if connection.scalar(row) is None:
        raise NotFound(
            f"no task {safe(task_id[:40])}", "list the tasks to see those that are open", field="id"
        )
    return found(connection, task_id)
