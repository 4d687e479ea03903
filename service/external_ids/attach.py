"""External ids of identities (ORCID, ISNI, …) with their sources: attach, detach, follow changes.

Two active identities can have the same id; this opens a task of kind ``conflict`` and never merges
them silently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from disambig.orcid import parse_orcid
from service.actors import Actor
from service.db import tables
from service.db.bulk import is_in
from service.db.database import Database, insert_rows
from service.db.tables import Event, Identity, IdentityVersion, Membership, Task
from service.errors import Conflict, Invalid, NotFound
from service.events.log import EventLog, NewChange
from service.external_ids.results import ExternalId
from service.external_ids.schemes import normalize_id
from service.identities.store import (
    ACTIVE,
    get_active_identity,
    read_identities_by_id,
    update_identities,
)
from service.identities.summary import FULL_SCAN_MIN_KEYS
from service.tasks.close import close_task
from service.tasks.create import NewTask, find_answered_identities, open_tasks

SIGNATURE_SOURCE = "mention"
"""Source of ids that are printed on the identity's mentions; they follow the mentions."""
ID_ATTACHED, ID_DETACHED = "external-id-attached", "external-id-detached"
"""Kinds of events."""

SchemeAndId = tuple[str, str]
"""Scheme and normalized id."""


class _ExternalIdRow(NamedTuple):
    key: int
    identity: int
    scheme: str
    value: str
    source: str


def attach_id(
    database: Database,
    actor: Actor,
    identity_id: str,
    scheme: str,
    value: str,
    source: str,
    *,
    reason: str | None = None,
    version: int | None = None,
) -> ExternalId:
    """Attach an external id to an identity.

    Parameters
    ----------
    source : str
        Who states the id.
    version : int, optional
        Version of the identity that the caller has read.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
    """
    scheme_name, canonical = normalize_id(scheme, value)
    if not source.strip() or source == SIGNATURE_SOURCE or len(source) > 500:
        raise Invalid("the source of the id is missing", "say who states it", field="source")
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        row = get_active_identity(connection, identity_id, version)
        current = _read_current(connection, [row.key])
        if any(
            (r.scheme, r.value) == (scheme_name, canonical) and r.source != SIGNATURE_SOURCE
            for r in current
        ):
            raise Conflict(
                f"{identity_id} has {scheme_name} {canonical} already",
                "nothing needs to be done",
                identity=identity_id,
            )
        record = {"scheme": scheme_name, "value": canonical, "source": source}
        seq = event_log.record(ID_ATTACHED, actor, subject=identity_id, reason=reason, after=record)
        _end_rows(
            connection, seq, [r for r in current if (r.scheme, r.value) == (scheme_name, canonical)]
        )
        connection.execute(
            insert(tables.ExternalId).values(
                identity_key=row.key,
                scheme=scheme_name,
                value=canonical,
                source=source,
                actor=actor.name,
                event_seq=seq,
            )
        )
        _bump_version(connection, event_log, seq, row)
        update_conflict_tasks(connection, event_log, seq, {(scheme_name, canonical)})
    return ExternalId(identity=identity_id, scheme=scheme_name, value=canonical, version=seq)


def detach_id(
    database: Database,
    actor: Actor,
    identity_id: str,
    scheme: str,
    value: str,
    *,
    reason: str | None = None,
    version: int | None = None,
) -> ExternalId:
    """Detach an id from an identity; an id printed on its mentions is not attached again.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
    """
    scheme_name, canonical = normalize_id(scheme, value)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        row = get_active_identity(connection, identity_id, version)
        rows = [
            r
            for r in _read_current(connection, [row.key])
            if (r.scheme, r.value) == (scheme_name, canonical)
        ]
        if not rows:
            raise NotFound(
                f"{identity_id} has no {scheme_name} {canonical}",
                "see its external ids",
                field="value",
            )
        record = {"scheme": scheme_name, "value": canonical, "source": rows[0].source}
        seq = event_log.record(
            ID_DETACHED, actor, subject=identity_id, reason=reason, before=record
        )
        _end_rows(connection, seq, rows)
        _bump_version(connection, event_log, seq, row)
        update_conflict_tasks(connection, event_log, seq, {(scheme_name, canonical)})
        _close_resolved_orcid_conflicts(connection, seq, row)
    return ExternalId(identity=identity_id, scheme=scheme_name, value=canonical, version=seq)


def transfer_ids(
    database: Database,
    event_seq: int,
    source_id: str,
    target_id: str,
    values: Collection[SchemeAndId],
) -> None:
    """Transfer attached ids, as part of an event, from an identity to one split from it."""
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        by_id = read_identities_by_id(connection, [source_id, target_id])
        rows = [
            r
            for r in _read_current(connection, [by_id[source_id].key])
            if r.source != SIGNATURE_SOURCE and (r.scheme, r.value) in values
        ]
        _end_rows(connection, event_seq, rows)
        target_values = {
            (r.scheme, r.value) for r in _read_current(connection, [by_id[target_id].key])
        }
        additions = [
            (by_id[target_id].key, *r[2:]) for r in rows if (r.scheme, r.value) not in target_values
        ]
        _insert_ids(connection, event_seq, additions)
        update_conflict_tasks(connection, event_log, event_seq, {(r.scheme, r.value) for r in rows})


