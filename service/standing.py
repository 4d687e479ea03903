"""Publications and decisions that still stand, and who made them: what an undo must respect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from service.sets import among
from service.tables import Event, IdentityVersion, Move

PUBLISHED, ROLLED_BACK = "run-published", "run-rolled-back"
DECIDED, UNDONE, REDONE = "decision-made", "decision-undone", "decision-redone"
CURATING = (PUBLISHED, ROLLED_BACK, DECIDED, UNDONE, REDONE)
"""Kinds of the events that publish or decide."""
_ON = (PUBLISHED, DECIDED, REDONE)

NAMED = 20
"""Events that one message names."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An event that changed what is published."""

    seq: int
    kind: str
    subject: str | None
    actor: str
    at: datetime

    def told(self) -> dict[str, Any]:
        """As a client is told."""
        return {
            "seq": self.seq,
            "kind": self.kind,
            "subject": self.subject,
            "actor": self.actor,
            "at": self.at.isoformat(),
        }

    def __str__(self) -> str:
        """In words."""
        what = self.kind.replace("-", " ")
        return f"{what} {self.subject or ''} by {self.actor} (event {self.seq})"


_COLUMNS = (Event.seq, Event.kind, Event.subject, Event.actor, Event.at)


def curated_since(connection: Connection, seq: int) -> list[Standing]:
    """All publications and decisions after an event, and what took any back."""
    query = select(*_COLUMNS).where(Event.seq > seq, Event.kind.in_(CURATING))
    return [Standing(*row) for row in connection.execute(query.order_by(Event.seq))]


def standing_since(
    connection: Connection, seq: int, identities: Collection[int], signatures: Collection[int]
) -> list[Standing]:
    """Publications and decisions after an event that bear on identities or mentions.

    What was done and taken back since, or taken back and done again, is left out.
    """
    bearing: set[int] = set()
    for column, keyed, keys in (
        (IdentityVersion.event_seq, IdentityVersion.identity_key, identities),
        (Move.event_seq, Move.signature_key, signatures),
    ):
        query = select(column).where(column > seq, among(connection, keyed, keys))
        bearing.update(connection.scalars(query.distinct()))
    since = [event for event in curated_since(connection, seq) if event.seq in bearing]
    return [e for e in _last(since) if (e.kind in _ON) != _was_on(connection, seq, e.subject)]


def last_change(
    connection: Connection, seq: int, identities: Collection[int], signatures: Collection[int]
) -> list[Standing]:
    """The last events after one that changed these identities or moved these mentions."""
    found: set[int] = set()
    for column, keyed, keys in (
        (IdentityVersion.event_seq, IdentityVersion.identity_key, identities),
        (Move.event_seq, Move.signature_key, signatures),
    ):
        rows = connection.execute(
            select(keyed, column).where(column > seq, among(connection, keyed, keys))
        )
        last: dict[int, int] = {}
        for key, event_seq in rows:
            last[key] = max(event_seq, last.get(key, 0))
        found |= set(last.values())
    query = select(*_COLUMNS).where(among(connection, Event.seq, found)).order_by(Event.seq)
    return [Standing(*row) for row in connection.execute(query)]


def in_words(events: Sequence[Standing]) -> str:
    """The first of them, and how many more there are."""
    named = "; ".join(str(event) for event in events[:NAMED])
    more = len(events) - NAMED
    return named if more <= 0 else f"{named}; and {more} more"


def _last(events: Iterable[Standing]) -> list[Standing]:
    """The last event of each subject, in order."""
    return sorted({e.subject: e for e in events}.values(), key=lambda e: e.seq)


def _was_on(connection: Connection, seq: int, subject: str | None) -> bool:
    """Whether a decision or a publication stood right after an event."""
    kind = connection.scalar(
        select(Event.kind)
        .where(Event.subject == subject, Event.seq <= seq, Event.kind.in_(CURATING))
        .order_by(Event.seq.desc())
        .limit(1)
    )
    return kind in _ON
