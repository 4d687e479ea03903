"""Close the tasks that an event answers, and reopen them when the event is reverted.

A decision answers every task about identities that are now merged or split, and every task whose
answer follows from the decisions in force, whichever way the decision was made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    delete,
    exists,
    insert,
    select,
    update,
)

from service.constraints.links import Link, SignatureGroups
from service.constraints.store import read_links_around, remove_retired_signatures
from service.db.bulk import is_in
from service.db.signatures import read_identity_keys, read_signatures
from service.db.tables import (
    Decision,
    Event,
    Identity,
    Judgement,
    Membership,
    Task,
    TaskTurn,
)
from service.events.history import DECISION_MADE, DECISION_REDONE, DECISION_UNDONE
from service.identities.store import ACTIVE
from service.tasks.subjects import (
    has_identity_subject,
    is_within_identity,
    parse_subject,
    read_listed_signatures,
)


class _TaskRef(NamedTuple):
    key: int
    kind: str
    subject: str


def close_answered_tasks(
    connection: Connection, event_seq: int, identities: Iterable[int], signatures: Iterable[int]
) -> list[str]:
    """Close the open tasks that an event answers, and return their ids.

    Parameters
    ----------
    connection : Connection
        Of a write that holds the lock of the event log, after the changes of the event.
    event_seq : int
    identities, signatures : iterables of int
        Keys of what the event changed or made statements about.
    """
    mentions = set(signatures)
    keys = set(identities) | set(read_identity_keys(connection, mentions).values())
    keys_by_id = _read_keys_by_id(connection, keys)
    open_tasks = [
        task for task in _list_open(connection) if parse_subject(task.subject) & keys_by_id.keys()
    ]
    answered_keys = [task.key for task in open_tasks if _is_answered(connection, task)]
    answered_keys += _list_assigned(connection, mentions)
    return _close_open(connection, event_seq, answered_keys)


def close_moot_tasks(
    connection: Connection, event_seq: int, identities: Collection[int]
) -> list[str]:
    """Close the open tasks that a publication made obsolete, and return their ids.

    These are tasks about identities that are no longer active, and tasks about two parts of an
    identity that are now in different identities.

    Parameters
    ----------
    identities : collection of int
        Keys of the identities that the publication changed.
    """
    open_tasks = _list_open(connection)
    identity_ids = {identity for task in open_tasks for identity in parse_subject(task.subject)}
    query = select(Identity.id, Identity.key).where(
        is_in(connection, Identity.id, identity_ids), Identity.status == ACTIVE
    )
    active = {row[0]: row[1] for row in connection.execute(query)} if identity_ids else {}
    moot_keys = [task.key for task in open_tasks if parse_subject(task.subject) - active.keys()]
    changed_keys = set(identities)
    moot_keys += [
        task.key
        for task in open_tasks
        if is_within_identity(task.kind, task.subject)
        and active.get(task.subject) in changed_keys
        and _are_separate(connection, _read_sides(connection, task))
    ]
    return _close_open(connection, event_seq, moot_keys)


def reopen_undecided_tasks(
    connection: Connection, event_seq: int, identities: Iterable[int], signatures: Iterable[int]
) -> None:
    """Reopen the tasks that other decisions had answered only together with revoked ones.

    Call it at the end of an event that revokes decisions.

    Parameters
    ----------
    identities, signatures : iterables of int
        Keys of what the event changed, or of what the decisions were about.
    """
    mentions = set(signatures)
    keys_by_id = _read_keys_by_id(
        connection, set(identities) | set(read_identity_keys(connection, mentions).values())
    )
    is_answered = exists().where(
        Judgement.task_key == Task.key,
        Judgement.decision_key == Decision.key,
        Decision.undone_seq.is_(None),
    )
    query = (
        select(Task.key, Task.kind, Task.subject)
        .join(Event, Event.seq == Task.closed_seq)
        .where(
            Task.state == "closed",
            has_identity_subject(),
            ~is_answered,
            Event.kind.in_((DECISION_MADE, DECISION_UNDONE, DECISION_REDONE)),
        )
    )
    closed_tasks = [_TaskRef(*row) for row in connection.execute(query)]
    affected = [task for task in closed_tasks if parse_subject(task.subject) & keys_by_id.keys()]
    _reopen_tasks(
        connection, event_seq, [task for task in affected if not _is_answered(connection, task)]
    )


def close_task(connection: Connection, event_seq: int, task_key: int) -> bool:
    """Close one task as part of an event; return False if it was closed already."""
    return bool(_close_open(connection, event_seq, [task_key]))


def close_tasks_by_key(connection: Connection, event_seq: int, keys: Collection[int]) -> list[str]:
    """Close tasks as part of an event, and return the ids of those that were open."""
    return _close_open(connection, event_seq, keys)


def record_transitions(connection: Connection, event_seq: int) -> None:
    """Record which tasks an event opened or closed; call it at the end of the event."""
    recorded_keys = set(
        connection.scalars(select(TaskTurn.task_key).where(TaskTurn.event_seq == event_seq))
    )
    closed_keys = select(Task.key).where(Task.closed_seq == event_seq, Task.state == "closed")
    opened_keys = select(Task.key).where(
        Task.state == "open", Task.kind == "conflict", Task.created_seq == event_seq
    )
    transitions = dict.fromkeys(connection.scalars(closed_keys), False)
    transitions |= dict.fromkeys(connection.scalars(opened_keys), True)
    new_transitions = {
        key: is_opened for key, is_opened in transitions.items() if key not in recorded_keys
    }
    statement = update(Task).where(is_in(connection, Task.key, new_transitions))
    connection.execute(statement.values(version=event_seq))
    _store_transitions(connection, event_seq, new_transitions)


def revert_transitions(connection: Connection, event_seq: int, by: int) -> list[int]:
    """Revert, as part of the event ``by``, what an event did to tasks; return reopened keys.

    Call it before memberships and ids are reverted.
    """
    query = (
        select(Task.key, Task.state, Task.kind, Task.subject, Task.closed_seq, TaskTurn.opened)
        .join(TaskTurn, TaskTurn.task_key == Task.key)
        .where(TaskTurn.event_seq == event_seq)
    )
    rows = connection.execute(query).all()
    to_close = [r.key for r in rows if r.opened and r.state == "open"]
    to_reopen = [
        r for r in rows if not r.opened and r.state == "closed" and r.closed_seq == event_seq
    ]
    _close_open(connection, by, to_close)
    return _reopen_tasks(connection, by, [_TaskRef(r.key, r.kind, r.subject) for r in to_reopen])


def transfer_closures(connection: Connection, event_seq: int, by: int) -> None:
    """Update the tasks that an event had closed, at the end of the event ``by`` that overrides it.

    Tasks that are still answered count as closed by the later event; the others are reopened.
    """
    closed_tasks = _list_closed_by(connection, event_seq)
    answered_keys = [task.key for task in closed_tasks if _is_answered(connection, task)]
    _record_closure(connection, by, answered_keys, by)
    _reopen_tasks(
        connection, by, [task for task in closed_tasks if task.key not in set(answered_keys)]
    )


def revert_transfer(connection: Connection, event_seq: int, overriding_seq: int, by: int) -> None:
    """Revert, as part of the event ``by``, what :func:`transfer_closures` did.

    Call it before :func:`revert_transitions` of the overriding event.
    """
    query = select(Task.key, Task.state, Task.closed_seq).join(
        TaskTurn, TaskTurn.task_key == Task.key
    )
    query_opened = select(TaskTurn.task_key).where(
        TaskTurn.event_seq == overriding_seq, TaskTurn.opened
    )
    opened_keys = set(connection.scalars(query_opened))
    closures = query.where(TaskTurn.event_seq == event_seq, TaskTurn.opened.is_(False))
    keys = [
        row.key
        for row in connection.execute(closures)
        if (row.key in opened_keys if row.state == "open" else row.closed_seq == overriding_seq)
    ]
    _record_closure(connection, event_seq, keys, by)


def _list_closed_by(connection: Connection, event_seq: int) -> list[_TaskRef]:
    """List tasks that an event closed."""
    query = select(Task.key, Task.kind, Task.subject).join(TaskTurn, TaskTurn.task_key == Task.key)
    rows = connection.execute(
        query.where(
            TaskTurn.event_seq == event_seq,
            TaskTurn.opened.is_(False),
            Task.state == "closed",
            Task.closed_seq == event_seq,
        )
    )
    return [_TaskRef(*row) for row in rows]


def _reopen_tasks(connection: Connection, by: int, tasks: Collection[_TaskRef]) -> list[int]:
    """Reopen tasks whose subject has no open task by now, and return their keys."""
    if not tasks:
        return []
    query = select(Task.kind, Task.subject).where(
        Task.state == "open", is_in(connection, Task.subject, {task.subject for task in tasks})
    )
    open_subjects = {(kind, subject) for kind, subject in connection.execute(query)}
    keys = [task.key for task in tasks if (task.kind, task.subject) not in open_subjects]
    statement = update(Task).where(is_in(connection, Task.key, keys))
    connection.execute(
        statement.values(
            state="open",
            closed_seq=None,
            closed_by=None,
            version=by,
            leased_by=None,
            leased_until=None,
        )
    )
    _store_transitions(connection, by, dict.fromkeys(keys, True))
    return keys


def _list_open(connection: Connection) -> list[_TaskRef]:
    """List open tasks whose subject consists of identity ids."""
    query = select(Task.key, Task.kind, Task.subject)
    rows = connection.execute(query.where(Task.state == "open", has_identity_subject()))
    return [_TaskRef(*row) for row in rows]


def _read_keys_by_id(connection: Connection, keys: Collection[int]) -> dict[str, int]:
    query = select(Identity.id, Identity.key).where(is_in(connection, Identity.key, keys))
    return {row[0]: row[1] for row in connection.execute(query)}


def _is_answered(connection: Connection, task: _TaskRef) -> bool:
    """Whether a task needs no answer any more."""
    if task.kind == "merge":
        return _is_merge_settled(connection, task)
    if is_within_identity(task.kind, task.subject):
        return _is_split_settled(connection, task)
    evidence = connection.scalar(select(Task.evidence).where(Task.key == task.key)) or {}
    if task.kind == "assign":
        return bool(read_identity_keys(connection, read_listed_signatures(connection, [evidence])))
    if task.kind == "conflict":
        return len(_read_active_keys(connection, evidence.get("identities", ()))) < 2
    return True


def _read_active_keys(connection: Connection, ids: Iterable[str]) -> list[int]:
    query = select(Identity.key).where(
        is_in(connection, Identity.id, set(ids)), Identity.status == ACTIVE
    )
    return list(connection.scalars(query))


def _is_merge_settled(connection: Connection, task: _TaskRef) -> bool:
    """Whether two identities are merged, or decisions in force state that they are different."""
    keys = _read_active_keys(connection, parse_subject(task.subject))
    if len(keys) < 2:
        return True
    members = select(Membership.signature_key).where(
        is_in(connection, Membership.identity_key, keys)
    )
    links = read_current_links(connection, list(connection.scalars(members)))
    ends = {end for link in links if not link.must for end in (link.a, link.b)}
    identity_by_signature = read_identity_keys(connection, ends)
    separated = {
        frozenset((identity_by_signature.get(k.a), identity_by_signature.get(k.b)))
        for k in links
        if not k.must
    }
    return frozenset(keys) in separated


def _is_split_settled(connection: Connection, task: _TaskRef) -> bool:
    """Whether the sides of an identity are separate, or must-links bind them together."""
    status_query = select(Identity.status).where(Identity.id == task.subject)
    sides = _read_sides(connection, task)
    if connection.scalar(status_query) != ACTIVE or (task.kind == "split" and len(sides) != 2):
        return True
    if len(sides) < 2:
        return False
    if _are_separate(connection, sides):
        return True
    groups = SignatureGroups(read_current_links(connection, set().union(*sides)))
    roots = [{groups.find_root(mention) for mention in side} for side in sides]
    return bool(set.intersection(*roots))


def _read_sides(connection: Connection, task: _TaskRef) -> list[set[int]]:
    """Return signature keys of each side of a task, as far as its evidence lists them."""
    evidence = connection.scalar(select(Task.evidence).where(Task.key == task.key)) or {}
    return [
        read_listed_signatures(connection, side.get("mentions", ()))
        for side in evidence.get("sides", ())
    ]


def _are_separate(connection: Connection, sides: Sequence[Collection[int]]) -> bool:
    """Whether no two sides share an identity."""
    identity_by_signature = read_identity_keys(
        connection, {mention for side in sides for mention in side}
    )
    identity_keys = [
        {identity_by_signature.get(mention) for mention in side} - {None} for side in sides
    ]
    return len(identity_keys) > 1 and not any(a & b for a, b in combinations(identity_keys, 2))


def read_current_links(connection: Connection, signatures: Iterable[int]) -> list[Link]:
    """Read links in force around signatures, without retired signatures."""
    return remove_retired_signatures(connection, read_links_around(connection, signatures))


def _list_assigned(connection: Connection, signatures: Collection[int]) -> list[int]:
    """List open *assign* tasks about these mentions that are now in an identity."""
    if (
        not signatures
        or connection.scalar(
            select(Task.key).where(Task.state == "open", Task.kind == "assign").limit(1)
        )
        is None
    ):
        return []
    assigned_keys = read_identity_keys(connection, signatures)
    subjects = {str(s) for s in read_signatures(connection, assigned_keys).values()}
    task_query = select(Task.key).where(
        Task.state == "open", Task.kind == "assign", is_in(connection, Task.subject, subjects)
    )
    return list(connection.scalars(task_query))


def _close_open(connection: Connection, event_seq: int, keys: Collection[int]) -> list[str]:
    """Close the tasks that are open, and return their ids."""
    if not keys:
        return []
    query = select(Task.key, Task.id).where(is_in(connection, Task.key, keys), Task.state == "open")
    rows = connection.execute(query).all()
    _record_closure(connection, event_seq, [row.key for row in rows], event_seq)
    return sorted(row.id for row in rows)


def _record_closure(connection: Connection, cause: int, keys: Collection[int], by: int) -> None:
    """Record in the event ``by`` that tasks are closed because of the event ``cause``."""
    if not keys:
        return
    actor = connection.scalar(select(Event.actor).where(Event.seq == cause))
    statement = update(Task).where(is_in(connection, Task.key, keys))
    connection.execute(
        statement.values(
            state="closed",
            closed_seq=cause,
            closed_by=actor,
            version=by,
            leased_by=None,
            leased_until=None,
        )
    )
    _store_transitions(connection, by, dict.fromkeys(keys, False))


def _store_transitions(
    connection: Connection, event_seq: int, transitions: Mapping[int, bool]
) -> None:
    """Store transitions; two transitions of one task in one event cancel out."""
    if not transitions:
        return
    conditions = TaskTurn.event_seq == event_seq, is_in(connection, TaskTurn.task_key, transitions)
    recorded_keys = set(connection.scalars(select(TaskTurn.task_key).where(*conditions)))
    if recorded_keys:
        connection.execute(delete(TaskTurn).where(*conditions))
    rows = [
        {"event_seq": event_seq, "task_key": key, "opened": opened}
        for key, opened in transitions.items()
        if key not in recorded_keys
    ]
    if rows:
        connection.execute(insert(TaskTurn), rows)
