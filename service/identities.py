"""What became of an id, and what happened to an identity."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from service.errors import NotFound
from service.identity_rows import REDIRECTED, SPLIT, IdentityRow, identity_rows, rows_by_id
from service.sets import among
from service.standing import DECIDED, PUBLISHED, REDONE
from service.tables import Decision, Event, IdentityVersion, Lineage, Run

MOST = 1_000
"""Entries of a history that are told at once."""


@dataclass(frozen=True, slots=True)
class Part:
    """An identity that mentions went to: its id, its status, and how many went."""

    id: str
    name: str
    status: str
    mentions: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an id stands for now.

    Attributes
    ----------
    asked : str
        The id that was asked for.
    row : IdentityRow
        The active identity it leads to, or the one that is gone.
    parts : tuple of Part
        Where the mentions of one that is gone went, most first.
    """

    asked: str
    row: IdentityRow
    parts: tuple[Part, ...] = ()

    @property
    def is_redirect(self) -> bool:
        """Whether another id must be used from now on."""
        return self.row.id != self.asked

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left of it that has one successor."""
        return self.row.status == SPLIT


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in the history of an identity.

    ``before`` is None where the identity was created; ``undoable`` is the decision or the run
    that may be taken back, None if there is nothing to take back.
    """

    seq: int
    kind: str
    at: datetime
    actor: str
    reason: str | None
    subject: str | None
    before: dict[str, Any] | None
    after: dict[str, Any]
    undoable: str | None


def resolve(connection: Connection, identity: str) -> Resolved:
    """What an id stands for now.

    Raises
    ------
    NotFound
        If it never was an id.
    """
    row = rows_by_id(connection, [identity]).get(identity)
    if row is None:
        raise NotFound(f"there is no identity {identity[:40]!r}", "look it up by name")
    if row.status == REDIRECTED and row.redirect_key is not None:
        row = identity_rows(connection, [row.redirect_key])[row.redirect_key]
    if row.status != SPLIT:
        return Resolved(identity, row)
    return Resolved(identity, row, _parts(connection, row.key))


def parents(connection: Connection, key: int) -> list[Part]:
    """Identities that mentions of this one came from, by merge or split, most first."""
    return _related(connection, Lineage.child_key == key, Lineage.parent_key)


def history(
    connection: Connection, identity: str, before: int | None = None, limit: int = 100
) -> list[Entry]:
    """What happened to an identity, the newest first.

    Parameters
    ----------
    before : int, optional
        Only events with lower numbers.

    Raises
    ------
    NotFound
        If it never was an id.
    """
    row = rows_by_id(connection, [identity]).get(identity)
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
        .limit(min(max(limit, 1), MOST))
    )
    if before is not None:
        query = query.where(Event.seq < min(before, 2**63 - 1))
    rows = connection.execute(query).all()
    standing = _standing(connection, [(r[0], r[1], r[5]) for r in rows])
    return [
        Entry(seq, kind, at, actor, reason, subject, old, new, standing.get(seq))
        for seq, kind, at, actor, reason, subject, old, new in rows
    ]


def _parts(connection: Connection, key: int) -> tuple[Part, ...]:
    return tuple(_related(connection, Lineage.parent_key == key, Lineage.child_key))


def _related(connection: Connection, condition: Any, column: Any) -> list[Part]:
    query = select(column, Lineage.mentions).where(condition, Lineage.undone_seq.is_(None))
    count: dict[int, int] = defaultdict(int)
    for key, mentions in connection.execute(query):
        count[key] += mentions
    rows = identity_rows(connection, count)
    found = [Part(row.id, row.name, row.status, count[key]) for key, row in rows.items()]
    return sorted(found, key=lambda part: (-part.mentions, part.id))


def _standing(connection: Connection, events: list[tuple[int, str, str | None]]) -> dict[int, str]:
    """Decisions and runs, by event, that may be taken back."""
    subjects = {subject for _, _, subject in events if subject}
    decisions = select(Decision.id).where(
        Decision.undone_seq.is_(None), among(connection, Decision.id, subjects)
    )
    runs = select(Run.id, Run.event_seq).where(
        Run.state == "published", among(connection, Run.id, subjects)
    )
    made = set(connection.scalars(decisions))
    published = {row[0]: row[1] for row in connection.execute(runs)}
    return {
        seq: subject
        for seq, kind, subject in events
        if subject
        and (
            (kind in (DECIDED, REDONE) and subject in made)
            or (kind == PUBLISHED and published.get(subject) == seq)
        )
    }
