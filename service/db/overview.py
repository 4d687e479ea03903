"""Overview of a database: engine, schema revision, size, and counts of records."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from sqlalchemy import Connection, func, select, text

from service.db import migrations
from service.db.database import Database
from service.db.tables import (
    Change,
    Decision,
    Event,
    Identity,
    Membership,
    Name,
    Run,
    Signature,
    State,
    Task,
    Work,
)
from service.values import Value, doc


class IdentityCounts(Value, kw_only=True):
    """Numbers of identities by status."""

    active: int
    redirected: Annotated[int, doc("Merged into others.")]
    gone: Annotated[int, doc("Split, or left without mentions.")]
    curated: Annotated[int, doc("Active identities with a curator's decision.")]


class Publication(Value, kw_only=True):
    """The publication that readers see."""

    run: Annotated[str, doc("Id of its run.")]
    sequence: Annotated[int | None, doc("Sequence number of the event.")]
    at: datetime | None


class Stats(Value, kw_only=True):
    """Counts of what the service holds."""

    works: int
    names: Annotated[int, doc("Distinct printed names, ignoring case.")]
    mentions: Annotated[int, doc("Author mentions of current work versions.")]
    placed: Annotated[int, doc("Mentions assigned to an identity.")]
    unplaced: int
    identities: IdentityCounts
    publication: Publication | None
    sequence: Annotated[int, doc("Sequence number of the last event.")]


COUNTED_TABLES = {
    "works": Work,
    "names": Name,
    "signatures": Signature,
    "identities": Identity,
    "decisions": Decision,
    "events": Event,
    "changes": Change,
    "runs": Run,
    "tasks": Task,
}


@dataclass(frozen=True, slots=True)
class Inventory:
    """Overview of a database.

    Attributes
    ----------
    kind : str
        Engine and version, such as ``SQLite 3.40.1``.
    revision, newest : str or None, str
        Schema revision of the database, and the one that this version needs.
    bytes : int
        Size of the database.
    free : int or None
        Free bytes on its disk; None for PostgreSQL.
    rows : dict
        Row counts of the main tables; empty if the schema is of another revision.
    last_event : datetime or None
    """

    kind: str
    revision: str | None
    newest: str
    bytes: int
    free: int | None
    rows: dict[str, int]
    last_event: datetime | None


def read_inventory(database: Database) -> Inventory:
    """Read the overview of a database of any revision.

    Raises
    ------
    Unavailable
        The database cannot be reached.
    """
    revision, newest = migrations.get_revision(database), migrations.get_head_revision()
    with database.read() as connection:
        kind, size = _describe_engine(connection)
        rows: dict[str, int] = {}
        last_event = None
        if revision == newest:
            for name, table in COUNTED_TABLES.items():
                rows[name] = connection.scalar(select(func.count()).select_from(table)) or 0
            last_event = connection.scalar(select(Event.at).order_by(Event.seq.desc()).limit(1))
    free = None
    if database.is_sqlite:
        free = shutil.disk_usage(Path(str(database.url.database)).absolute().parent).free
    return Inventory(kind, revision, newest, size, free, rows, last_event)


def _describe_engine(connection: Connection) -> tuple[str, int]:
    """Return engine and version of the database, and its size in bytes."""
    if connection.dialect.name == "sqlite":
        version = connection.scalar(text("SELECT sqlite_version()"))
        size = text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return f"SQLite {version}", connection.scalar(size) or 0
    version = connection.scalar(text("SHOW server_version"))
    size = text("SELECT pg_database_size(current_database())")
    return f"PostgreSQL {version}", connection.scalar(size) or 0


def count_records(connection: Connection) -> Stats:
    """Count works, mentions, names and identities by status; add the last publication."""
    state = connection.execute(select(State.sequence, State.publication_run)).one()
    mentions = _count(connection, select(func.count()).where(Signature.retired_version.is_(None)))
    placed = _count(connection, select(func.count()).select_from(Membership))
    status_counts = select(Identity.status, func.count().label("n")).group_by(Identity.status)
    by_status = {row.status: row.n for row in connection.execute(status_counts)}
    curated_query = select(func.count()).where(Identity.status == "active", Identity.curated)
    return Stats(
        works=_count(connection, select(func.count()).select_from(Work)),
        names=_count(connection, select(func.count()).select_from(Name)),
        mentions=mentions,
        placed=placed,
        unplaced=mentions - placed,
        identities=IdentityCounts(
            active=by_status.get("active", 0),
            redirected=by_status.get("redirected", 0),
            gone=by_status.get("split", 0),
            curated=_count(connection, curated_query),
        ),
        publication=_get_publication(connection, state.publication_run),
        sequence=state.sequence,
    )


def _get_publication(connection: Connection, run_key: int | None) -> Publication | None:
    if run_key is None:
        return None
    query = (
        select(Run.id, Event.seq, Event.at)
        .outerjoin(Event, Event.seq == Run.event_seq)
        .where(Run.key == run_key)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Publication(run=row.id, sequence=row.seq, at=row.at)


def _count(connection: Connection, query: Any) -> int:
    return int(connection.scalars(query).one())