def follow_memberships(
    connection: Connection,
    event_log: EventLog,
    event_seq: int,
    printed_orcids: Mapping[int, Collection[str]],
    redirects: Mapping[int, int],
    status_changes: Collection[int] = (),
) -> None:
    """Update external ids after a change of memberships.

    Parameters
    ----------
    printed_orcids : mapping of int to collection of str
        ORCID iDs printed on the mentions of each changed identity.
    redirects : mapping of int to int
        Redirected identities and their targets, which receive their ids.
    status_changes : collection of int
        Identities that became active or inactive.
    """
    rows = _read_current(
        connection, {*printed_orcids, *redirects, *redirects.values(), *status_changes}
    )
    present = {(r.identity, r.scheme, r.value) for r in rows}
    expected = {
        (identity, "orcid", orcid)
        for identity, texts in printed_orcids.items()
        for orcid in map(parse_orcid, texts)
        if orcid
    }
    obsolete = [
        r
        for r in rows
        if r.source == SIGNATURE_SOURCE
        and r.identity in printed_orcids
        and (r.identity, *r[2:4]) not in expected
    ]
    missing = expected - present
    missing -= read_detached_ids(connection, {identity for identity, _, _ in missing})
    additions = [(*item, SIGNATURE_SOURCE) for item in sorted(missing)]
    for r in rows:
        if r.identity in redirects and r.source != SIGNATURE_SOURCE:
            obsolete.append(r)
            if (redirects[r.identity], r.scheme, r.value) not in present:
                present.add((redirects[r.identity], r.scheme, r.value))
                additions.append((redirects[r.identity], r.scheme, r.value, r.source))
    _end_rows(connection, event_seq, obsolete)
    _insert_ids(connection, event_seq, additions)
    values = {(r.scheme, r.value) for r in rows if r.identity in status_changes}
    values |= {(r.scheme, r.value) for r in obsolete} | {(n[1], n[2]) for n in additions}
    update_conflict_tasks(connection, event_log, event_seq, values)


def revert_external_ids(
    connection: Connection, event_log: EventLog, event_seq: int, by: int
) -> None:
    """Revert, as part of the event ``by``, what an event attached and detached.

    Ids printed on mentions follow the mentions.
    """
    is_attached = tables.ExternalId.source != SIGNATURE_SOURCE
    columns = _list_row_columns()
    added_query = select(*columns).where(
        is_attached,
        tables.ExternalId.event_seq == event_seq,
        tables.ExternalId.removed_seq.is_(None),
    )
    removed_query = select(*columns).where(is_attached, tables.ExternalId.removed_seq == event_seq)
    obsolete = [_ExternalIdRow(*row) for row in connection.execute(added_query)]
    restored_rows = [_ExternalIdRow(*row) for row in connection.execute(removed_query)]
    _end_rows(connection, by, obsolete)
    present = {
        (r.identity, r.scheme, r.value)
        for r in _read_current(connection, {r[1] for r in restored_rows})
    }
    additions = [r[1:] for r in restored_rows if (r.identity, r.scheme, r.value) not in present]
    _insert_ids(connection, by, additions)
    update_conflict_tasks(
        connection, event_log, by, {(r.scheme, r.value) for r in (*obsolete, *restored_rows)}
    )


def update_conflict_tasks(
    connection: Connection, event_log: EventLog, event_seq: int, values: Collection[SchemeAndId]
) -> None:
    """Open a task for each id of several active identities; close the tasks of other ids."""
    if not values:
        return
    holders = _find_holders(connection, values)
    subjects = {f"{scheme}:{value}": (scheme, value) for scheme, value in sorted(values)}
    query = select(Task.subject, Task.key).where(
        Task.kind == "conflict", Task.state == "open", is_in(connection, Task.subject, subjects)
    )
    is_open = {row[0]: row[1] for row in connection.execute(query)}
    for subject, key in is_open.items():
        if len(holders[subjects[subject]]) < 2:
            close_task(connection, event_seq, key)
    holder_ids = {s: frozenset(holders[v].values()) for s, v in subjects.items()}
    answered_sets = find_answered_identities(connection, "conflict", holder_ids)
    known_subjects = is_open.keys() | {
        s for s, about in answered_sets.items() if holder_ids[s] in about
    }
    new_conflicts = {
        s: v for s, v in subjects.items() if len(holders[v]) > 1 and s not in known_subjects
    }
    _open_conflict_tasks(
        connection, event_log, event_seq, {s: (v, holders[v]) for s, v in new_conflicts.items()}
    )


