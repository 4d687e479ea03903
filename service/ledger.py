"""The line of events: one transaction at a time holds it, and numbers what it does on it.

Numbers are given out under a lock that is held until the commit, so a reader that has seen
number n will never see a lower one appear.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.actors import Actor
from service.database import insert_rows
from service.tables import Change, Event, State


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of the feed before it has a number; see :class:`service.tables.Change`.

    ``kind`` is one of ``create``, ``keep``, ``merge``, ``split``, ``move``, ``restore``.
    """

    kind: str
    identity: str
    mentions: int
    others: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class EventLog:
    """The line of events, held by a write until it commits."""

    connection: Connection
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def lock(cls, connection: Connection) -> EventLog:
        """Wait for the line and hold it; call it before reading what the write depends on."""
        connection.execute(select(State.key).where(State.key == 1).with_for_update())
        return cls(connection)

    @property
    def sequence(self) -> int:
        """The last number given out."""
        return self.connection.scalars(select(State.sequence)).one()

    @property
    def curated(self) -> int:
        """Number of the last publication or decision."""
        return self.connection.scalars(select(State.curated)).one()

    def take(self, n: int = 1) -> int:
        """Take ``n`` numbers; the first of them."""
        taken = update(State).values(sequence=State.sequence + n).returning(State.sequence)
        return self.connection.scalars(taken).one() - n + 1

    def record(
        self,
        kind: str,
        actor: Actor,
        *,
        subject: str | None = None,
        reason: str | None = None,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        curates: bool = False,
    ) -> int:
        """Append an event; its number.

        ``curates`` tells that it publishes or decides, so that proposals based on an earlier
        state may no longer be published as they are.
        """
        seq = self.take()
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
        if curates:
            self.connection.execute(update(State).values(curated=seq))
        return seq

    def tell(self, event_seq: int, told: Iterable[Told]) -> None:
        """Append entries to the feed of changes, in the order given."""
        entries = list(told)
        if not entries:
            return
        first = self.take(len(entries))
        rows = (
            (first + k, event_seq, e.kind, e.identity, list(e.others), e.mentions, self.at)
            for k, e in enumerate(entries)
        )
        columns = ("seq", "event_seq", "kind", "identity", "others", "mentions", "at")
        insert_rows(self.connection, Change, columns, rows)
