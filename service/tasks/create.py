"""Create tasks from runs, assignments and conflicts; at most one open task for each subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from service.actors import Actor
from service.db.tables import Judgement, Task
from service.events.log import EventLog
from service.ids import new_id
from service.tasks.blind import RANDOM_SHARE, is_drawn
from service.tasks.queries import IS_IN_FORCE


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task without its id.

    Attributes
    ----------
    kind : str
        One of :data:`service.tasks.queries.KINDS`.
    subject : str
        Identifies what the task is about; the same task has the same subject every time.
    mentions : int
        Number of mentions that the answer affects.
    priority : float
        Higher is answered sooner.
    evidence : dict
        What a reviewer needs for the answer; public ids only.
    name_key : int or None
        Exact-name cluster it concerns.
    block_key : int or None
        Block it comes from.
    error : float or None
        Probability that what is published is wrong.
    effort : int or None
        Number of papers to look at for the answer.
    blind : str or None
        Reason for a blind task, answered by several reviewers independently.
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


def open_tasks(
    connection: Connection,
    event_log: EventLog,
    seq: int,
    new_tasks: Sequence[NewTask],
    blind_share: float = 0.0,
) -> list[str]:
    """Open tasks and return their ids in order; a task that is already open is updated instead.

    Two equal tasks of one call become one task, with the later one's priority and evidence.

    Parameters
    ----------
    seq : int
        The event they come from.
    blind_share : float
        Share of new tasks that become blind.
    """
    tasks_by_subject = {(q.kind, q.subject): q for q in new_tasks}
    open_ids = _find_open_ids(connection, tasks_by_subject)
    ids = {of: open_ids.get(of) or new_id("t") for of in tasks_by_subject}
    inserts = [
        {
            "id": ids[of],
            "kind": q.kind,
            "state": "open",
            "subject": q.subject,
            "name_key": q.name_key,
            "mentions": q.mentions,
            "priority": q.priority,
            "evidence": q.evidence,
            "created_at": event_log.at,
            "created_seq": seq,
            "version": seq,
            "block_key": q.block_key,
            "error": q.error,
            "effort": q.effort,
            "blind": q.blind or (RANDOM_SHARE if is_drawn(ids[of], blind_share) else None),
        }
        for of, q in tasks_by_subject.items()
        if of not in open_ids
    ]
    updates = [
        {
            "given": open_ids[of],
            "mentions": q.mentions,
            "priority": q.priority,
            "evidence": q.evidence,
            "block_key": q.block_key,
            "error": q.error,
            "effort": q.effort,
            "version": seq,
        }
        for of, q in tasks_by_subject.items()
        if of in open_ids
    ]
    if inserts:
        connection.execute(insert(Task), inserts)
    if updates:
        table = Task.__table__
        statement = update(table).where(table.c.id == bindparam("given"))  # type: ignore[arg-type]
        connection.execute(statement, updates)
    return [ids[q.kind, q.subject] for q in new_tasks]


def close_tasks(
    connection: Connection, seq: int, actor: Actor, kind: str, subjects: Iterable[str]
) -> int:
    """Close the open tasks about these subjects, as part of event ``seq``; return their number."""
    n_closed = 0
    for chunk in _chunk_texts(subjects):
        statement = (
            update(Task)
            .where(Task.kind == kind, Task.state == "open", Task.subject.in_(chunk))
            .values(
                state="closed",
                closed_seq=seq,
                closed_by=actor.name,
                version=seq,
                leased_by=None,
                leased_until=None,
            )
        )
        n_closed += connection.execute(statement).rowcount
    return n_closed


def find_answered_identities(
    connection: Connection, kind: str, subjects: Iterable[str]
) -> dict[str, set[frozenset[str]]]:
    """Return, by subject, the sets of identities for which an answer in force exists."""
    identity_sets: dict[str, set[frozenset[str]]] = {}
    for chunk in _chunk_texts(subjects):
        query = (
            select(Task.subject, Task.evidence)
            .join(Judgement, Judgement.task_key == Task.key)
            .where(
                Task.kind == kind,
                Task.state == "closed",
                Task.subject.in_(chunk),
                Judgement.decision_key.is_not(None),
                IS_IN_FORCE,
            )
        )
        for subject, evidence in connection.execute(query):
            identity_sets.setdefault(subject, set()).add(frozenset(evidence.get("identities", ())))
    return identity_sets


def _find_open_ids(
    connection: Connection, subjects_by_kind: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    by_kind: dict[str, list[str]] = {}
    for kind, subject in subjects_by_kind:
        by_kind.setdefault(kind, []).append(subject)
    open_ids: dict[tuple[str, str], str] = {}
    for kind, subjects in by_kind.items():
        for chunk in _chunk_texts(subjects):
            query = select(Task.subject, Task.id).where(
                Task.kind == kind, Task.state == "open", Task.subject.in_(chunk)
            )
            open_ids.update({(kind, subject): id for subject, id in connection.execute(query)})
    return open_ids


def _chunk_texts(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield chunks of texts for ``IN (…)``, small enough for both databases."""
    remaining = iter(texts)
    while chunk := list(islice(remaining, 500)):
        yield chunk