def _close_resolved_orcid_conflicts(connection: Connection, event_seq: int, row: Any) -> None:
    """Close tasks about different ORCID iDs of an identity that now has fewer than two."""
    query = select(Task.key, Task.evidence).where(
        Task.kind == "conflict", Task.state == "open", Task.subject == row.id
    )
    orcids = {r.value for r in _read_current(connection, [row.key]) if r.scheme == "orcid"}
    for key, evidence in connection.execute(query).all():
        if len(orcids & set(evidence.get("values", ()))) < 2:
            close_task(connection, event_seq, key)


def _open_conflict_tasks(
    connection: Connection,
    event_log: EventLog,
    event_seq: int,
    new_conflicts: Mapping[str, tuple[SchemeAndId, Mapping[int, str]]],
) -> None:
    keys = {key for _, holders in new_conflicts.values() for key in holders}
    count = func.count()
    query = select(Membership.identity_key, count).group_by(Membership.identity_key)
    rows = connection.execute(query.where(is_in(connection, Membership.identity_key, keys)))
    mentions = {row[0]: row[1] for row in rows} if keys else {}

    def make_task(subject: str) -> NewTask:
        (scheme, value), holders = new_conflicts[subject]
        n = sum(mentions.get(key, 0) for key in holders)
        evidence = {
            "scheme": scheme,
            "value": value,
            "identities": [holders[k] for k in sorted(holders)],
        }
        return NewTask("conflict", subject, n, float(n), evidence)

    open_tasks(connection, event_log, event_seq, list(map(make_task, new_conflicts)))


def _find_holders(
    connection: Connection, values: Collection[SchemeAndId]
) -> defaultdict[SchemeAndId, dict[int, str]]:
    """Return keys and ids of the active identities that have each value."""
    query = (
        select(tables.ExternalId.scheme, tables.ExternalId.value, Identity.key, Identity.id)
        .join(Identity, Identity.key == tables.ExternalId.identity_key)
        .where(tables.ExternalId.removed_seq.is_(None), Identity.status == ACTIVE)
        .where(is_in(connection, tables.ExternalId.value, {value for _, value in values}))
        .where(is_in(connection, tables.ExternalId.scheme, {scheme for scheme, _ in values}))
    )
    holders: defaultdict[SchemeAndId, dict[int, str]] = defaultdict(dict)
    for scheme, value, key, public in connection.execute(query):
        holders[scheme, value][key] = public
    return holders


def read_detached_ids(
    connection: Connection, identities: Collection[int]
) -> set[tuple[int, str, str]]:
    """Read ids that an editor detached from identities: identity key, scheme and id."""
    if not identities:
        return set()
    query = (
        select(tables.ExternalId.identity_key, tables.ExternalId.scheme, tables.ExternalId.value)
        .join(Event, Event.seq == tables.ExternalId.removed_seq)
        .where(Event.kind == ID_DETACHED)
    )
    return {(k, s, v) for k, s, v in connection.execute(query) if k in identities}


def _list_row_columns() -> tuple[Any, ...]:
    return (
        tables.ExternalId.key,
        tables.ExternalId.identity_key,
        tables.ExternalId.scheme,
        tables.ExternalId.value,
        tables.ExternalId.source,
    )


def _read_current(connection: Connection, identities: Collection[int]) -> list[_ExternalIdRow]:
    """Read the current ids of identities."""
    if not identities:
        return []
    query = select(*_list_row_columns()).where(tables.ExternalId.removed_seq.is_(None))
    if len(identities) < FULL_SCAN_MIN_KEYS:
        query = query.where(is_in(connection, tables.ExternalId.identity_key, identities))
    return [_ExternalIdRow(*row) for row in connection.execute(query) if row[1] in identities]


def _end_rows(connection: Connection, event_seq: int, rows: Iterable[_ExternalIdRow]) -> None:
    keys = [r.key for r in rows]
    if keys:
        statement = update(tables.ExternalId).where(is_in(connection, tables.ExternalId.key, keys))
        connection.execute(statement.values(removed_seq=event_seq))


def _insert_ids(
    connection: Connection, event_seq: int, additions: Collection[tuple[int, str, str, str]]
) -> None:
    if not additions:
        return
    actor = connection.scalar(select(Event.actor).where(Event.seq == event_seq))
    columns = ("identity_key", "scheme", "value", "source", "actor", "event_seq")
    insert_rows(
        connection, tables.ExternalId, columns, ((*row, actor, event_seq) for row in additions)
    )


def _bump_version(connection: Connection, event_log: EventLog, event_seq: int, row: Any) -> None:
    """Give an identity whose ids changed a new version, and append it to the change feed."""
    mentions = connection.scalar(
        select(func.count()).where(Membership.identity_key == row.key).select_from(Membership)
    )
    new_row = row._replace(version=event_seq)
    update_identities(connection, [new_row])
    connection.execute(
        insert(IdentityVersion).values(
            event_seq=event_seq,
            identity_key=row.key,
            before=row.to_dict({}, mentions or 0),
            after=new_row.to_dict({}, mentions or 0),
        )
    )
    event_log.append_changes(event_seq, [NewChange("keep", row.id, mentions or 0)])
