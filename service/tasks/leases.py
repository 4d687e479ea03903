"""Task leases: acquire, renew, release, expire.

A lease prevents two reviewers from working on the same task at once. Published data is protected
by versions, not by leases. A lease is not an event: no publication or decision depends on it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select, update

from disambig.console import escape_text
from service.actors import Actor, Role
from service.db import tables
from service.db.database import Database
from service.db.tables import Event
from service.errors import Conflict, Forbidden, NotFound
from service.ids import sanitize_id
from service.tasks.queries import get_task
from service.tasks.results import Holder, Task

DEFAULT_MINUTES = 15
"""Duration of a lease that is not renewed, in minutes."""
MAX_SHOWN = 20
"""Maximum number of events listed in an error."""


def acquire_lease(
    database: Database, actor: Actor, task_id: str, minutes: int = DEFAULT_MINUTES
) -> Task:
    """Acquire or renew the lease of a task.

    Raises
    ------
    NotFound
        If no task has this id.
    Conflict
        If it is closed, or leased by another reviewer; the error names them and the expiry.
    """
    now = datetime.now(UTC)
    is_free = or_(
        tables.Task.leased_by.is_(None),
        tables.Task.leased_until <= now,
        tables.Task.leased_by == actor.name,
    )
    statement = (
        update(tables.Task)
        .where(tables.Task.id == sanitize_id(task_id), tables.Task.state == "open", is_free)
        .values(leased_by=actor.name, leased_until=now + timedelta(minutes=minutes))
    )
    with database.write() as connection:
        if connection.execute(statement).rowcount == 0:
            info = get_task(connection, task_id)
            check_open(info)
            check_free(info, actor)
        return get_task(connection, task_id)


def release_lease(database: Database, actor: Actor, task_id: str) -> Task:
    """Release the lease of a task, if there is one; an admin can release any lease.

    Raises
    ------
    NotFound
        If no task has this id.
    Forbidden
        If another reviewer holds the lease.
    """
    with database.write() as connection:
        info = get_task(connection, task_id)
        if info.leased_by not in (None, actor.name) and not actor.role.includes(Role.ADMIN):
            raise Forbidden(
                f"the task is leased by {info.leased_by}, not by you",
                f"the lease expires at {info.leased_until:%H:%M} UTC, unless renewed",
            )
        statement = update(tables.Task).where(
            tables.Task.id == info.id, tables.Task.leased_by == info.leased_by
        )
        connection.execute(statement.values(leased_by=None, leased_until=None))
        return get_task(connection, task_id)


def check_free(task: Task, actor: Actor) -> None:
    """Check that no other reviewer holds the lease of a task.

    Raises
    ------
    Conflict
    """
    if task.leased_by is None or task.leased_until is None or task.leased_by == actor.name:
        return
    raise Conflict(
        f"{task.leased_by} works on this task until {task.leased_until:%H:%M} UTC",
        "take another one, or wait until it is released",
        held_by=task.leased_by,
        until=task.leased_until.isoformat(),
    )


def check_open(task: Task) -> None:
    """Check that a task is open.

    Raises
    ------
    Conflict
    """
    if task.state != "open":
        raise Conflict(
            f"the task is {task.state}, by {task.closed_by}",
            "nothing needs to be done; list the tasks to see the open ones",
            closed_by=task.closed_by,
        )


def check_current(connection: Connection, task: Task, version: int | None) -> None:
    """Check that a task has not changed since it was read; the error lists what changed it.

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
    rows = connection.execute(query.order_by(Event.seq.desc()).limit(MAX_SHOWN)).all()
    since = [{"seq": r.seq, "kind": r.kind, "actor": r.actor, "at": r.at.isoformat()} for r in rows]
    raise Conflict(
        f"the task has changed since version {version}: it is at version {task.version}",
        "read it again, then answer",
        version=task.version,
        since=since,
    )


def list_lease_holders(connection: Connection) -> list[Holder]:
    """List reviewers with leases: number of tasks and latest expiry; the most tasks first."""
    n = func.count().label("tasks")
    until = func.max(tables.Task.leased_until).label("until")
    query = (
        select(tables.Task.leased_by.label("reviewer"), n, until)
        .where(and_(tables.Task.state == "open", tables.Task.leased_until > datetime.now(UTC)))
        .group_by(tables.Task.leased_by)
        .order_by(n.desc(), tables.Task.leased_by)
        .limit(200)
    )
    return [Holder(**row._mapping) for row in connection.execute(query)]


def lock_task(connection: Connection, task_id: str) -> Task:
    """Lock the row of a task and return the task; call it in a write that locks the event log.

    Raises
    ------
    NotFound
    """
    row = select(tables.Task.key).where(tables.Task.id == sanitize_id(task_id)).with_for_update()
    if connection.scalar(row) is None:
        raise NotFound(
            f"no task {escape_text(task_id[:40])}",
            "list the tasks to see those that are open",
            field="id",
        )
    return get_task(connection, task_id)
