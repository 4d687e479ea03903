"""Resolve identity ids: redirects, successors, lineage and history."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from service.db.bulk import is_in
from service.db.tables import Decision, Event, IdentityVersion, Lineage, Run
from service.errors import NotFound
from service.events.history import DECISION_MADE, DECISION_REDONE, RUN_PUBLISHED
from service.identities.results import HistoryEntry
from service.identities.store import (
    REDIRECTED,
    SPLIT,
    IdentityRow,
    read_identities,
    read_identities_by_id,
)

MAX_ENTRIES = 1_000
"""Maximum number of history entries in one page."""


@dataclass(frozen=True, slots=True)
class RelatedIdentity:
    """An identity that shares lineage with another, and how many mentions moved between them."""

    id: str
    name: str
    status: str
    mentions: int


@dataclass(frozen=True, slots=True)
class ResolvedIdentity:
    """The current identity of an id.

    Attributes
    ----------
    requested_id : str
        The id that was requested.
    row : IdentityRow
        The active identity it resolves to, or the identity that was split.
    successors : tuple of RelatedIdentity
        Identities that received the mentions of a split identity, most mentions first.
    """

    requested_id: str
    row: IdentityRow
    successors: tuple[RelatedIdentity, ...] = ()

    @property
    def is_gone(self) -> bool:
        """Whether the identity was split, so that no single identity replaces it."""
        return self.row.status == SPLIT


def resolve_identity(connection: Connection, identity: str) -> ResolvedIdentity:
    """Return the current identity of an id, following redirects.

    Raises
    ------
    NotFound
        If no identity ever had this id.
    """
    row = read_identities_by_id(connection, [identity]).get(identity)
    if row is None:
        raise NotFound(f"there is no identity {identity[:40]!r}", "look it up by name")
    if row.status == REDIRECTED and row.redirect_key is not None:
        row = read_identities(connection, [row.redirect_key])[row.redirect_key]
    if row.status != SPLIT:
        return ResolvedIdentity(identity, row)
    return ResolvedIdentity(identity, row, _list_successors(connection, row.key))


def list_history(
    connection: Connection,
    identity: str,
    before: int | None = None,
    limit: int = 100,
    *,
    include_actors: bool = True,
) -> list[HistoryEntry]:
    """List the events in the history of an identity, newest first.

    Parameters
    ----------
    before : int, optional
        Only events with lower numbers.
    include_actors : bool
        Whether to include the actors; readers below the role reviewer may not see them.

    Raises
    ------
    NotFound
        If no identity ever had this id.
    """
    row = read_identities_by_id(connection, [identity]).get(identity)
    if row is None:
        raise NotFound(f"there is no identity {identity[:40]!r}", "look it up by name")
    query = (
        select(
            Event.seq,
            Event.kind,
            Event.at,
            Event.actor,
            Event.reason,
            Event.subject,
            IdentityVersion.before,
            IdentityVersion.after,
        )
        .join(Event, Event.seq == IdentityVersion.event_seq)
        .where(IdentityVersion.identity_key == row.key)
        .order_by(Event.seq.desc())
        .limit(min(max(limit, 1), MAX_ENTRIES))
    )
    if before is not None:
        query = query.where(Event.seq < min(before, 2**63 - 1))
    rows = connection.execute(query).all()
    undoable_ids = _find_undoable(connection, [(r[0], r[1], r[5]) for r in rows])
    return [
        HistoryEntry(
            sequence=seq,
            kind=kind,
            at=at,
            actor=actor if include_actors else None,
            reason=reason,
            subject=subject,
            before=old,
            after=new,
            undoable=undoable_ids.get(seq),
        )
        for seq, kind, at, actor, reason, subject, old, new in rows
    ]


def _list_successors(connection: Connection, key: int) -> tuple[RelatedIdentity, ...]:
    return tuple(_list_related(connection, Lineage.parent_key == key, Lineage.child_key))


def _list_related(connection: Connection, condition: Any, column: Any) -> list[RelatedIdentity]:
    query = select(column, Lineage.mentions).where(condition, Lineage.undone_seq.is_(None))
    count: dict[int, int] = defaultdict(int)
    for key, mentions in connection.execute(query):
        count[key] += mentions
    rows = read_identities(connection, count)
    related = [
        RelatedIdentity(row.id, row.name, row.status, count[key]) for key, row in rows.items()
    ]
    return sorted(related, key=lambda part: (-part.mentions, part.id))


def _find_undoable(
    connection: Connection, events: list[tuple[int, str, str | None]]
) -> dict[int, str]:
    """Return ids of decisions and runs that can be undone or rolled back, by event number."""
    subjects = {subject for _, _, subject in events if subject}
    decisions = select(Decision.id).where(
        Decision.undone_seq.is_(None), is_in(connection, Decision.id, subjects)
    )
    runs = select(Run.id, Run.event_seq).where(
        Run.state == "published", is_in(connection, Run.id, subjects)
    )
    decision_ids = set(connection.scalars(decisions))
    run_events = {row[0]: row[1] for row in connection.execute(runs)}
    return {
        seq: subject
        for seq, kind, subject in events
        if subject
        and (
            (kind in (DECISION_MADE, DECISION_REDONE) and subject in decision_ids)
            or (kind == RUN_PUBLISHED and run_events.get(subject) == seq)
        )
    }
