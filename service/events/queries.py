"""Queries on the event log and on the change feed that consumers follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from service.db import tables
from service.db.tables import Change, Identity, IdentityVersion, Move, Signature, Work
from service.errors import NotFound
from service.events.results import ChangedIdentity, ChangeEntry, Event, EventDetails, MovedMention

_COLUMNS = tuple(getattr(tables.Event, name) for name in Event.__struct_fields__)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Criteria for events; None matches any. ``since`` is inclusive, ``until`` exclusive."""

    kind: str | None = None
    actor: str | None = None
    subject: str | None = None
    request: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_events(
    connection: Connection, event_filter: EventFilter, limit: int, before: int | None = None
) -> list[Event]:
    """List events with a number below ``before``, newest first."""
    query = select(*_COLUMNS).order_by(tables.Event.seq.desc()).limit(limit)
    for column in (
        tables.Event.kind,
        tables.Event.actor,
        tables.Event.subject,
        tables.Event.request,
    ):
        value = getattr(event_filter, column.key)
        if value is not None:
            query = query.where(column == value)
    if event_filter.since is not None:
        query = query.where(tables.Event.at >= event_filter.since)
    if event_filter.until is not None:
        query = query.where(tables.Event.at < event_filter.until)
    if before is not None:
        query = query.where(tables.Event.seq < before)
    return [Event(**row) for row in connection.execute(query).mappings()]


def get_event(connection: Connection, seq: int, limit: int) -> EventDetails:
    """Return one event with at most ``limit`` changed identities and ``limit`` moved mentions.

    Raises
    ------
    NotFound
        If no event has this number.
    """
    row = connection.execute(select(*_COLUMNS).where(tables.Event.seq == seq)).mappings().first()
    if row is None:
        raise NotFound(
            f"no event {seq}", "changes and events share one number sequence", field="seq"
        )
    identities = connection.execute(
        select(Identity.id, IdentityVersion.before, IdentityVersion.after)
        .join(Identity, Identity.key == IdentityVersion.identity_key)
        .where(IdentityVersion.event_seq == seq)
        .order_by(Identity.key)
        .limit(limit)
    )
    return EventDetails(
        **row,
        identities=[ChangedIdentity(id=i, before=b, after=a) for i, b, a in identities],
        n_identities=_count_rows(connection, IdentityVersion, seq),
        mentions=_list_moves(connection, seq, limit),
        n_mentions=_count_rows(connection, Move, seq),
    )


def _list_moves(connection: Connection, seq: int, limit: int) -> list[MovedMention]:
    old, new = Identity.__table__.alias("old"), Identity.__table__.alias("new")
    rows = connection.execute(
        select(Work.id, Signature.position, old.c.id, new.c.id)
        .select_from(Move)
        .join(Signature, Signature.key == Move.signature_key)
        .join(Work, Work.key == Signature.work_key)
        .outerjoin(old, old.c.key == Move.from_identity)
        .outerjoin(new, new.c.key == Move.to_identity)
        .where(Move.event_seq == seq)
        .order_by(Move.signature_key)
        .limit(limit)
    )
    return [MovedMention(work=w, position=p, before=a, after=b) for w, p, a, b in rows]


def _count_rows(connection: Connection, table: type[IdentityVersion] | type[Move], seq: int) -> int:
    query = select(func.count()).select_from(table).where(table.event_seq == seq)
    return connection.scalars(query).one()


def list_changes_since(
    connection: Connection,
    since: int,
    limit: int,
    *,
    kind: str | None = None,
    identity: str | None = None,
) -> list[ChangeEntry]:
    """List changes numbered above ``since``, in order.

    Numbers appear in the order of commits: a consumer that continues from the last number seen
    gets every change once.
    """
    query = select(Change).where(Change.seq > since).order_by(Change.seq).limit(limit)
    if kind is not None:
        query = query.where(Change.kind == kind)
    if identity is not None:
        query = query.where(Change.identity == identity)
    return [
        ChangeEntry(
            sequence=row.seq,
            event=row.event_seq,
            kind=row.kind,
            identity=row.identity,
            others=row.others,
            mentions=row.mentions,
            at=row.at,
        )
        for row in connection.execute(query)
    ]
