"""History: publications and decisions in force since an event, which an undo must respect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from service.db.bulk import is_in
from service.db.tables import Event, IdentityVersion, Move

RUN_PUBLISHED, RUN_ROLLED_BACK = "run-published", "run-rolled-back"
DECISION_MADE, DECISION_UNDONE, DECISION_REDONE = (
    "decision-made",
    "decision-undone",
    "decision-redone",
)
CURATION_KINDS = (RUN_PUBLISHED, RUN_ROLLED_BACK, DECISION_MADE, DECISION_UNDONE, DECISION_REDONE)
"""Kinds of events that publish or decide."""
_IN_FORCE_KINDS = (RUN_PUBLISHED, DECISION_MADE, DECISION_REDONE)

MAX_SHOWN = 20
"""Maximum number of events listed in a message."""


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """An event that changed what is published."""

    seq: int
    kind: str
    subject: str | None
    actor: str
    at: datetime

    def to_dict(self) -> dict[str, Any]:
        """Return the event as a JSON object for clients."""
        return {
            "seq": self.seq,
            "kind": self.kind,
            "subject": self.subject,
            "actor": self.actor,
            "at": self.at.isoformat(),
        }

    def __str__(self) -> str:
        """Return a short description for messages."""
        what = self.kind.replace("-", " ")
        return f"{what} {self.subject or ''} by {self.actor} (event {self.seq})"


_COLUMNS = (Event.seq, Event.kind, Event.subject, Event.actor, Event.at)


def list_curations_since(connection: Connection, seq: int) -> list[HistoryEvent]:
    """List all publications, decisions and their reversals after an event."""
    query = select(*_COLUMNS).where(Event.seq > seq, Event.kind.in_(CURATION_KINDS))
    return [HistoryEvent(*row) for row in connection.execute(query.order_by(Event.seq))]


def list_events_in_force_since(
    connection: Connection, seq: int, identities: Collection[int], signatures: Collection[int]
) -> list[HistoryEvent]:
    """List publications and decisions after an event that changed these identities or signatures.

    Events whose net effect since then is none (done and undone, or undone and redone) are left out.
    """
    event_seqs: set[int] = set()
    for column, key_column, keys in (
        (IdentityVersion.event_seq, IdentityVersion.identity_key, identities),
        (Move.event_seq, Move.signature_key, signatures),
    ):
        query = select(column).where(column > seq, is_in(connection, key_column, keys))
        event_seqs.update(connection.scalars(query.distinct()))
    later_events = [
        event for event in list_curations_since(connection, seq) if event.seq in event_seqs
    ]
    return [
        e
        for e in _keep_last_by_subject(later_events)
        if (e.kind in _IN_FORCE_KINDS) != _was_in_force(connection, seq, e.subject)
    ]


def list_last_changes(
    connection: Connection, seq: int, identities: Collection[int], signatures: Collection[int]
) -> list[HistoryEvent]:
    """List the last event after ``seq`` that changed each identity or moved each signature."""
    event_numbers: set[int] = set()
    for column, key_column, keys in (
        (IdentityVersion.event_seq, IdentityVersion.identity_key, identities),
        (Move.event_seq, Move.signature_key, signatures),
    ):
        rows = connection.execute(
            select(key_column, column).where(column > seq, is_in(connection, key_column, keys))
        )
        last: dict[int, int] = {}
        for key, event_seq in rows:
            last[key] = max(event_seq, last.get(key, 0))
        event_numbers |= set(last.values())
    query = select(*_COLUMNS).where(is_in(connection, Event.seq, event_numbers)).order_by(Event.seq)
    return [HistoryEvent(*row) for row in connection.execute(query)]


def summarize_events(events: Sequence[HistoryEvent]) -> str:
    """Return a message text with the first events and the number of further ones."""
    text = "; ".join(str(event) for event in events[:MAX_SHOWN])
    n_more = len(events) - MAX_SHOWN
    return text if n_more <= 0 else f"{text}; and {n_more} more"


def _keep_last_by_subject(events: Iterable[HistoryEvent]) -> list[HistoryEvent]:
    """Return the last event of each subject, in order."""
    return sorted({e.subject: e for e in events}.values(), key=lambda e: e.seq)


def _was_in_force(connection: Connection, seq: int, subject: str | None) -> bool:
    """Whether a decision or a publication was in force right after an event."""
    kind = connection.scalar(
        select(Event.kind)
        .where(Event.subject == subject, Event.seq <= seq, Event.kind.in_(CURATION_KINDS))
        .order_by(Event.seq.desc())
        .limit(1)
    )
    return kind in _IN_FORCE_KINDS
