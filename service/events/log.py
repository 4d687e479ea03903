"""The append-only event log: a sequence lock, event records and the change feed.

Sequence numbers are allocated under a lock that is held until the commit. A reader that has seen
number n never sees a lower number appear later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.actors import Actor
from service.db.database import insert_rows
from service.db.tables import Change, Event, State


@dataclass(frozen=True, slots=True)
class NewChange:
    """An entry of the change feed without its number; see :class:`service.db.tables.Change`.

    ``kind`` is one of ``create``, ``keep``, ``merge``, ``split``, ``move``, ``restore``.
    """

    kind: str
    identity: str
    mentions: int
    others: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class EventLog:
    """The event log, locked by a write transaction until it commits."""

    connection: Connection
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def lock(cls, connection: Connection) -> EventLog:
        """Acquire the lock of the event log; call it before reading what the write depends on."""
        connection.execute(select(State.key).where(State.key == 1).with_for_update())
        return cls(connection)

    @property
    def sequence(self) -> int:
        """Last sequence number that was allocated."""
        return self.connection.scalars(select(State.sequence)).one()

    @property
    def last_curation(self) -> int:
        """Sequence number of the last publication or decision."""
        return self.connection.scalars(select(State.curated)).one()

    def take_numbers(self, n: int = 1) -> int:
        """Allocate ``n`` sequence numbers and return the first of them."""
        statement = update(State).values(sequence=State.sequence + n).returning(State.sequence)
        return self.connection.scalars(statement).one() - n + 1

    def record(
        self,
        kind: str,
        actor: Actor,
        *,
        subject: str | None = None,
        reason: str | None = None,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        is_curation: bool = False,
    ) -> int:
        """Append an event and return its sequence number.

        ``is_curation`` marks an event that publishes or decides: proposals based on an earlier
        state can then no longer be published as they are.
        """
        seq = self.take_numbers()
        self.connection.execute(
            insert(Event).values(
                seq=seq,
                kind=kind,
                at=self.at,
                actor=actor.name,
                request=actor.request,
                subject=subject,
                reason=reason,
                before=before,
                after=after,
            )
        )
        if is_curation:
            self.connection.execute(update(State).values(curated=seq))
        return seq

    def append_changes(self, event_seq: int, changes: Iterable[NewChange]) -> None:
        """Append entries to the change feed, in their order."""
        entries = list(changes)
        if not entries:
            return
        first = self.take_numbers(len(entries))
        rows = (
            (first + k, event_seq, e.kind, e.identity, list(e.others), e.mentions, self.at)
            for k, e in enumerate(entries)
        )
        columns = ("seq", "event_seq", "kind", "identity", "others", "mentions", "at")
        insert_rows(self.connection, Change, columns, rows)
